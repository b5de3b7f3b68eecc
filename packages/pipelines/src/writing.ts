/** What the tasks that write text share: defaults, options of generate, streams of tokens. */
import { type GenerationOptions, type RowContext, topIndices } from '@weft/generation';
import { generationOptionsFrom } from '@weft/model';
import type { Tokenizer } from '@weft/tokenizer';
import type { Parts } from './call.js';
import type { TextWriter } from './models.js';
import { type CallOptions, count, type Form, given, string, withoutCallOptions } from './options.js';

/** Options of generate that a call may set; the pipeline sees to the rest. */
export interface GenerationCall
  extends CallOptions,
    Omit<GenerationOptions, 'signal' | 'attentionMask' | 'tokenizer' | 'outputScores' | 'outputLogits'> {
  /** Stop at this text's tokens. `stopStrings` stops at the text however it is cut into tokens. */
  stopSequence?: string | undefined;
}

export const generationForms: Readonly<Record<string, Form>> = { stopSequence: string };

/** A token that might have been written, too. */
export interface TokenAlternative {
  token: number;
  text: string;
  /** Of the model, after penalties, before temperature and the filters of sampling. */
  probability: number;
}

/** One step of `streamTokens`. */
export interface StreamedToken {
  /** Text that has become certain: never half a character, and empty while one is unfinished. */
  text: string;
  /** Missing where the text is only what was held back at the end. */
  token?: number;
  /** With `alternatives`: how likely the token was. */
  probability?: number;
  /** With `alternatives`: the likeliest tokens, falling. */
  alternatives?: TokenAlternative[];
}

export interface StreamTokensOptions {
  /** Tell of each step the probability and so many of the likeliest tokens. */
  alternatives?: number | undefined;
}

/** What holds for a task where a call does not say otherwise. */
export interface WritingDefaults {
  generation: GenerationOptions;
  prefix: string;
}

/** The length that GenerationConfig has where nobody set one. */
const UNSET_LENGTH = 20;

/** The task's entry in the configuration's `task_specific_params`; undefined where it has none. */
export function taskParameters(
  config: Readonly<Record<string, unknown>>,
  task: string,
): Record<string, unknown> | undefined {
  const all = config.task_specific_params as Record<string, Record<string, unknown>> | null | undefined;
  return all && Object.hasOwn(all, task) ? all[task] : undefined;
}

/**
 * What generate is called with where a call says nothing. As transformers 4.57 does it, the pipeline's own defaults go
 * before generation_config.json, and what the configuration names for the task goes before both.
 */
export function defaultsOf(
  { model, tokenizer }: Parts<TextWriter>,
  task: string,
  taskDefaults: GenerationOptions,
): WritingDefaults {
  const { config } = model;
  const generation: GenerationOptions = { ...given(model.generationDefaults), ...taskDefaults };
  // Only a length that the model's files set goes before the pipeline's number of new tokens.
  if ((generation.maxLength ?? UNSET_LENGTH) !== UNSET_LENGTH) delete generation.maxNewTokens;
  const parameters = taskParameters(config, task) ?? {};
  Object.assign(generation, generationOptionsFrom(parameters));
  generation.padTokenId ??= tokenizer.padTokenId;
  return { generation: given(generation), prefix: String(parameters.prefix ?? config.prefix ?? '') };
}

/** A call's options without the pipeline's own: what generate is to see. */
export function ownOptions(
  options: GenerationCall,
  forms: Readonly<Record<string, Form>>,
): GenerationOptions {
  const rest = Object.entries(withoutCallOptions(given(options)));
  const passed = Object.fromEntries(rest.filter(([name]) => !Object.hasOwn(forms, name)));
  return options.signal ? { ...passed, signal: options.signal } : passed;
}

/** All options of one call of generate. A length in the call goes before every default number of new tokens. */
export function writingOptions(
  { tokenizer }: Parts<TextWriter>,
  rows: readonly (readonly number[])[],
  called: GenerationOptions,
  defaults: GenerationOptions,
): GenerationOptions {
  const settings: GenerationOptions = { ...defaults, ...called };
  if (called.maxLength !== undefined && called.maxNewTokens === undefined) delete settings.maxNewTokens;
  return {
    ...settings,
    tokenizer,
    attentionMask: rows.map((row) => row.map(() => 1)),
  };
}

export function stopSequenceIds(tokenizer: Tokenizer, text: string): number[] {
  return tokenizer.encode(text, { addSpecialTokens: false }).inputIds;
}

/** A sequence up to its end token: what comes after is padding of the batch. */
export function untilEnd(tokens: readonly number[], eos: GenerationOptions['eosTokenId']): number[] {
  const ends = eos === undefined ? [] : [eos].flat();
  const place = tokens.findIndex((token) => ends.includes(token));
  return tokens.slice(0, place < 0 ? tokens.length : place + 1);
}

interface Streaming {
  alternatives: number | undefined;
  skipSpecialTokens: boolean;
}

/** Generates from one prompt or source and tells of each new token. */
export async function* streamTokens(
  { model, tokenizer }: Parts<TextWriter>,
  ids: readonly number[],
  settings: GenerationOptions,
  { alternatives, skipSpecialTokens }: Streaming,
): AsyncGenerator<StreamedToken, void, void> {
  const decoder = tokenizer.decodeStream({ skipSpecialTokens });
  const steps: Float32Array[] = [];
  const watch = (scores: Float32Array, _context: RowContext): void => {
    steps.push(probabilities(scores));
  };
  const watched =
    alternatives === undefined
      ? settings
      : { ...settings, logitsProcessors: [...(settings.logitsProcessors ?? []), watch] };
  for await (const { tokens } of model.generateStream([ids], watched)) {
    const token = tokens[0]!;
    const text = decoder.push(token);
    const chances = steps.shift();
    if (chances === undefined) {
      yield { text, token };
      continue;
    }
    const likeliest = topIndices(chances, alternatives!).map((each) => ({
      token: each,
      text: tokenizer.decode([each]),
      probability: chances[each]!,
    }));
    yield { text, token, probability: chances[token]!, alternatives: likeliest };
  }
  const rest = decoder.end();
  if (rest !== '') yield { text: rest };
}

function probabilities(scores: Float32Array): Float32Array {
  const most = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const chances = scores.map((score) => Math.exp(score - most));
  const sum = chances.reduce((a, b) => a + b, 0);
  return chances.map((chance) => chance / sum);
}

export const alternativesForm: Form = count;
