import type { Run } from './generate.js';
import { chooseToken } from './generate.js';
import { argMax } from './numeric.js';
import type { ResolvedOptions } from './options.js';
import type { DecodingSession, GenerativeModel } from './session.js';

/** Guesses the next tokens; the model then checks them all in one step. */
export interface Proposer {
  propose(tokens: readonly number[]): number[];
  dispose(): void;
}

/** Guesses by looking the last n-gram up in the text so far (Saxena, 2023). */
export function promptLookup({
  promptLookupNumTokens = 10,
  maxMatchingNgramSize = 2,
}: ResolvedOptions): Proposer {
  return {
    propose(tokens) {
      for (let size = Math.min(maxMatchingNgramSize, tokens.length - 1); size > 0; size--) {
        const tail = tokens.slice(-size);
        for (let i = 0; i + size < tokens.length; i++) {
          if (!tail.every((token, j) => tokens[i + j] === token)) continue;
          return tokens.slice(i + size, i + size + promptLookupNumTokens);
        }
      }
      return [];
    },
    dispose: () => undefined,
  };
}

/** Guesses greedily with a smaller model of the same vocabulary (Leviathan et al., 2023). */
export function withAssistant(
  assistant: GenerativeModel,
  { numAssistantTokens = 5 }: ResolvedOptions,
): Proposer {
  let session: DecodingSession | undefined;
  let fed: number[] = [];
  return {
    propose(tokens) {
      session ??= assistant.startDecoding({ inputIds: [tokens], attentionMask: [tokens.map(() => 1)] });
      let shared = 0;
      while (shared < fed.length && shared < tokens.length - 1 && fed[shared] === tokens[shared]) shared++;
      session.crop(shared);
      let next = tokens.slice(shared);
      fed = [...tokens];
      const proposed: number[] = [];
      while (proposed.length < numAssistantTokens) {
        const token = argMax(session.step([next]));
        proposed.push(token);
        next = [token];
        if (proposed.length < numAssistantTokens) fed.push(token);
      }
      return proposed;
    },
    dispose: () => session?.dispose(),
  };
}

/**
 * One step: feeds what the session has not seen and the proposal, and gives the tokens that the model itself
 * would have chosen: as many as agree with the proposal, and one more.
 */
export function assistedStep(
  session: DecodingSession,
  run: Run,
  row: readonly number[],
  fed: number,
): number[] {
  const room = run.options.maxTotalLength - row.length - 1;
  const proposal = run.proposer!.propose(row).slice(0, Math.max(0, room));
  const fresh = row.slice(fed);
  const logits = session.step([[...fresh, ...proposal]], { allPositions: true });
  const accepted: number[] = [];
  const tokens = [...row];
  for (let i = 0; i <= proposal.length; i++) {
    const position = fresh.length - 1 + i;
    const scores = logits.slice(position * session.vocabSize, (position + 1) * session.vocabSize);
    const token = chooseToken(scores, tokens, run);
    accepted.push(token);
    tokens.push(token);
    if (token !== proposal[i]) break;
  }
  // The last token has not been fed yet, and what was proposed in vain is forgotten.
  session.crop(row.length + accepted.length - 1);
  return accepted;
}
