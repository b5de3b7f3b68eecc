// A tensor's entry holds lists of numbers and nothing deeper: file, tensor, list.
const MAX_DEPTH = 3;
const MAX_LIST = 64;

/**
 * Looks through a header before it is parsed, for what JSON.parse would hide (a key that stands twice) or pay
 * for with many times the text's size in memory (nesting, long lists). The text need not be valid JSON.
 *
 * @returns what is wrong, in the two halves of an error message, or nothing
 */
export function scanHeader(text: string): { expected: string; received: string } | undefined {
  const open: (Set<string> | number)[] = []; // keys seen in an object, or commas seen in a list
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const inner = open.at(-1);
    if (c === 0x7b /* { */ || c === 0x5b /* [ */) {
      if (open.length === MAX_DEPTH) {
        return { expected: `at most ${MAX_DEPTH} levels of nesting`, received: `more, at character ${i}` };
      }
      open.push(c === 0x7b ? new Set() : 0);
    } else if (c === 0x7d /* } */ || c === 0x5d /* ] */) {
      open.pop();
    } else if (c === 0x2c /* , */ && typeof inner === 'number') {
      open[open.length - 1] = inner + 1;
      if (inner + 1 >= MAX_LIST) {
        return { expected: `lists of at most ${MAX_LIST} numbers`, received: `more, at character ${i}` };
      }
    } else if (c === 0x22 /* " */) {
      const end = endOfString(text, i);
      if (inner instanceof Set && isKeyEnd(text, end)) {
        const key = decodeKey(text.slice(i, end + 1));
        if (inner.has(key)) return { expected: 'each name once', received: `${shorten(key)} twice` };
        inner.add(key);
      }
      i = end;
    }
  }
  return undefined;
}

/** Text from a file for an error message: quoted, and never longer than a line. */
export function shorten(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text);
}

function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text.charCodeAt(i) !== 0x22) i += text.charCodeAt(i) === 0x5c ? 2 : 1;
  return i;
}

/** Whether the string that ends at this quote is followed by a colon. */
function isKeyEnd(text: string, quote: number): boolean {
  let i = quote + 1;
  while (i < text.length && ' \n\r\t'.includes(text[i]!)) i++;
  return text[i] === ':';
}

/** Two spellings of one key are one key; what is no valid string stays as it is, for JSON.parse to refuse. */
function decodeKey(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted;
  }
}
