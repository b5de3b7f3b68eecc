export { type GenerateOutput, generate, generateStream, type StreamStep } from './generate.js';
export { argMax, logSoftmax, topIndices } from './numeric.js';
export type { GenerationOptions, TokenDecoder } from './options.js';
export {
  badWords,
  beginSuppressTokens,
  forcedBos,
  forcedEos,
  type LogitsProcessor,
  minLength,
  minNewTokens,
  noRepeatNgram,
  type RowContext,
  repetitionPenalty,
  sequenceBias,
  suppressTokens,
} from './processors.js';
export { Random, sample } from './random.js';
export type { DecodingInput, DecodingSession, GenerativeModel } from './session.js';
export { type StoppingCriterion, stopStrings } from './stopping.js';
export { epsilonCutoff, etaCutoff, minP, temperature, topK, topP, typicalP } from './warpers.js';
