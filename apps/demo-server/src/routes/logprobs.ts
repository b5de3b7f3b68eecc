import type { TokenDetail } from '../pool/protocol.js';

/** OpenAI's form of the probabilities of a completion's tokens. */
export interface OpenAiLogprobs {
  tokens: string[];
  token_logprobs: number[];
  top_logprobs: Record<string, number>[];
  text_offset: number[];
}

/** Turns tokens into OpenAI's form, counting where in the text each begins. */
export class Logprobs {
  #offset = 0;

  /** @param limit - tokens that begin at or after it were cut off by a stop string */
  add(details: readonly TokenDetail[], limit = Infinity): OpenAiLogprobs {
    const made: OpenAiLogprobs = { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] };
    for (const { text, logprob, top } of details) {
      if (this.#offset >= limit) break;
      made.tokens.push(text);
      made.token_logprobs.push(logprob);
      made.top_logprobs.push(Object.fromEntries(top.map((each) => [each.text, each.logprob])));
      made.text_offset.push(this.#offset);
      this.#offset += text.length;
    }
    return made;
  }
}
