import { Buffer } from 'node:buffer';
import type { AlignedText, Replacement } from './aligned-text.js';
import { malformed } from './json.js';

/**
 * The character map of SentencePiece: a double-array trie over UTF-8 whose values are places in a block of
 * texts that end with a zero byte.
 */
export class Charsmap {
  private readonly units: Uint32Array;
  private readonly texts: Uint8Array;
  private readonly memo = new Map<string, string | null>();
  private readonly segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

  constructor(base64: string) {
    const bytes = Buffer.from(base64, 'base64');
    const size = bytes.length >= 4 ? bytes.readUInt32LE(0) : 0;
    if (size === 0 || size % 4 !== 0 || 4 + size > bytes.length) {
      throw malformed('normalizer.precompiled_charsmap', 'a character map in base64', base64);
    }
    this.units = new Uint32Array(size / 4);
    for (let i = 0; i < this.units.length; i++) this.units[i] = bytes.readUInt32LE(4 + 4 * i);
    this.texts = bytes.subarray(4 + size);
  }

  normalize(text: AlignedText): AlignedText {
    const out: Replacement = { codes: [], changes: [] };
    let isModified = false;
    for (const cluster of this.clusters(text.text)) {
      const whole = Buffer.byteLength(cluster) < 6 ? this.lookUp(cluster) : null;
      if (whole !== null) {
        append(out, cluster, whole);
        isModified = true;
        continue;
      }
      for (const character of cluster) {
        const mapped = this.lookUp(character);
        append(out, character, mapped ?? character);
        isModified ||= mapped !== null;
      }
    }
    return isModified ? text.transform(out) : text;
  }

  /** Grapheme clusters. Between two ASCII characters lies a boundary always, but in CR LF. */
  private *clusters(text: string): Generator<string> {
    const isPlain = (at: number): boolean => text.charCodeAt(at) < 0x80 && text[at] !== '\r';
    let at = 0;
    while (at < text.length) {
      if (isPlain(at) && (at + 1 === text.length || text.charCodeAt(at + 1) < 0x80)) {
        yield text[at++]!;
        continue;
      }
      let end = at + 1;
      while (end < text.length && !(isPlain(end - 1) && text.charCodeAt(end) < 0x80)) end++;
      for (const { segment } of this.segmenter.segment(text.slice(at, end))) yield segment;
      at = end;
    }
  }

  private lookUp(piece: string): string | null {
    let found = this.memo.get(piece);
    if (found === undefined) {
      found = this.search(piece);
      if (this.memo.size < 100_000) this.memo.set(piece, found);
    }
    return found;
  }

  /** The text of the shortest prefix of `piece` that the trie holds, as the Rust library takes it. */
  private search(piece: string): string | null {
    let node = offsetOf(this.units[0]!);
    for (const byte of Buffer.from(piece)) {
      if (byte === 0) return null;
      node ^= byte;
      const unit = this.units[node];
      if (unit === undefined || (unit & 0x800000ff) >>> 0 !== byte) return null;
      node ^= offsetOf(unit);
      if ((unit >>> 8) & 1) return this.textAt(this.units[node]! & 0x7fffffff);
    }
    return null;
  }

  private textAt(start: number): string {
    let end = start;
    while (end < this.texts.length && this.texts[end] !== 0) end++;
    return Buffer.from(this.texts.subarray(start, end)).toString('utf8');
  }
}

function offsetOf(unit: number): number {
  return ((unit >>> 10) << ((unit & 0x200) >>> 6)) >>> 0;
}

/** The last characters carry the difference in number. */
function append({ codes, changes }: Replacement, before: string, after: string): void {
  const old = [...before].length;
  let count = 0;
  for (const character of after) {
    codes.push(character.codePointAt(0)!);
    changes.push(0);
    count++;
  }
  const last = changes.length - 1;
  if (count > old) changes.fill(1, changes.length - (count - old));
  else if (count < old && last >= 0) changes[last]! += count - old;
}
