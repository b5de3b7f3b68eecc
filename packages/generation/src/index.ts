export type { StreamStep } from './decode.js';
export { type GenerateOutput, generate, generateStream } from './generate.js';
export { argMax, logSoftmax, softmax, topIndices } from './numeric.js';
export type { GenerationOptions, TokenDecoder } from './options.js';
export {
  badWords,
  beginSuppressTokens,
  encoderNoRepeatNgram,
  encoderRepetitionPenalty,
  exponentialDecayLengthPenalty,
  forcedBos,
  forcedEos,
  type LogitsProcessor,
  minLength,
  minNewTokens,
  noRepeatNgram,
  prefixAllowedTokens,
  type RowContext,
  removeInvalidValues,
  repetitionPenalty,
  sequenceBias,
  suppressTokens,
} from './processors.js';
export { Random, sample } from './random.js';
export type { DecodingInput, DecodingSession, GenerativeModel, LikeliestTokens } from './session.js';
export { maxTime, type StoppingCriterion, stopStrings } from './stopping.js';
export {
  epsilonCutoff,
  etaCutoff,
  type LogitsWarper,
  minP,
  temperature,
  topK,
  topP,
  typicalP,
} from './warpers.js';
