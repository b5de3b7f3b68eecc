import { byteToken } from './bpe.js';
import { utf8Of } from './bytes.js';
import type { Emit, TokenModel } from './models.js';
import { PairTable } from './pair-table.js';
import { widthOf } from './unicode.js';

const UNKNOWN_PENALTY = 10;
const CACHE_LIMIT = 50_000;

/** Unigram: of all ways to cut a word into pieces, the one whose scores sum highest. */
export class UnigramModel implements TokenModel {
  readonly type = 'Unigram';
  readonly vocab: ReadonlyMap<string, number>;
  readonly unkToken: string | undefined;
  private readonly scores: Float64Array;
  private readonly unknownScore: number;
  private readonly trie: Trie;
  private readonly cache = new Map<string, readonly number[]>();

  constructor(
    pieces: readonly (readonly [string, number])[],
    private readonly unkId: number | undefined,
    private readonly byteFallback: boolean,
  ) {
    const vocab = new Map<string, number>();
    pieces.forEach(([piece], id) => {
      vocab.set(piece, id);
    });
    this.vocab = vocab;
    this.scores = Float64Array.from(pieces, ([, score]) => score);
    this.unkToken = unkId === undefined ? undefined : pieces[unkId]?.[0];
    this.unknownScore =
      this.scores.reduce((least, score) => Math.min(least, score), Infinity) - UNKNOWN_PENALTY;
    this.trie = new Trie(pieces.map(([piece]) => piece));
  }

  tokenize(word: string, emit: Emit): void {
    let ends = this.cache.get(word);
    if (ends === undefined) {
      ends = this.bestPath(word);
      if (word.length < 128 && this.cache.size < CACHE_LIMIT) this.cache.set(word, ends);
    }
    let start = 0;
    for (const end of ends) {
      this.emitPiece(word.slice(start, end), start, end, emit);
      start = end;
    }
  }

  /** Adds to each piece how often it is expected in `word`, over all ways to cut it. */
  addExpectedCounts(word: string, weight: number, expected: Float64Array): void {
    const size = word.length;
    const forward = new Float64Array(size + 1).fill(-Infinity);
    const backward = new Float64Array(size + 1).fill(-Infinity);
    forward[0] = 0;
    backward[size] = 0;
    for (let start = 0; start < size; start++) {
      if (forward[start] === -Infinity) continue;
      this.trie.prefixes(word, start, (end, id) => {
        forward[end] = logAdd(forward[end]!, forward[start]! + this.scores[id]!);
      });
    }
    for (let start = size - 1; start >= 0; start--) {
      this.trie.prefixes(word, start, (end, id) => {
        backward[start] = logAdd(backward[start]!, this.scores[id]! + backward[end]!);
      });
    }
    const total = forward[size]!;
    if (total === -Infinity) return;
    for (let start = 0; start < size; start++) {
      if (forward[start] === -Infinity) continue;
      this.trie.prefixes(word, start, (end, id) => {
        expected[id]! += weight * Math.exp(forward[start]! + this.scores[id]! + backward[end]! - total);
      });
    }
  }

  /** The best way to cut a piece without itself; empty where there is none. */
  cutWithout(piece: string): number[] {
    const own = this.vocab.get(piece);
    const size = piece.length;
    const best = new Float64Array(size + 1).fill(-Infinity);
    const cameFrom = new Int32Array(size + 1);
    const ids = new Int32Array(size + 1);
    best[0] = 0;
    for (let start = 0; start < size; start++) {
      if (best[start] === -Infinity) continue;
      this.trie.prefixes(piece, start, (end, id) => {
        const score = best[start]! + this.scores[id]!;
        if (id === own || score <= best[end]!) return;
        best[end] = score;
        cameFrom[end] = start;
        ids[end] = id;
      });
    }
    const out: number[] = [];
    if (best[size] === -Infinity) return out;
    for (let end = size; end > 0; end = cameFrom[end]!) out.push(ids[end]!);
    return out;
  }

  private emitPiece(piece: string, start: number, end: number, emit: Emit): void {
    const id = this.vocab.get(piece);
    if (id !== undefined) {
      emit(id, start, end);
      return;
    }
    if (this.byteFallback) {
      const bytes = Array.from(utf8Of(piece), (byte) => this.vocab.get(byteToken(byte)));
      if (bytes.every((byte) => byte !== undefined)) {
        for (const byte of bytes) emit(byte, start, end);
        return;
      }
    }
    if (this.unkId !== undefined) emit(this.unkId, start, end);
  }

  /** The ends of the pieces in order; neighbours that the vocabulary lacks are one piece. */
  private bestPath(word: string): number[] {
    const size = word.length;
    const best = new Float64Array(size + 1);
    const cameFrom = new Int32Array(size + 1).fill(-1);
    const ids = new Int32Array(size + 1);
    const reach = (start: number, end: number, score: number, id: number): void => {
      if (cameFrom[end] !== -1 && score <= best[end]!) return;
      best[end] = score;
      cameFrom[end] = start;
      ids[end] = id;
    };
    for (let start = 0; start < size; ) {
      const width = widthOf(word.codePointAt(start)!);
      const before = best[start]!;
      let hasSingle = false;
      this.trie.prefixes(word, start, (end, id) => {
        reach(start, end, this.scores[id]! + before, id);
        if (end - start === width) hasSingle = true;
      });
      if (!hasSingle) reach(start, start + width, this.unknownScore + before, this.unkId ?? -1);
      start += width;
    }
    const ends: number[] = [];
    let isOpen = false;
    for (let end = size; end > 0; end = cameFrom[end]!) {
      const isUnknown = ids[end] === (this.unkId ?? -1);
      if (!(isUnknown && isOpen)) ends.push(end);
      isOpen = isUnknown;
    }
    return ends.reverse();
  }
}

function logAdd(a: number, b: number): number {
  if (a === -Infinity) return b;
  const high = Math.max(a, b);
  return high + Math.log1p(Math.exp(Math.min(a, b) - high));
}

/** The pieces by their UTF-16 units. */
class Trie {
  private readonly edges: PairTable;
  private readonly ids: number[] = [-1];

  constructor(pieces: readonly string[]) {
    this.edges = new PairTable(pieces.reduce((sum, piece) => sum + piece.length, 0));
    pieces.forEach((piece, id) => {
      let node = 0;
      for (let i = 0; i < piece.length; i++) {
        const unit = piece.charCodeAt(i);
        const place = this.edges.find(node, unit);
        if (place >= 0) node = this.edges.idAt(place);
        else {
          this.ids.push(-1);
          this.edges.set(node, unit, 0, this.ids.length - 1);
          node = this.ids.length - 1;
        }
      }
      this.ids[node] = id;
    });
  }

  prefixes(text: string, start: number, found: (end: number, id: number) => void): void {
    let node = 0;
    for (let at = start; at < text.length; at++) {
      const place = this.edges.find(node, text.charCodeAt(at));
      if (place < 0) return;
      node = this.edges.idAt(place);
      const id = this.ids[node]!;
      if (id >= 0) found(at + 1, id);
    }
  }
}
