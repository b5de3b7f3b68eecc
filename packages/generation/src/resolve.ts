import { GenerationError } from '@weft/errors';
import type { GenerationOptions, ResolvedOptions } from './options.js';
import type { GenerativeModel } from './session.js';

/** A GenerationError of `generate`. */
export function fail(expected: string, received: string, remedy: string): never {
  throw new GenerationError({ operation: 'generate', expected, received, remedy });
}

type Check = [form: string, holds: (value: unknown) => boolean];

const isNumber = (value: unknown): value is number => typeof value === 'number' && !Number.isNaN(value);
const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;
const isCountUp = (value: unknown): boolean => isCount(value) && value > 0;
const isTokens = (value: unknown): boolean => Array.isArray(value) && value.every(isCount);
const isWords = (value: unknown): boolean =>
  Array.isArray(value) && value.every((word) => isTokens(word) && word.length > 0);

const count: Check = ['a whole number, zero or more', isCount];
const countUp: Check = ['a whole number, one or more', isCountUp];
const token: Check = ['a token id', isCount];
const tokens: Check = ['a list of token ids', isTokens];
const oneOrMore: Check = ['a token id or a list of them', (value) => isCount(value) || isTokens(value)];
const flag: Check = ['true or false', (value) => typeof value === 'boolean'];
const above0: Check = ['a number above 0', (value) => isNumber(value) && value > 0 && value < Infinity];
const finite: Check = ['a finite number', Number.isFinite];
const share: Check = ['a number from 0 to 1', (value) => isNumber(value) && value >= 0 && value <= 1];
const rows: Check = [
  'a list of lists of token ids',
  (value) => Array.isArray(value) && value.every(isTokens),
];
const words: Check = ['a list of lists of token ids, none of them empty', isWords];
const call: Check = ['a function', (value) => typeof value === 'function'];
const calls: Check = ['a list of functions', (value) => Array.isArray(value) && value.every(call[1])];
const anything: Check = ['an object', (value) => typeof value === 'object'];

const isBias = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every((each) => Array.isArray(each) && isWords([each[0]]) && isNumber(each[1]));
const isDecay = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && isCount(value[0]) && above0[1](value[1]);
const isStrings = (value: unknown): boolean =>
  [value].flat().every((string) => typeof string === 'string' && string !== '');

/** Every option, with the form that its value must have. */
const forms: Record<keyof GenerationOptions, Check> = {
  maxLength: count,
  maxNewTokens: count,
  minLength: count,
  minNewTokens: count,
  maxTime: above0,
  stopStrings: ['a string or a list of strings, none of them empty', isStrings],
  tokenizer: anything,
  doSample: flag,
  temperature: ['a number, zero or more', (value) => isNumber(value) && value >= 0],
  topK: count,
  topP: share,
  minP: share,
  typicalP: share,
  epsilonCutoff: share,
  etaCutoff: share,
  seed: ['a safe whole number, zero or more', (value) => Number.isSafeInteger(value) && isCount(value)],
  sequenceBias: ['a list of [token ids, bias]', isBias],
  repetitionPenalty: above0,
  encoderRepetitionPenalty: above0,
  noRepeatNgramSize: count,
  encoderNoRepeatNgramSize: count,
  badWordsIds: words,
  prefixAllowedTokensFn: call,
  forcedBosTokenId: token,
  forcedEosTokenId: oneOrMore,
  removeInvalidValues: flag,
  exponentialDecayLengthPenalty: ['[number of new tokens, factor]', isDecay],
  suppressTokens: tokens,
  beginSuppressTokens: tokens,
  logitsProcessors: calls,
  renormalizeLogits: flag,
  stoppingCriteria: calls,
  numBeams: countUp,
  numReturnSequences: countUp,
  lengthPenalty: finite,
  earlyStopping: ["true, false or 'never'", (value) => typeof value === 'boolean' || value === 'never'],
  promptLookupNumTokens: countUp,
  maxMatchingNgramSize: countUp,
  assistantModel: anything,
  numAssistantTokens: countUp,
  assistantConfidenceThreshold: share,
  bosTokenId: token,
  eosTokenId: oneOrMore,
  padTokenId: token,
  decoderStartTokenId: token,
  decoderInputIds: words,
  maxSourceLength: countUp,
  longSource: ["'error' or 'cut'", (value) => value === 'error' || value === 'cut'],
  warn: call,
  attentionMask: rows,
  outputScores: flag,
  outputLogits: flag,
  signal: anything,
};

/** Options with nothing that is undefined or, as in configuration files, null. */
function given(options: GenerationOptions): GenerationOptions {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined && value !== null),
  );
}

function checkForms(options: GenerationOptions): void {
  for (const [name, value] of Object.entries(options)) {
    const check = (forms as Record<string, Check | undefined>)[name];
    if (!check) {
      const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
      fail(
        'known options',
        name,
        camel in forms ? `write ${camel}` : 'see GenerationOptions for those there are',
      );
    } else if (!check[1](value)) {
      fail(`${name} to be ${check[0]}`, String(value), 'correct or leave out the option');
    }
  }
}

/**
 * Puts the caller's options over the model's defaults and checks them.
 *
 * @throws GenerationError when one has a wrong form, or they contradict each other or the model
 */
export function resolveOptions(
  model: GenerativeModel,
  calledWith: GenerationOptions,
  promptLength: number,
): ResolvedOptions {
  const called = given(calledWith);
  const options = {
    numBeams: 1,
    numReturnSequences: 1,
    doSample: false,
    ...given(model.generationDefaults),
    ...called,
  };
  checkForms(options);
  const eosTokenIds = options.eosTokenId === undefined ? [] : [options.eosTokenId].flat();
  const resolved: ResolvedOptions = {
    ...options,
    maxTotalLength: totalLength(called, options, promptLength, model),
    eosTokenIds,
    padTokenId: options.padTokenId ?? eosTokenIds[0] ?? 0,
    // Padding that is an end token too may be meant as such.
    maskedTokenId: eosTokenIds.includes(options.padTokenId ?? -1) ? undefined : options.padTokenId,
  };
  checkTogether(resolved, promptLength, model);
  return resolved;
}

// The length that a GenerationConfig has where nobody set one.
const UNSET_LENGTH = 20;

/** As transformers 4.57 has it: a length that nobody set means that many new tokens. */
function totalLength(
  called: GenerationOptions,
  options: GenerationOptions,
  promptLength: number,
  { maxPositions = Infinity }: GenerativeModel,
): number {
  if (called.maxNewTokens !== undefined) return promptLength + called.maxNewTokens;
  if (called.maxLength !== undefined) return called.maxLength;
  if (options.maxNewTokens !== undefined) return promptLength + options.maxNewTokens;
  const { maxLength = UNSET_LENGTH } = options;
  return maxLength === UNSET_LENGTH ? Math.min(promptLength + maxLength, maxPositions) : maxLength;
}

function checkTogether(options: ResolvedOptions, promptLength: number, model: GenerativeModel): void {
  const { numBeams, numReturnSequences: returned, maxTotalLength: total } = options;
  if (numBeams > 1 && returned > numBeams) {
    fail(
      `at most ${numBeams} sequences from ${numBeams} beams`,
      `numReturnSequences ${returned}`,
      'raise numBeams',
    );
  }
  if (numBeams === 1 && returned > 1 && !options.doSample) {
    fail(
      'one sequence a prompt from greedy decoding',
      `numReturnSequences ${returned}`,
      'raise numBeams, or turn doSample on',
    );
  }
  if (options.doSample && options.temperature === 0) {
    fail(
      'a temperature above 0 to sample with',
      '0',
      'turn doSample off to take the likeliest token each time',
    );
  }
  if (options.stopStrings?.length && !options.tokenizer) {
    fail('a tokenizer beside stopStrings', 'none', 'pass tokenizer');
  }
  if (total <= promptLength) {
    const room = `room for new tokens after a prompt of ${promptLength}`;
    fail(room, `a length of ${total} in all`, 'raise maxNewTokens or maxLength');
  }
  if (model.maxPositions !== undefined && total > model.maxPositions) {
    const positions = `at most ${model.maxPositions} positions, all that the model has`;
    fail(positions, `${total}`, 'shorten the prompt or ask for fewer new tokens');
  }
  checkAssistance(options, model);
  if ((options.maxSourceLength ?? options.longSource) !== undefined && !model.isEncoderDecoder) {
    fail(
      'maxSourceLength and longSource for an encoder-decoder',
      'a causal model',
      'truncate when tokenizing',
    );
  }
  if (options.decoderInputIds && !model.isEncoderDecoder) {
    fail('decoderInputIds for an encoder-decoder', 'a causal model', 'put them at the end of inputIds');
  }
}

function checkAssistance(options: ResolvedOptions, model: GenerativeModel): void {
  const { assistantModel: assistant, promptLookupNumTokens: lookup, numBeams } = options;
  if (!assistant && lookup === undefined) return;
  if (assistant && lookup !== undefined) {
    fail('one kind of assistance', 'assistantModel and promptLookupNumTokens', 'choose one');
  }
  if (numBeams > 1) {
    fail(
      'greedy decoding or sampling with assistance',
      `${numBeams} beams`,
      'leave out numBeams or the assistance',
    );
  }
  if (assistant && assistant.isEncoderDecoder !== model.isEncoderDecoder) {
    const kind = assistant.isEncoderDecoder ? 'an encoder-decoder' : 'a causal model';
    fail('an assistant of the same kind as the model', kind, 'choose an assistant of the family');
  }
}

/** Every token that the options name must be one of the model's. */
export function checkTokens(options: ResolvedOptions, vocabSize: number): void {
  const named: Partial<Record<keyof GenerationOptions, readonly number[]>> = {
    suppressTokens: options.suppressTokens ?? [],
    beginSuppressTokens: options.beginSuppressTokens ?? [],
    badWordsIds: options.badWordsIds?.flat() ?? [],
    sequenceBias: options.sequenceBias?.flatMap(([sequence]) => sequence) ?? [],
    forcedBosTokenId: options.forcedBosTokenId === undefined ? [] : [options.forcedBosTokenId],
    forcedEosTokenId: options.forcedEosTokenId === undefined ? [] : [options.forcedEosTokenId].flat(),
  };
  for (const [name, ids] of Object.entries(named)) {
    const wrong = ids.find((id) => id >= vocabSize);
    if (wrong !== undefined)
      fail(`${name} below the vocabulary's size, ${vocabSize}`, `${wrong}`, 'correct the token');
  }
}
