import * as tf from '@tensorflow/tfjs';
import { randomNumbers } from '@weft/attention';

/** Rows whose distances stand in memory at a time. */
const ROWS = 512;

/**
 * For each word that has a row of its own in the embeddings [V, D]: those `count` other words whose rows point most
 * nearly the same way. They are its synonyms, and its antonyms too.
 */
export function wordNeighbours(
  embeddings: tf.Tensor,
  vocabulary: ReadonlyMap<string, number>,
  words: ReadonlySet<string>,
  count: number,
): Map<string, string[]> {
  const candidates = [...vocabulary].filter(([token]) => /^[a-z]{2,}$/.test(token));
  const asked = candidates.map((_, place) => place).filter((place) => words.has(candidates[place]![0]));
  const neighbours = new Map<string, string[]>();
  tf.tidy(() => {
    const rows = tf.gather(
      embeddings,
      tf.tensor1d(
        candidates.map(([, id]) => id),
        'int32',
      ),
    );
    const directions = tf.div(rows, tf.norm(rows, 2, 1, true)) as tf.Tensor2D; // [N, D]
    for (let start = 0; start < asked.length; start += ROWS) {
      const places = asked.slice(start, start + ROWS);
      const nearest = tf.tidy(() => {
        const some = tf.gather(directions, tf.tensor1d(places, 'int32')) as tf.Tensor2D;
        const { indices } = tf.topk(tf.matMul(some, directions, false, true), count + 1);
        return indices.arraySync() as number[][];
      });
      for (const [i, row] of nearest.entries()) {
        const others = row.filter((place) => place !== places[i]).slice(0, count);
        neighbours.set(
          candidates[places[i]!]![0],
          others.map((place) => candidates[place]![0]),
        );
      }
    }
  });
  return neighbours;
}

/**
 * The texts with a share of their words exchanged for neighbours, as in "Distilling task-specific knowledge from
 * BERT" (Tang et al. 2019) and "TinyBERT" (Jiao et al. 2020). The words of a text stand between spaces.
 */
export function reworded(
  texts: readonly string[],
  neighbours: ReadonlyMap<string, readonly string[]>,
  { share, seed }: { share: number; seed: number },
): string[] {
  const { uniform } = randomNumbers(seed);
  const exchanged = (word: string): string => {
    const others = neighbours.get(word);
    if (!others || uniform() >= share) return word;
    return others[Math.floor(uniform() * others.length)]!;
  };
  return texts.map((text) => text.split(' ').map(exchanged).join(' '));
}
