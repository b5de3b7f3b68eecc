/**
 * The mean loss a token of a model that knows only how often each token occurs in the training text (add-one
 * smoothed): what a language model must beat to have learnt anything about order.
 *
 * @param train blocks of ids to count in
 * @param heldOut blocks to judge; as a language model's loss has it, the first token of each is not scored
 * @returns nats a token
 */
export function unigramLoss(
  train: readonly { inputIds: readonly number[] }[],
  heldOut: readonly { inputIds: readonly number[] }[],
  vocabSize: number,
): number {
  const counts = new Float64Array(vocabSize).fill(1);
  let total = vocabSize;
  for (const { inputIds } of train) {
    for (const id of inputIds) counts[id]!++;
    total += inputIds.length;
  }
  let loss = 0;
  let scored = 0;
  for (const { inputIds } of heldOut) {
    for (const id of inputIds.slice(1)) loss -= Math.log(counts[id]! / total);
    scored += inputIds.length - 1;
  }
  return scored === 0 ? Number.NaN : loss / scored;
}
