import { setImmediate as yieldToEvents } from 'node:timers/promises';
import { chooseToken, processScores } from './choosing.js';
import type { Kept, StreamStep } from './decode.js';
import { softmax } from './numeric.js';
import { createProposer, type Proposal } from './proposers.js';
import { sampleWeighted } from './random.js';
import type { Row, Run } from './run.js';
import type { DecodingSession } from './session.js';

/**
 * Assisted decoding of one row: something cheap proposes tokens, the model checks them all in one step and keeps those
 * that it would have chosen itself, and one more. The tokens are those of decoding without help; when sampling, they
 * are distributed as those are.
 */
export async function* assisted(
  session: DecodingSession,
  run: Run,
  row: Row,
  kept: Kept,
): AsyncGenerator<StreamStep, void, void> {
  const { options } = run;
  const proposer = createProposer(run, session.vocabSize);
  try {
    for (;;) {
      options.signal?.throwIfAborted();
      const room = options.maxTotalLength - row.tokens.length - 1;
      const proposal: Proposal = room > 0 ? proposer.propose(row, room) : { tokens: [] };
      const logits = check(session, row.tokens, proposal.tokens);
      yield* accept(logits, row, proposal, run, kept);
      if (row.done) return;
      // What was proposed in vain is forgotten; the newest token has not been fed yet.
      session.crop(row.tokens.length - 1);
      await yieldToEvents();
    }
  } finally {
    proposer.dispose();
  }
}

/** Feeds what the session has not seen yet, and the proposal: the logits after the newest token and each proposed one. */
function check(
  session: DecodingSession,
  tokens: readonly number[],
  proposed: readonly number[],
): Float32Array {
  // A prompt's logits are not wanted but at its end.
  const before = tokens.slice(session.length, -1);
  if (before.length > 0) session.step([before]);
  return session.step([[tokens.at(-1)!, ...proposed]], { allPositions: true });
}

/**
 * Keeps a proposed token with probability p / q, else draws from what p has more than q: the token is distributed by
 * p (Leviathan et al., 2023, algorithm 1). Writes over p.
 */
function speculate(p: Float32Array, q: Float32Array, proposed: number, { random }: Row): number {
  if (random.next() * q[proposed]! <= p[proposed]!) return proposed;
  for (let i = 0; i < p.length; i++) p[i] = Math.max(0, p[i]! - q[i]!);
  const token = sampleWeighted(p, random);
  // Nothing is left where p and q are the same but for rounding.
  return token < 0 ? proposed : token;
}

/** Adds the proposed tokens that stand the check to the row, and the model's own after them. */
function* accept(
  logits: Float32Array,
  row: Row,
  { tokens, probabilities }: Proposal,
  { choosing, isDone, options }: Run,
  kept: Kept,
): Generator<StreamStep, void, void> {
  const { outputScores = false, outputLogits = false } = options;
  const vocabSize = logits.length / (tokens.length + 1);
  for (let i = 0; i <= tokens.length; i++) {
    const scores = logits.subarray(i * vocabSize, (i + 1) * vocabSize);
    if (outputLogits) kept.logits.push(scores.slice());
    const proposed = tokens[i];
    const expected = probabilities?.[i];
    let token: number;
    if (proposed !== undefined && expected) {
      processScores(scores, row, choosing);
      if (outputScores) kept.scores.push(scores.slice());
      softmax(scores);
      token = speculate(scores, expected, proposed, row);
    } else {
      token = chooseToken(scores, row, choosing, row.random, outputScores);
      if (outputScores) kept.scores.push(scores.slice());
    }
    row.tokens.push(token);
    row.done = isDone(row);
    yield { tokens: [token] };
    if (row.done || token !== proposed) return;
  }
}
