import type { Emit, TokenModel } from './models.js';
import { widthOf } from './unicode.js';

/** WordPiece: the longest token that begins the word, then the longest that continues it, and so on. */
export class WordPieceModel implements TokenModel {
  readonly type = 'WordPiece';
  private readonly longest: number;
  private readonly unkId: number | undefined;

  constructor(
    readonly vocab: ReadonlyMap<string, number>,
    readonly unkToken: string,
    private readonly prefix: string,
    private readonly maxCharacters: number,
  ) {
    let longest = 0;
    for (const token of vocab.keys()) longest = Math.max(longest, token.length);
    this.longest = longest;
    this.unkId = vocab.get(unkToken);
  }

  tokenize(word: string, emit: Emit): void {
    const ids: number[] = [];
    const ends: number[] = [];
    if (!this.isTooLong(word) && this.match(word, ids, ends)) {
      for (let i = 0; i < ids.length; i++) emit(ids[i]!, i === 0 ? 0 : ends[i - 1]!, ends[i]!);
    } else if (this.unkId !== undefined) emit(this.unkId, 0, word.length);
  }

  private isTooLong(word: string): boolean {
    if (word.length <= this.maxCharacters) return false;
    let characters = 0;
    for (let i = 0; i < word.length && characters <= this.maxCharacters; characters++)
      i += widthOf(word.codePointAt(i)!);
    return characters > this.maxCharacters;
  }

  private match(word: string, ids: number[], ends: number[]): boolean {
    for (let start = 0; start < word.length; ) {
      let end = Math.min(word.length, start + this.longest);
      let id: number | undefined;
      for (; end > start; end--) {
        const piece = word.slice(start, end);
        id = this.vocab.get(start > 0 ? this.prefix + piece : piece);
        if (id !== undefined) break;
      }
      if (id === undefined) return false;
      ids.push(id);
      ends.push(end);
      start = end;
    }
    return true;
  }
}
