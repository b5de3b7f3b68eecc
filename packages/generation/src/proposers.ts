import { chooseToken, processScores } from './choosing.js';
import { softmax } from './numeric.js';
import { Random, sampleWeighted } from './random.js';
import { fail } from './resolve.js';
import type { Row, Run } from './run.js';
import type { DecodingSession, GenerativeModel } from './session.js';

/** Tokens that may come next; with a drawn one, the probabilities [vocabSize] that it was drawn from. */
export interface Proposal {
  tokens: number[];
  probabilities?: Float32Array[];
}

/** Guesses the next tokens, at most `room` of them. */
export interface Proposer {
  propose(row: Row, room: number): Proposal;
  dispose(): void;
}

export function createProposer(run: Run, vocabSize: number): Proposer {
  const { assistantModel, promptLookupNumTokens = 10, maxMatchingNgramSize = 2 } = run.options;
  return assistantModel
    ? new Assistant(assistantModel, run, vocabSize)
    : new PromptLookup(promptLookupNumTokens, maxMatchingNgramSize);
}

/** Guesses what followed the last n-gram where it stood before (Saxena, 2023); the longest n-gram that did. */
class PromptLookup implements Proposer {
  readonly #count: number;
  readonly #longest: number;

  constructor(count: number, longest: number) {
    this.#count = count;
    this.#longest = longest;
  }

  propose({ tokens }: Row, room: number): Proposal {
    const count = Math.min(this.#count, room);
    for (let size = Math.min(this.#longest, tokens.length - 1); size > 0; size--) {
      const tail = tokens.length - size;
      for (let i = 0; i < tail; i++) {
        let j = 0;
        while (j < size && tokens[i + j] === tokens[tail + j]) j++;
        if (j === size) return { tokens: tokens.slice(i + size, i + size + count) };
      }
    }
    return { tokens: [] };
  }

  dispose(): void {}
}

/** Guesses with a smaller model, under the same processors, as long as it is sure enough of itself. */
class Assistant implements Proposer {
  readonly #model: GenerativeModel;
  readonly #run: Run;
  readonly #random: Random;
  readonly #vocabSize: number;
  #session: DecodingSession | undefined;
  /** What the session was fed. */
  #fed: number[] = [];

  constructor(model: GenerativeModel, run: Run, vocabSize: number) {
    this.#model = model;
    this.#run = run;
    this.#vocabSize = vocabSize;
    this.#random = new Random(run.seed, 1);
  }

  propose(row: Row, room: number): Proposal {
    const { numAssistantTokens = 20, doSample, eosTokenIds } = this.#run.options;
    this.#session ??= this.#start();
    const session = this.#session;
    let shared = 0;
    while (shared < row.tokens.length - 1 && this.#fed[shared] === row.tokens[shared]) shared++;
    if (shared < session.length) session.crop(shared);
    const guess = { ...row, tokens: [...row.tokens] };
    const proposal: Required<Proposal> = { tokens: [], probabilities: [] };
    while (proposal.tokens.length < Math.min(numAssistantTokens, room)) {
      const scores = session.step([guess.tokens.slice(session.length)]);
      const { token, probability } = this.#guess(scores, guess, proposal.probabilities);
      proposal.tokens.push(token);
      guess.tokens.push(token);
      if (eosTokenIds.includes(token) || probability < this.#threshold) break;
    }
    this.#fed = guess.tokens.slice(0, session.length);
    return doSample ? proposal : { tokens: proposal.tokens };
  }

  get #threshold(): number {
    return this.#run.options.assistantConfidenceThreshold ?? 0.4;
  }

  /** A token and how likely the assistant finds it. */
  #guess(scores: Float32Array, row: Row, kept: Float32Array[]): { token: number; probability: number } {
    const { choosing, options } = this.#run;
    if (options.doSample) {
      processScores(scores, row, choosing);
      softmax(scores);
      const token = sampleWeighted(scores, this.#random);
      kept.push(scores.slice());
      return { token, probability: scores[token]! };
    }
    const token = chooseToken(scores, row, choosing, this.#random, true);
    const needed = this.#threshold > 0;
    if (needed) softmax(scores);
    return { token, probability: needed ? scores[token]! : 1 };
  }

  #start(): DecodingSession {
    const session = this.#model.startDecoding(this.#run.input);
    if (session.vocabSize === this.#vocabSize) return session;
    const { vocabSize } = session;
    session.dispose();
    return fail(
      `an assistant of the model's vocabulary, ${this.#vocabSize} tokens`,
      `one of ${vocabSize}`,
      'choose an assistant that shares the tokenizer',
    );
  }

  dispose(): void {
    this.#session?.dispose();
  }
}
