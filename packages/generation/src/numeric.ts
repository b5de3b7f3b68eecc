/** log of the sum of exponentials, without overflow; minus infinity counts nothing. */
export function logSumExp(scores: Float32Array): number {
  let best = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) if (scores[i]! > best) best = scores[i]!;
  if (best === Number.NEGATIVE_INFINITY) return best;
  let sum = 0;
  for (let i = 0; i < scores.length; i++) sum += Math.exp(scores[i]! - best);
  return best + Math.log(sum);
}

/** Turns scores into log-probabilities in place. */
export function logSoftmax(scores: Float32Array): void {
  const total = logSumExp(scores);
  for (let i = 0; i < scores.length; i++) scores[i]! -= total;
}

/** The index of the highest score, the first of equals. */
export function argMax(scores: Float32Array): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[best]!) best = i;
  return best;
}

/** The indices of the k highest scores, falling; the first of equals first. */
export function topIndices(scores: Float32Array, k: number): number[] {
  const best: number[] = [];
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    if (best.length === k && !(score > scores[best[k - 1]!]!)) continue;
    let place = best.length;
    while (place > 0 && score > scores[best[place - 1]!]!) place--;
    best.splice(place, 0, i);
    if (best.length > k) best.pop();
  }
  return best;
}
