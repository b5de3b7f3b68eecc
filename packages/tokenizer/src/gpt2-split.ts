import { isWhiteSpace, letters, numbers } from './unicode.js';

const OTHER = 0;
const LETTER = 1;
const NUMBER = 2;
const SPACE = 3;

/** The class of each code unit of the basic plane; surrogates are looked up as pairs. */
let classes: Uint8Array | undefined;

function basicClasses(): Uint8Array {
  if (classes) return classes;
  classes = new Uint8Array(0x10000);
  for (let code = 0; code < 0x10000; code++) {
    classes[code] = letters().has(code)
      ? LETTER
      : numbers().has(code)
        ? NUMBER
        : isWhiteSpace(code)
          ? SPACE
          : OTHER;
  }
  return classes;
}

/**
 * GPT-2's pattern `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+` as a scanner
 * that reads each character once.
 */
export class Gpt2Splitter {
  private readonly classes = basicClasses();

  private classAt(text: string, at: number): number {
    const unit = text.charCodeAt(at);
    if (unit < 0xd800 || unit > 0xdbff) return this.classes[unit]!;
    const code = text.codePointAt(at)!;
    return letters().has(code) ? LETTER : numbers().has(code) ? NUMBER : OTHER;
  }

  /** Calls `emit` with the bounds of each word in turn; together they are the whole text. */
  split(text: string, emit: (from: number, to: number) => void): void {
    const length = text.length;
    let from = 0;
    while (from < length) {
      const to = this.endOf(text, from, length);
      emit(from, to);
      from = to;
    }
  }

  /** Where the word that begins at `from` ends. */
  endOf(text: string, from: number, length: number): number {
    const unit = text.charCodeAt(from);
    if (unit === 0x27) {
      const suffix = contraction(text, from);
      if (suffix > 0) return from + suffix;
    }
    let kind = this.classAt(text, from);
    let at = from;
    if (kind === SPACE) {
      if (unit === 32 && from + 1 < length) {
        kind = this.classAt(text, from + 1);
        at = from + 1;
      }
      if (kind === SPACE) return this.endOfSpaces(text, from, length);
    }
    const table = this.classes;
    at++;
    while (at < length) {
      const next = text.charCodeAt(at);
      // The second half of a pair belongs to its first.
      if (next >= 0xd800 && next <= 0xdfff) {
        if (next <= 0xdbff && this.classAt(text, at) !== kind) break;
      } else if (table[next] !== kind) break;
      at++;
    }
    return at;
  }

  /** A run of spaces leaves its last one to the word that follows. */
  private endOfSpaces(text: string, from: number, length: number): number {
    let at = from + 1;
    while (at < length && this.classes[text.charCodeAt(at)] === SPACE) at++;
    return at < length && at - from > 1 ? at - 1 : at;
  }
}

function contraction(text: string, at: number): number {
  switch (text.charCodeAt(at + 1)) {
    case 0x73: // s
    case 0x74: // t
    case 0x6d: // m
    case 0x64: // d
      return 2;
    case 0x72: // re
    case 0x76: // ve
      return text.charCodeAt(at + 2) === 0x65 ? 3 : 0;
    case 0x6c: // ll
      return text.charCodeAt(at + 2) === 0x6c ? 3 : 0;
    default:
      return 0;
  }
}
