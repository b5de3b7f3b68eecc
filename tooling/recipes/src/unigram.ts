import type { TokenizedExample } from '@weft/trainer';

/** Mean loss of a model that knows the frequencies of tokens alone (add one), nats a token. */
export function unigramLoss(
  train: readonly TokenizedExample[],
  heldOut: readonly TokenizedExample[],
  vocabSize: number,
): number {
  const counts = new Float64Array(vocabSize).fill(1);
  let total = vocabSize;
  for (const id of tokens(train)) {
    counts[id]! += 1;
    total += 1;
  }
  let loss = 0;
  let seen = 0;
  for (const id of tokens(heldOut)) {
    loss -= Math.log(counts[id]! / total);
    seen += 1;
  }
  return loss / seen;
}

/** Ids without the special ones. */
function* tokens(examples: readonly TokenizedExample[]): Generator<number> {
  for (const { inputIds, specialTokensMask } of examples) {
    for (const [i, id] of inputIds.entries()) if (!specialTokensMask?.[i]) yield id;
  }
}
