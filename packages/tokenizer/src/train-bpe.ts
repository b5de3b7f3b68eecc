/** A pair of ids, and the words that hold it. */
interface Candidate {
  left: number;
  right: number;
  count: number;
  words: Set<number>;
}

export interface BpeTraining {
  vocabSize: number;
  minFrequency: number;
  specialTokens: readonly string[];
  /** Characters that are in the vocabulary whether or not the texts have them. */
  initialAlphabet: readonly string[];
  limitAlphabet: number;
  continuingSubwordPrefix: string;
  onProgress?: ((merges: number) => void) | undefined;
}

export interface BpeTrained {
  vocab: Map<string, number>;
  merges: [string, string][];
}

/** A heap of candidates: the most frequent pair first, the pair of lowest ids among equals. */
class CandidateHeap {
  private readonly items: Candidate[] = [];

  private precedes(a: Candidate, b: Candidate): boolean {
    if (a.count !== b.count) return a.count > b.count;
    if (a.left !== b.left) return a.left < b.left;
    return a.right < b.right;
  }

  push(item: Candidate): void {
    const { items } = this;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.precedes(item, items[parent]!)) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  pop(): Candidate | undefined {
    const { items } = this;
    const top = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.precedes(items[child + 1]!, items[child]!)) child++;
      if (!this.precedes(items[child]!, last)) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = last;
    return top;
  }
}

const SHIFT = 2 ** 26;
const keyOf = (left: number, right: number): number => left * SHIFT + right;

/** The vocabulary as it grows. */
class Growing {
  readonly ids = new Map<string, number>();
  readonly tokens: string[] = [];

  add(token: string): number {
    const known = this.ids.get(token);
    if (known !== undefined) return known;
    this.ids.set(token, this.tokens.length);
    this.tokens.push(token);
    return this.tokens.length - 1;
  }
}

function alphabetOf(counts: ReadonlyMap<string, number>, training: BpeTraining): string[] {
  const frequency = new Map<string, number>();
  for (const [word, count] of counts) {
    for (const character of word) frequency.set(character, (frequency.get(character) ?? 0) + count);
  }
  for (const character of training.initialAlphabet) frequency.set(character, Infinity);
  let kept = [...frequency];
  if (kept.length > training.limitAlphabet) {
    kept = kept
      .sort((a, b) => b[1] - a[1])
      .slice(0, Math.max(training.limitAlphabet, training.initialAlphabet.length));
  }
  return kept.map(([character]) => character).sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
}

function cutWords(words: readonly string[], growing: Growing, prefix: string): number[][] {
  const alphabet = new Set(growing.tokens);
  return words.map((word) => {
    const ids: number[] = [];
    let isFirst = true;
    for (const character of word) {
      if (alphabet.has(character)) ids.push(growing.add(isFirst ? character : prefix + character));
      isFirst = false;
    }
    return ids;
  });
}

/** Joins a pair in one word and tells which pairs went and came. */
function mergeInWord(
  ids: number[],
  { left, right }: Candidate,
  joined: number,
  change: (left: number, right: number, by: number) => void,
): void {
  for (let i = 0; i + 1 < ids.length; i++) {
    if (ids[i] !== left || ids[i + 1] !== right) continue;
    if (i > 0) {
      change(ids[i - 1]!, left, -1);
      change(ids[i - 1]!, joined, 1);
    }
    ids.splice(i, 2, joined);
    if (i + 1 < ids.length) {
      change(right, ids[i + 1]!, -1);
      change(joined, ids[i + 1]!, 1);
    }
  }
}

/**
 * Learns merges from counted words, in the order that the Rust library's trainer learns them: at each step the
 * most frequent pair, the one of lowest ids among equals.
 */
export function trainBpe(counts: ReadonlyMap<string, number>, training: BpeTraining): BpeTrained {
  const growing = new Growing();
  for (const token of training.specialTokens) growing.add(token);
  for (const character of alphabetOf(counts, training)) growing.add(character);
  // In the order of their text, so that ids do not depend on where a word came first.
  const words = [...counts.keys()].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const weights = Float64Array.from(words, (word) => counts.get(word)!);
  const cut = cutWords(words, growing, training.continuingSubwordPrefix);
  const { heap, pairCounts } = countPairs(cut, weights);
  const ranks = new Map<number, number>();
  const learned: [number, number][] = [];
  while (growing.tokens.length < training.vocabSize) {
    const top = heap.pop();
    if (top === undefined) break;
    const current = pairCounts.get(keyOf(top.left, top.right))!;
    if (top.count !== current) {
      top.count = current;
      heap.push(top);
      continue;
    }
    if (top.count < 1 || top.count < training.minFrequency) break;
    const rest = growing.tokens[top.right]!.slice(
      growing.tokens[top.right]!.startsWith(training.continuingSubwordPrefix)
        ? training.continuingSubwordPrefix.length
        : 0,
    );
    const joined = growing.add(growing.tokens[top.left]! + rest);
    ranks.set(keyOf(top.left, top.right), learned.length);
    learned.push([top.left, top.right]);
    applyMerge(top, joined, cut, weights, pairCounts, heap);
    training.onProgress?.(learned.length);
  }
  const merges = learned
    .filter(([left, right], rank) => ranks.get(keyOf(left, right)) === rank)
    .map(([left, right]): [string, string] => [growing.tokens[left]!, growing.tokens[right]!]);
  return { vocab: growing.ids, merges };
}

function countPairs(
  cut: number[][],
  weights: Float64Array,
): { heap: CandidateHeap; pairCounts: Map<number, number> } {
  const candidates = new Map<number, Candidate>();
  cut.forEach((ids, word) => {
    for (let i = 0; i + 1 < ids.length; i++) {
      const key = keyOf(ids[i]!, ids[i + 1]!);
      let found = candidates.get(key);
      if (found === undefined) {
        found = { left: ids[i]!, right: ids[i + 1]!, count: 0, words: new Set() };
        candidates.set(key, found);
      }
      found.count += weights[word]!;
      found.words.add(word);
    }
  });
  const heap = new CandidateHeap();
  const pairCounts = new Map<number, number>();
  for (const [key, candidate] of candidates) {
    pairCounts.set(key, candidate.count);
    if (candidate.count > 0) heap.push(candidate);
  }
  return { heap, pairCounts };
}

function applyMerge(
  top: Candidate,
  joined: number,
  cut: number[][],
  weights: Float64Array,
  pairCounts: Map<number, number>,
  heap: CandidateHeap,
): void {
  const fresh = new Map<number, Candidate>();
  for (const word of top.words) {
    mergeInWord(cut[word]!, top, joined, (left, right, by) => {
      const key = keyOf(left, right);
      pairCounts.set(key, (pairCounts.get(key) ?? 0) + by * weights[word]!);
      if (by < 0) return;
      let found = fresh.get(key);
      if (found === undefined) {
        found = { left, right, count: 0, words: new Set() };
        fresh.set(key, found);
      }
      found.words.add(word);
    });
  }
  for (const [key, candidate] of fresh) {
    candidate.count = pairCounts.get(key)!;
    if (candidate.count > 0) heap.push(candidate);
  }
}
