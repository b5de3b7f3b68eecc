import { widthOf } from './unicode.js';

/** The code points that a normalizer writes, each with how it relates to those that it read. */
export interface Replacement {
  codes: number[];
  /** 0: takes the next one's place; above 0: is inserted; -n: takes the next one's place and n more go. */
  changes: number[];
}

/**
 * A text on its way through the normalizers, with the place in the original of each of its UTF-16 units.
 * The rules by which places pass from old to new characters are the Rust library's, so that offsets agree.
 */
export class AlignedText {
  constructor(
    readonly text: string,
    readonly starts: Int32Array,
    readonly ends: Int32Array,
    /** Where in the original this piece begins. */
    readonly origin: number,
  ) {}

  static from(text: string, origin = 0): AlignedText {
    const starts = new Int32Array(text.length);
    const ends = new Int32Array(text.length);
    for (let i = 0; i < text.length; i++) {
      const width = widthOf(text.codePointAt(i)!);
      starts.fill(origin + i, i, i + width);
      ends.fill(origin + i + width, i, i + width);
      i += width - 1;
    }
    return new AlignedText(text, starts, ends, origin);
  }

  get length(): number {
    return this.text.length;
  }

  slice(from: number, to: number): AlignedText {
    if (from === 0 && to === this.text.length) return this;
    const origin = from < to ? this.starts[from]! : this.origin;
    return new AlignedText(
      this.text.slice(from, to),
      this.starts.subarray(from, to),
      this.ends.subarray(from, to),
      origin,
    );
  }

  /** Writes `replacement` over [from, to); the first `skipped` code points of it are dropped. */
  transform({ codes, changes }: Replacement, skipped = 0, from = 0, to = this.text.length): AlignedText {
    const units = codes.reduce((sum, code) => sum + widthOf(code), 0);
    const total = this.text.length - (to - from) + units;
    const starts = new Int32Array(total);
    const ends = new Int32Array(total);
    starts.set(this.starts.subarray(0, from));
    ends.set(this.ends.subarray(0, from));
    let read = this.advance(from, skipped, to);
    let written = from;
    const parts: string[] = [this.text.slice(0, from)];
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i]!;
      const change = changes[i]!;
      const inserted = change > 0;
      const at = inserted ? read - 1 : read;
      const start = at >= 0 && at < this.starts.length ? this.starts[at]! : this.origin;
      const end = at >= 0 && at < this.ends.length ? this.ends[at]! : this.origin;
      if (!inserted) read = this.advance(read, 1 - change, to);
      for (let unit = widthOf(code); unit > 0; unit--) {
        starts[written] = start;
        ends[written++] = end;
      }
      parts.push(String.fromCodePoint(code));
    }
    parts.push(this.text.slice(to));
    starts.set(this.starts.subarray(to), written);
    ends.set(this.ends.subarray(to), written);
    return new AlignedText(parts.join(''), starts, ends, this.origin);
  }

  /** Drops the code points that `keep` refuses. */
  filter(keep: (code: number) => boolean): AlignedText {
    const codes: number[] = [];
    const changes: number[] = [];
    let leading = 0;
    for (const character of this.text) {
      const code = character.codePointAt(0)!;
      if (keep(code)) {
        codes.push(code);
        changes.push(0);
      } else if (codes.length === 0) leading++;
      else changes[changes.length - 1]!--;
    }
    if (codes.length === 0) return this.slice(0, 0);
    return this.transform({ codes, changes }, leading);
  }

  /** Each code point becomes the code points of `write(character)`, all in its place. */
  mapCharacters(write: (character: string, code: number) => string): AlignedText {
    const codes: number[] = [];
    const changes: number[] = [];
    for (const character of this.text) {
      let isFirst = true;
      for (const out of write(character, character.codePointAt(0)!)) {
        codes.push(out.codePointAt(0)!);
        changes.push(isFirst ? 0 : 1);
        isFirst = false;
      }
    }
    return this.transform({ codes, changes });
  }

  /** Puts `prefix` in front; it takes the place of the first character. */
  prepend(prefix: string): AlignedText {
    if (this.text === '') return this;
    const first = this.text.codePointAt(0)!;
    const codes = [...prefix].map((character) => character.codePointAt(0)!);
    const changes = codes.map((_, i) => (i === 0 ? 0 : 1));
    return this.transform({ codes: [...codes, first], changes: [...changes, 1] }, 0, 0, widthOf(first));
  }

  /** Writes `content` for each of the ranges, in order; it takes the place of the last character replaced. */
  replaceRanges(ranges: readonly (readonly [number, number])[], content: string): AlignedText {
    if (ranges.length === 0) return this;
    const total = ranges.reduce((sum, [from, to]) => sum + content.length - (to - from), this.text.length);
    const starts = new Int32Array(total);
    const ends = new Int32Array(total);
    const parts: string[] = [];
    let read = 0;
    let written = 0;
    const copy = (to: number): void => {
      parts.push(this.text.slice(read, to));
      starts.set(this.starts.subarray(read, to), written);
      ends.set(this.ends.subarray(read, to), written);
      written += to - read;
    };
    for (const [from, to] of ranges) {
      copy(from);
      parts.push(content);
      const start = to > 0 ? this.starts[to - 1]! : this.origin;
      const end = to > 0 ? this.ends[to - 1]! : this.origin;
      starts.fill(start, written, written + content.length);
      ends.fill(end, written, written + content.length);
      written += content.length;
      read = to;
    }
    copy(this.text.length);
    return new AlignedText(parts.join(''), starts, ends, this.origin);
  }

  private advance(from: number, codePoints: number, to: number): number {
    let at = from;
    for (let i = 0; i < codePoints && at < to; i++) at += widthOf(this.text.codePointAt(at)!);
    return at;
  }
}
