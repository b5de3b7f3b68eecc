import { UnigramModel } from './unigram.js';

export interface UnigramTrainingOptions {
  vocabSize: number;
  specialTokens: readonly string[];
  shrinkingFactor: number;
  maxPieceLength: number;
  seedSize: number;
}

type Piece = [string, number];
type Counted = readonly [string, number];

/** A Map holds some 16 million entries; rare substrings go before it is full. */
const MOST_SUBSTRINGS = 4_000_000;

/** The digamma function, by recurrence and its asymptotic series. */
function digamma(given: number): number {
  let x = given;
  let result = 0;
  for (; x < 7; x++) result -= 1 / x;
  x -= 0.5;
  const square = 1 / (x * x);
  return (
    result +
    Math.log(x) +
    square / 24 -
    (7 / 960) * square ** 2 +
    (31 / 8064) * square ** 3 -
    (127 / 30720) * square ** 4
  );
}

/** A substring that is always followed by the same character is no piece of its own, as in a suffix tree. */
function dropContained(substrings: Map<string, number>): void {
  const contained = new Set<string>();
  for (const [piece, count] of substrings) {
    const shorter = [...piece].slice(0, -1).join('');
    if (substrings.get(shorter) === count) contained.add(shorter);
  }
  for (const piece of contained) substrings.delete(piece);
}

/** Each character, then the substrings that save most: count times length. */
function seedPieces(words: readonly Counted[], options: UnigramTrainingOptions): Piece[] {
  const characters = new Map<string, number>();
  const substrings = new Map<string, number>();
  for (const [word, count] of words) {
    const letters = [...word];
    for (let start = 0; start < letters.length; start++) {
      let piece = letters[start]!;
      characters.set(piece, (characters.get(piece) ?? 0) + count);
      for (let end = start + 1; end < Math.min(letters.length, start + options.maxPieceLength); end++) {
        piece += letters[end]!;
        substrings.set(piece, (substrings.get(piece) ?? 0) + count);
      }
    }
    if (substrings.size > MOST_SUBSTRINGS) {
      for (const [piece, times] of substrings) if (times < 2) substrings.delete(piece);
    }
  }
  dropContained(substrings);
  const byScore = (a: Piece, b: Piece): number => b[1] - a[1] || (a[0] < b[0] ? -1 : 1);
  const longer = [...substrings]
    .filter(([, count]) => count > 1)
    .map(([piece, count]): Piece => [piece, count * [...piece].length])
    .sort(byScore)
    .slice(0, options.seedSize);
  const seeds = [...[...characters].sort(byScore), ...longer];
  const total = Math.log(seeds.reduce((sum, [, score]) => sum + score, 0));
  return seeds.map(([piece, score]) => [piece, Math.log(score) - total]);
}

/** One step of expectation and maximisation. */
function reestimate(pieces: readonly Piece[], words: readonly Counted[]): Piece[] {
  const model = new UnigramModel(pieces, undefined, false);
  const expected = new Float64Array(pieces.length);
  for (const [word, count] of words) model.addExpectedCounts(word, count, expected);
  const kept = pieces.map(([piece], id): Piece => [piece, expected[id]!]).filter(([, count]) => count >= 0.5);
  const total = digamma(kept.reduce((sum, [, count]) => sum + count, 0));
  return kept.map(([piece, count]) => [piece, digamma(count) - total]);
}

/** Drops the pieces whose loss costs least; those that nothing else can spell stay. */
function prune(pieces: readonly Piece[], words: readonly Counted[], size: number, factor: number): Piece[] {
  const model = new UnigramModel(pieces, undefined, false);
  const frequency = new Float64Array(pieces.length);
  let sentences = 0;
  for (const [word, count] of words) {
    model.tokenize(word, (id) => {
      frequency[id]! += count;
    });
    sentences += count;
  }
  const sum = frequency.reduce((a, b) => a + b, 0);
  const kept: Piece[] = [];
  const candidates: { piece: Piece; loss: number }[] = [];
  pieces.forEach((piece, id) => {
    const others = model.cutWithout(piece[0]);
    const count = frequency[id]!;
    if (others.length === 0) kept.push(piece);
    else if (count > 0) {
      const logAfter = Math.log(sum + count * (others.length - 1));
      const logOthers = others.reduce((log, one) => log + Math.log(frequency[one]! + count) - logAfter, 0);
      candidates.push({ piece, loss: (count / sentences) * (Math.log(count) - Math.log(sum) - logOthers) });
    }
  });
  const wanted = Math.max(size, Math.floor(pieces.length * factor)) - kept.length;
  candidates.sort((a, b) => b.loss - a.loss);
  return [...kept, ...candidates.slice(0, Math.max(0, wanted)).map(({ piece }) => piece)];
}

/** The characters first, whatever their score, then the best of the rest. */
function finish(
  pieces: readonly Piece[],
  required: ReadonlySet<string>,
  options: UnigramTrainingOptions,
): Piece[] {
  const scores = new Map(pieces);
  const least = pieces.reduce((low, [, score]) => Math.min(low, score), 0);
  const inserted = new Map<string, number>();
  let penalty = 0;
  for (const character of required) {
    const known = scores.get(character);
    // Characters that training gave up must be spelled all the same, at a cost of their own.
    if (known === undefined) penalty += 0.0001;
    inserted.set(character, known ?? least + penalty);
  }
  const special = options.specialTokens.map((token): Piece => [token, 0]);
  const room = options.vocabSize - special.length;
  for (const [piece, score] of [...pieces].sort((a, b) => b[1] - a[1])) {
    if (inserted.size >= room) break;
    if (!inserted.has(piece)) inserted.set(piece, score);
  }
  return [...special, ...[...inserted].sort((a, b) => b[1] - a[1])];
}

/**
 * Learns pieces and their scores: from all frequent substrings, rounds of expectation, maximisation and
 * pruning down to the size wanted.
 */
export function trainUnigramPieces(
  counts: ReadonlyMap<string, number>,
  options: UnigramTrainingOptions,
): Piece[] {
  const words = [...counts].sort((a, b) => (a[0] < b[0] ? -1 : 1));
  const required = new Set(words.flatMap(([word]) => [...word]));
  let pieces = seedPieces(words, options);
  const wanted = Math.floor(options.vocabSize * 1.1);
  for (;;) {
    for (let step = 0; step < 2; step++) pieces = reestimate(pieces, words);
    if (pieces.length <= wanted) break;
    const before = pieces.length;
    pieces = prune(pieces, words, wanted, options.shrinkingFactor);
    if (pieces.length >= before) break;
  }
  return finish(pieces, required, options);
}
