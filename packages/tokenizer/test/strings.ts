import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { seededRandom } from '@weft/testing';

const SCRIPTS: readonly (readonly [number, number])[] = [
  [0x20, 0x7f],
  [0x61, 0x7b],
  [0x41, 0x5b],
  [0x30, 0x3a],
  [0x21, 0x30],
  [0xa0, 0x180],
  [0x300, 0x370],
  [0x370, 0x400],
  [0x400, 0x500],
  [0x590, 0x600],
  [0x600, 0x700],
  [0x900, 0x980],
  [0xe00, 0xe80],
  [0x1100, 0x1200],
  [0x1e00, 0x2000],
  [0x2000, 0x2070],
  [0x3040, 0x3100],
  [0x4e00, 0x5000],
  [0xac00, 0xad00],
  [0xf900, 0xfb00],
  [0xfb00, 0xfb50],
  [0xfe00, 0xff00],
  [0xff00, 0xffff],
  [0x1d400, 0x1d800],
  [0x1f300, 0x1f700],
  [0x20000, 0x20100],
];

const PIECES = [
  ' ',
  '  ',
  '\n',
  '\t',
  '\r\n',
  "'s",
  "'re ",
  "don't",
  'the ',
  ' and',
  'ing',
  'tion',
  '123',
  '3.14',
  '\u200d',
  '\ufe0f',
  '\u0301',
  'e\u0301',
  '\u0327\u0301',
  '👩‍👩‍👧',
  '🇩🇪',
  '[MASK]',
  '<mask>',
  ' <mask> ',
  '<|endoftext|>',
  '</s>',
  '<extra_id_0>',
  '[CLS]',
  '\u0000',
  '\u0085',
  '\ufffd',
  '▁',
  'Ġ',
  '##',
  'ﬁ',
  'İ',
  'ß',
  'Σ',
  '中文',
  '한국',
  '\u00ad',
  '\ufeff',
  '\u3000',
];

/** Random strings of a seed: mixed scripts, controls, added tokens, combining marks. */
export function fuzzStrings(count: number, seed: number): string[] {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  return Array.from({ length: count }, () => {
    let out = '';
    const parts = below(12);
    let script = SCRIPTS[below(SCRIPTS.length)]!;
    for (let i = 0; i < parts; i++) {
      const kind = random();
      if (kind < 0.3) out += PIECES[below(PIECES.length)]!;
      else if (kind < 0.32) out += randomCodePoint(below);
      else {
        if (kind < 0.5) script = SCRIPTS[below(SCRIPTS.length)]!;
        for (let n = below(6); n >= 0; n--)
          out += String.fromCodePoint(script[0] + below(script[1] - script[0]));
      }
    }
    return out;
  });
}

function randomCodePoint(below: (limit: number) => number): string {
  const code = below(0x110000);
  return code >= 0xd800 && code <= 0xdfff ? '' : String.fromCodePoint(code);
}

/** Lines of this project's own sources and of its lock file: code, prose and numbers. */
function sourceLines(): string[] {
  const require = createRequire(import.meta.url);
  const files = [
    require.resolve('@huggingface/tokenizers'),
    require.resolve('@huggingface/jinja'),
    new URL('../src/tokenizer.ts', import.meta.url),
    new URL('../../../LICENSE', import.meta.url),
  ];
  return files.flatMap((file) => readFileSync(file, 'utf8').split('\n'));
}

/** Varied strings: prose, code, each block of Unicode, edges. */
export function variedStrings(): string[] {
  const blocks = Array.from({ length: 0x300 }, (_, block) =>
    Array.from({ length: 64 }, (_, i) => block * 0x100 + i * 4)
      .filter((code) => code < 0xd800 || code > 0xdfff)
      .map((code) => String.fromCodePoint(code))
      .join(block % 2 === 0 ? '' : ' '),
  );
  const edges = [
    '',
    ' ',
    '\n\n\n',
    'a'.repeat(300),
    'word '.repeat(200),
    'é'.repeat(200),
    'e\u0301'.repeat(100),
    '\u0301\u0327abc',
    "it's we're I'd they'll 's''s'",
    'THE ΑΣ ΣΑΣ İstanbul ǅ ŉ',
    '中文字符 mixed with English，和标点。',
    '👩‍👩‍👧‍👦 family 🇩🇪🇫🇷 flags 👍🏽 tone',
    'tab\there\u00a0nbsp\u2003em\u3000ideographic',
    'a\u0000b\u0007c\u200bd\u00ade',
    '<|endoftext|><mask>[MASK]</s> [SEP] x<mask>y',
  ];
  return [...edges, ...blocks, ...sourceLines()];
}
