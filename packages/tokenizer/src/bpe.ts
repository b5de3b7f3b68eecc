import { mergeSymbols, type Symbols } from './bpe-merge.js';
import { BYTE_CHARACTERS, utf8Of } from './bytes.js';
import { malformed } from './json.js';
import type { Emit, TokenModel } from './models.js';
import { PairTable } from './pair-table.js';
import { widthOf } from './unicode.js';

export interface BpeOptions {
  vocab: Map<string, number>;
  merges: readonly (readonly [string, string])[];
  unkToken?: string | undefined;
  continuingSubwordPrefix?: string;
  endOfWordSuffix?: string;
  fuseUnk?: boolean;
  byteFallback?: boolean;
  ignoreMerges?: boolean;
}

/** Byte-pair encoding: a word is cut into characters, and pairs are joined in the order of their learning. */
export class BpeModel implements TokenModel {
  readonly type = 'BPE';
  readonly vocab: ReadonlyMap<string, number>;
  readonly unkToken: string | undefined;
  readonly merges: PairTable;
  /** The id of each byte's character; -1 where the vocabulary lacks it. */
  readonly byteIds: Int32Array;
  readonly ignoreMerges: boolean;
  private readonly options: BpeOptions;

  constructor(options: BpeOptions) {
    this.options = options;
    this.vocab = options.vocab;
    this.unkToken = options.unkToken;
    this.ignoreMerges = options.ignoreMerges ?? false;
    this.byteIds = Int32Array.from(BYTE_CHARACTERS, (character) => options.vocab.get(character) ?? -1);
    this.merges = new PairTable(options.merges.length);
    const skip = options.continuingSubwordPrefix?.length ?? 0;
    options.merges.forEach(([left, right], rank) => {
      const a = options.vocab.get(left);
      const b = options.vocab.get(right);
      const joined = options.vocab.get(left + right.slice(skip));
      if (a === undefined || b === undefined || joined === undefined) {
        throw malformed(
          `model.merges[${rank}]`,
          'two tokens whose join is in the vocabulary too',
          `${left} ${right}`,
        );
      }
      this.merges.set(a, b, rank, joined);
    });
  }

  /** True where the merges work on plain characters, so that bytes can stand for them. */
  get isPlain(): boolean {
    const { continuingSubwordPrefix, endOfWordSuffix, byteFallback } = this.options;
    const isComplete = this.byteIds.every((id) => id >= 0);
    return !continuingSubwordPrefix && !endOfWordSuffix && !byteFallback && isComplete;
  }

  tokenize(word: string, emit: Emit): void {
    if (this.ignoreMerges) {
      const id = this.vocab.get(word);
      if (id !== undefined) {
        emit(id, 0, word.length);
        return;
      }
    }
    const symbols = this.symbolsOf(word);
    mergeSymbols(symbols, this.merges);
    for (let i = 0; i < symbols.ids.length; i++) emit(symbols.ids[i]!, symbols.from[i]!, symbols.to[i]!);
  }

  private symbolsOf(word: string): Symbols {
    const { continuingSubwordPrefix = '', endOfWordSuffix = '', fuseUnk } = this.options;
    const symbols: Symbols = { ids: [], from: [], to: [] };
    const unkId = this.unkToken === undefined ? undefined : this.vocab.get(this.unkToken);
    let openUnk = false;
    for (let at = 0; at < word.length; ) {
      const end = at + widthOf(word.codePointAt(at)!);
      let piece = word.slice(at, end);
      if (at > 0) piece = continuingSubwordPrefix + piece;
      if (end === word.length) piece += endOfWordSuffix;
      const id = this.vocab.get(piece);
      const bytes = id === undefined ? this.bytesOf(piece) : undefined;
      if (id !== undefined) {
        add(symbols, id, at, end);
        openUnk = false;
      } else if (bytes) {
        for (const byte of bytes) add(symbols, byte, at, end);
      } else if (unkId !== undefined) {
        if (openUnk && fuseUnk) symbols.to[symbols.to.length - 1] = end;
        else add(symbols, unkId, at, end);
        openUnk = true;
      }
      at = end;
    }
    return symbols;
  }

  private bytesOf(piece: string): number[] | undefined {
    if (!this.options.byteFallback) return undefined;
    const ids: number[] = [];
    for (const byte of utf8Of(piece)) {
      const id = this.vocab.get(byteToken(byte));
      if (id === undefined) return undefined;
      ids.push(id);
    }
    return ids;
  }
}

function add({ ids, from, to }: Symbols, id: number, start: number, end: number): void {
  ids.push(id);
  from.push(start);
  to.push(end);
}

/** The token that stands for one byte where a vocabulary falls back to bytes. */
export function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}
