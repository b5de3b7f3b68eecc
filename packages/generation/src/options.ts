import type { LogitsProcessor, RowContext } from './processors.js';
import type { GenerativeModel } from './session.js';
import type { StoppingCriterion } from './stopping.js';

/** Turns ids into text; what stop strings need. */
export interface TokenDecoder {
  decode(ids: readonly number[], options?: { skipSpecialTokens?: boolean }): string;
}

/** How to generate; the names and defaults of Hugging Face's GenerationConfig, in camelCase. */
export interface GenerationOptions {
  /** Length of prompt and new tokens together. Where no length is given, there are 20 new tokens at most. */
  maxLength?: number;
  /** Number of new tokens; overrules maxLength. */
  maxNewTokens?: number;
  /** No end before this length, prompt included. */
  minLength?: number;
  /** No end before this many new tokens. */
  minNewTokens?: number;
  /** Seconds after which generation ends with the token under way. */
  maxTime?: number;
  /** Stop when the text ends in one of these; needs `tokenizer`. */
  stopStrings?: string | readonly string[];
  tokenizer?: TokenDecoder;

  /** Draw tokens instead of taking the likeliest. */
  doSample?: boolean;
  temperature?: number;
  /** Default when sampling: 50. 0 switches it off. */
  topK?: number;
  topP?: number;
  minP?: number;
  typicalP?: number;
  epsilonCutoff?: number;
  etaCutoff?: number;
  /**
   * The same seed draws the same tokens, whatever else is in the batch: each row has a stream of its own, by its place.
   * Default: another one each time.
   */
  seed?: number;

  /** Add to the logits of the last token of each sequence where the tokens before it were just written. */
  sequenceBias?: readonly (readonly [tokens: readonly number[], bias: number])[];
  repetitionPenalty?: number;
  encoderRepetitionPenalty?: number;
  noRepeatNgramSize?: number;
  encoderNoRepeatNgramSize?: number;
  badWordsIds?: readonly (readonly number[])[];
  /** The tokens that may follow what was written so far. */
  prefixAllowedTokensFn?: (context: RowContext) => readonly number[];
  forcedBosTokenId?: number;
  forcedEosTokenId?: number | readonly number[];
  removeInvalidValues?: boolean;
  /** From so many new tokens on, raise the end's score by so large a factor with each token. */
  exponentialDecayLengthPenalty?: readonly [start: number, factor: number];
  suppressTokens?: readonly number[];
  beginSuppressTokens?: readonly number[];
  /** Run after the built-in processors, before temperature and the filters of sampling. */
  logitsProcessors?: readonly LogitsProcessor[];
  /** Make the scores log-probabilities again after all processors. */
  renormalizeLogits?: boolean;
  stoppingCriteria?: readonly StoppingCriterion[];

  numBeams?: number;
  numReturnSequences?: number;
  /** Scores are divided by length^lengthPenalty: above 0 favours long texts. Default: 1. */
  lengthPenalty?: number;
  /**
   * Stop when numBeams candidates are done (true), when none running is likely to beat them (false), or when none
   * can ('never').
   */
  earlyStopping?: boolean | 'never';

  /** Propose so many tokens at once by looking the last n-gram up in the text so far. */
  promptLookupNumTokens?: number;
  /** The longest n-gram that is looked up. Default: 2. */
  maxMatchingNgramSize?: number;
  /** A smaller model of the same vocabulary whose proposals the model checks. */
  assistantModel?: GenerativeModel;
  /** Tokens that the assistant proposes at once, at most. Default: 20. */
  numAssistantTokens?: number;
  /** The assistant stops after a token that it finds less likely than this. Default: 0.4. */
  assistantConfidenceThreshold?: number;

  bosTokenId?: number;
  eosTokenId?: number | readonly number[];
  /** Default: the first end token. */
  padTokenId?: number;
  decoderStartTokenId?: number;
  /** Prompts of the decoder of an encoder-decoder, one a source; the start token is put before them where missing. */
  decoderInputIds?: readonly (readonly number[])[];
  /** Of encoder-decoders: positions that a source may have. Default: as many as the model has, where it has a limit. */
  maxSourceLength?: number;
  /** What becomes of a longer one: it is refused, or cut, its end token kept, and `warn` told. Default: 'error'. */
  longSource?: 'error' | 'cut';
  /** Where warnings go. Default: console.warn. */
  warn?: (message: string) => void;
  /** 1 where a prompt's token counts. Default: all of each prompt but pad tokens, unless padding is an end token. */
  attentionMask?: readonly (readonly number[])[];

  /** Keep each step's scores after all processors; the log-probabilities of the beams in beam search. */
  outputScores?: boolean;
  /** Keep each step's logits as the model gave them. */
  outputLogits?: boolean;
  /** Stops the work within one token; the call then throws the signal's reason. */
  signal?: AbortSignal;
}

/** Options after defaults and checks. */
export interface ResolvedOptions extends GenerationOptions {
  maxTotalLength: number;
  eosTokenIds: readonly number[];
  padTokenId: number;
  /** The token that counts as padding wherever it stands in a prompt without a mask. */
  maskedTokenId: number | undefined;
  numBeams: number;
  numReturnSequences: number;
  doSample: boolean;
}
