import { GenerationError } from '@weft/errors';
import type { LogitsProcessor } from './processors.js';
import type { GenerativeModel } from './session.js';
import type { StoppingCriterion } from './stopping.js';

/** Turns ids into text; what stop strings need. */
export interface TokenDecoder {
  decode(ids: readonly number[], options?: { skipSpecialTokens?: boolean }): string;
}

/** How to generate; the names and defaults of Hugging Face's GenerationConfig, in camelCase. */
export interface GenerationOptions {
  /** Length of prompt and new tokens together. Default: 20, where maxNewTokens is not given. */
  maxLength?: number;
  /** Number of new tokens; overrules maxLength. */
  maxNewTokens?: number;
  minLength?: number;
  minNewTokens?: number;
  doSample?: boolean;
  temperature?: number;
  /** Default when sampling: 50. 0 switches it off. */
  topK?: number;
  topP?: number;
  minP?: number;
  typicalP?: number;
  epsilonCutoff?: number;
  etaCutoff?: number;
  repetitionPenalty?: number;
  noRepeatNgramSize?: number;
  badWordsIds?: readonly (readonly number[])[];
  forcedBosTokenId?: number;
  forcedEosTokenId?: number | readonly number[];
  suppressTokens?: readonly number[];
  beginSuppressTokens?: readonly number[];
  /** Added to the logits of the last token of each sequence where the tokens before it were just written. */
  sequenceBias?: readonly (readonly [tokens: readonly number[], bias: number])[];
  /** Divide, after the processors, by the sum of probabilities again. */
  renormalizeLogits?: boolean;
  numBeams?: number;
  numReturnSequences?: number;
  lengthPenalty?: number;
  /** Stop when numBeams candidates are done (true), when none running can beat them by a heuristic (false), or by the strictest bound ('never'). */
  earlyStopping?: boolean | 'never';
  /** Propose this many tokens at once by looking the last n-gram up in the text so far. */
  promptLookupNumTokens?: number;
  /** The longest n-gram looked up. Default: 2. */
  maxMatchingNgramSize?: number;
  /** A smaller model whose proposals the model checks. */
  assistantModel?: GenerativeModel;
  /** Tokens that the assistant proposes at once. Default: 5. */
  numAssistantTokens?: number;
  /** Stop when the text ends in one of these; needs `tokenizer`. */
  stopStrings?: readonly string[];
  tokenizer?: TokenDecoder;
  bosTokenId?: number;
  eosTokenId?: number | readonly number[];
  padTokenId?: number;
  decoderStartTokenId?: number;
  /** Prompts of the decoder of an encoder-decoder, one a source. */
  decoderInputIds?: readonly (readonly number[])[];
  /** 1 where a prompt's token counts; default: all of each prompt. */
  attentionMask?: readonly (readonly number[])[];
  /** Run after the built-in processors. */
  logitsProcessors?: readonly LogitsProcessor[];
  stoppingCriteria?: readonly StoppingCriterion[];
  /** The same seed draws the same tokens. Default: 0. */
  seed?: number;
  /** Keep each step's processed scores. */
  outputScores?: boolean;
  signal?: AbortSignal;
}

/** Options after defaults and checks. */
export interface ResolvedOptions extends GenerationOptions {
  maxTotalLength: number;
  eosTokenIds: readonly number[];
  padTokenId: number;
}

/**
 * Puts the caller's options over the model's defaults and checks them.
 *
 * @throws GenerationError when they contradict each other or the model
 */
export function resolveOptions(
  model: GenerativeModel,
  given: GenerationOptions,
  promptLength: number,
): ResolvedOptions {
  const options: GenerationOptions = { ...model.generationDefaults, ...definedOnly(given) };
  const eosTokenIds = options.eosTokenId === undefined ? [] : [options.eosTokenId].flat();
  const maxTotalLength =
    given.maxNewTokens !== undefined
      ? promptLength + given.maxNewTokens
      : (given.maxLength ??
        (options.maxNewTokens === undefined
          ? (options.maxLength ?? 20)
          : promptLength + options.maxNewTokens));
  check(options, maxTotalLength, promptLength, model);
  return { ...options, maxTotalLength, eosTokenIds, padTokenId: options.padTokenId ?? eosTokenIds[0] ?? 0 };
}

function definedOnly(options: GenerationOptions): GenerationOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function check(
  options: GenerationOptions,
  total: number,
  promptLength: number,
  model: GenerativeModel,
): void {
  const fail = (expected: string, received: string, remedy: string): never => {
    throw new GenerationError({ operation: 'generate', expected, received, remedy });
  };
  const positive = ['temperature', 'repetitionPenalty'] as const;
  for (const name of positive) {
    const value = options[name];
    if (value !== undefined && !(value > 0))
      fail(`${name} above 0`, String(value), 'for no randomness leave doSample off');
  }
  for (const name of ['topP', 'minP', 'typicalP', 'epsilonCutoff', 'etaCutoff'] as const) {
    const value = options[name];
    if (value !== undefined && !(value >= 0 && value <= 1))
      fail(`${name} from 0 to 1`, String(value), 'give a probability');
  }
  for (const name of [
    'topK',
    'numBeams',
    'numReturnSequences',
    'noRepeatNgramSize',
    'maxNewTokens',
    'maxLength',
  ] as const) {
    const value = options[name];
    if (value !== undefined && !(Number.isInteger(value) && value >= 0)) {
      fail(`${name} to be a whole number, zero or more`, String(value), 'count in tokens or sequences');
    }
  }
  const { numBeams = 1, numReturnSequences = 1, doSample = false } = options;
  if (numReturnSequences > 1 && !doSample && numReturnSequences > numBeams) {
    fail(
      `at most ${numBeams} sequences without sampling`,
      `numReturnSequences ${numReturnSequences}`,
      'raise numBeams, or turn doSample on',
    );
  }
  if (options.stopStrings?.length && !options.tokenizer) {
    fail('a tokenizer beside stopStrings', 'none', 'pass tokenizer');
  }
  if (total <= promptLength) {
    fail(
      `room for new tokens after a prompt of ${promptLength}`,
      `a length of ${total} in all`,
      'raise maxNewTokens or maxLength',
    );
  }
  if (model.maxPositions !== undefined && !model.isEncoderDecoder && total > model.maxPositions) {
    fail(
      `at most ${model.maxPositions} positions, all that the model has`,
      String(total),
      'shorten the prompt or ask for fewer new tokens',
    );
  }
}
