import type { ChunkTokens } from './chunks.js';
import { type Encoding, filled } from './encoding.js';

/** Collects the tokens of one text; places only where they are asked for. */
export class TokenSink {
  private readonly ids: number[] = [];
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];
  private readonly words: number[] = [];

  constructor(private readonly hasPlaces: boolean) {}

  add(id: number, start: number, end: number, word: number): void {
    this.ids.push(id);
    if (!this.hasPlaces) return;
    this.starts.push(start);
    this.ends.push(end);
    this.words.push(word);
  }

  /** Adds a chunk that is one word. */
  addWord({ ids, from, to }: ChunkTokens, offset: number, word: number): void {
    const count = ids.length;
    if (!this.hasPlaces) {
      for (let i = 0; i < count; i++) this.ids.push(ids[i]!);
      return;
    }
    for (let i = 0; i < count; i++) {
      this.ids.push(ids[i]!);
      this.starts.push(offset + from[i]!);
      this.ends.push(offset + to[i]!);
      this.words.push(word);
    }
  }

  /** Adds a chunk of any number of words and answers that number. */
  addChunk({ ids, from, to, words, wordCount }: ChunkTokens, offset: number, firstWord: number): number {
    const count = ids.length;
    if (!this.hasPlaces) {
      for (let i = 0; i < count; i++) this.ids.push(ids[i]!);
      return wordCount;
    }
    for (let i = 0; i < count; i++) {
      this.ids.push(ids[i]!);
      this.starts.push(offset + from[i]!);
      this.ends.push(offset + to[i]!);
      this.words.push(firstWord + words[i]!);
    }
    return wordCount;
  }

  finish(sequence: 0 | 1): Encoding {
    const length = this.ids.length;
    return {
      ids: this.ids,
      typeIds: filled(length, sequence),
      special: filled(length, 0),
      attention: filled(length, 1),
      starts: this.starts,
      ends: this.ends,
      words: this.words,
      sequences: filled(length, sequence),
      overflowing: [],
    };
  }
}
