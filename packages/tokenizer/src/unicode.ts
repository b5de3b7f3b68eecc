import * as data from './unicode-data.js';

/** A set of code points: a byte each for the basic plane, ranges by binary search above it. */
export class CodePointSet {
  private readonly low = new Uint8Array(0x10000);
  private readonly high: number[] = [];

  constructor(encoded: string) {
    const numbers = encoded === '' ? [] : encoded.split(' ');
    let end = 0;
    for (let i = 0; i < numbers.length; i += 2) {
      const start = end + Number.parseInt(numbers[i]!, 36);
      end = start + Number.parseInt(numbers[i + 1]!, 36);
      if (start < 0x10000) this.low.fill(1, start, Math.min(end, 0x10000));
      if (end > 0x10000) this.high.push(Math.max(start, 0x10000), end);
    }
  }

  has(code: number): boolean {
    if (code < 0x10000) return this.low[code] === 1;
    let low = 0;
    let high = this.high.length >> 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.high[2 * middle + 1]! <= code) low = middle + 1;
      else high = middle;
    }
    return 2 * low < this.high.length && this.high[2 * low]! <= code;
  }
}

function lazily(encoded: string): () => CodePointSet {
  let set: CodePointSet | undefined;
  return () => {
    set ??= new CodePointSet(encoded);
    return set;
  };
}

export const letters = lazily(data.LETTER);
export const numbers = lazily(data.NUMBER);
export const punctuation = lazily(data.PUNCTUATION);
export const removedByCleaning = lazily(data.REMOVED);
export const nonspacingMarks = lazily(data.NONSPACING);
export const marks = lazily(data.MARK);
export const wordCharacters = lazily(data.WORD);
export const symbolCharacters = lazily(data.SYMBOL);
export const undecomposed = lazily(data.UNDECOMPOSED);

/** White_Space of Unicode. JavaScript's \s has U+FEFF besides and lacks U+0085. */
export function isWhiteSpace(code: number): boolean {
  if (code < 0x80) return code === 32 || (code >= 9 && code <= 13);
  return (
    code === 0x85 ||
    code === 0xa0 ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000
  );
}

export function isChinese(code: number): boolean {
  return (
    (code >= 0x4e00 && code <= 0x9fff) ||
    (code >= 0x3400 && code <= 0x4dbf) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0x20000 && code <= 0x2a6df) ||
    (code >= 0x2a700 && code <= 0x2b81f) ||
    (code >= 0x2b920 && code <= 0x2ceaf) ||
    (code >= 0x2f800 && code <= 0x2fa1f)
  );
}

/** How many UTF-16 units a code point takes. */
export function widthOf(code: number): 1 | 2 {
  return code > 0xffff ? 2 : 1;
}

// No ES2024 in the compiler's library, though Node 20 has both methods.
interface WellFormed {
  isWellFormed(): boolean;
  toWellFormed(): string;
}

/** The text with U+FFFD for each surrogate that stands alone, as its UTF-8 form has it. Lengths stay. */
export function wellFormed(text: string): string {
  const checked = text as unknown as WellFormed;
  return checked.isWellFormed() ? text : checked.toWellFormed();
}

/** \w of the Rust library's own regular expressions. */
export function isWordCharacter(code: number): boolean {
  return /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u.test(String.fromCodePoint(code));
}
