/** An element as SVG text; attributes that are undefined are left out. */
export function element(
  name: string,
  attributes: Record<string, string | number | undefined>,
  ...children: string[]
): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escapeText(typeof value === 'number' ? short(value) : value!)}"`)
    .join('');
  return children.length === 0 ? `<${name}${written}/>` : `<${name}${written}>${children.join('')}</${name}>`;
}

/** Coordinates to a hundredth of a pixel. */
const short = (value: number): string => String(Math.round(value * 100) / 100);

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Control characters go: XML has no place for them, escaped or not. */
export const escapeText = (text: string): string =>
  text.replace(/(?![\t\n\r])\p{Cc}/gu, '').replace(/[&<>"]/g, (character) => entities[character]!);

export const label = (text: string, attributes: Record<string, string | number | undefined>): string =>
  element('text', attributes, escapeText(text));

/** Colours that stay apart for those who see few of them (Okabe and Ito). */
export const palette = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;
export const ink = '#24292f';
export const muted = '#57606a';
export const faint = '#d0d7de';

/** A whole picture on white, readable by screen readers through its title. */
export function picture(width: number, height: number, title: string, ...parts: string[]): string {
  return `${element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      'font-family': 'system-ui, sans-serif',
      'font-size': 12,
      fill: ink,
      role: 'img',
    },
    element('title', {}, escapeText(title)),
    element('rect', { width, height, fill: '#fff' }),
    label(title, { x: 16, y: 24, 'font-size': 15, 'font-weight': 600 }),
    ...parts,
  )}\n`;
}
