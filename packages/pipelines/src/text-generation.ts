/** Text that goes on from a prompt or a conversation: `text-generation`. */
import { InputError } from '@weft/errors';
import type { GenerationOptions } from '@weft/generation';
import type { ChatMessage } from '@weft/tokenizer';
import type { BasePipeline, Parts, Task } from './call.js';
import { type Chat, continuesLast, isChat, isMessage, renderPrompt, withAnswer } from './chat-prompt.js';
import { emptyText } from './encode.js';
import type { TextWriter } from './models.js';
import { checkOptions, type Form, flag, oneOf, shown, string } from './options.js';
import {
  alternativesForm,
  defaultsOf,
  type GenerationCall,
  generationForms,
  ownOptions,
  type StreamedToken,
  type StreamTokensOptions,
  stopSequenceIds,
  streamTokens,
  untilEnd,
  type WritingDefaults,
  writingOptions,
} from './writing.js';

/** A prompt, or a conversation for a model that has a chat template. */
export type TextGenerationInput = string | Chat;

export interface GeneratedText<Content = string> {
  /** The prompt and what follows; of a conversation its messages with the answer. */
  generatedText: Content;
}

export interface GeneratedIds {
  /** Ids of the prompt and of what follows. */
  generatedTokenIds: number[];
}

/** Besides these, every option of generate: `maxNewTokens`, `doSample`, `topP`, `numBeams`, `seed`... */
export interface TextGenerationOptions extends GenerationCall {
  /** Default: true. False leaves the prompt, or the conversation, out of the text. */
  returnFullText?: boolean | undefined;
  /** Give token ids instead of text. Default: false. */
  returnTensors?: boolean | undefined;
  /** Put before each prompt; takes no part in the text that is given. Default: what the configuration says. */
  prefix?: string | undefined;
  /** `hole` cuts what is too long from the prompt's beginning, so that the new tokens have room. */
  handleLongGeneration?: 'hole' | undefined;
  /** Take out spaces before punctuation. Default: true. */
  cleanUpTokenizationSpaces?: boolean | undefined;
  /** Leave special tokens out of the text. Default: true. */
  skipSpecialTokens?: boolean | undefined;
  /** Put the tokenizer's special tokens around prompts. Default: true. */
  addSpecialTokens?: boolean | undefined;
  /** Let the model go on with the last message. Default: when it is the assistant's. */
  continueFinalMessage?: boolean | undefined;
}

type AsText = TextGenerationOptions & { returnTensors?: false | undefined };
type AsIds = TextGenerationOptions & { returnTensors: true };
type NewText = AsText & { returnFullText: false };

/** What `pipeline('text-generation')` gives: for each prompt a list, one entry a return sequence. */
export interface TextGenerationPipeline
  extends BasePipeline<
    TextGenerationInput,
    (GeneratedText<string | ChatMessage[]> | GeneratedIds)[],
    TextGenerationOptions,
    TextWriter
  > {
  (prompt: string, options?: AsText): Promise<GeneratedText[]>;
  (prompts: readonly string[], options?: AsText): Promise<GeneratedText[][]>;
  (chat: Chat, options: NewText): Promise<GeneratedText[]>;
  (chat: Chat, options?: AsText): Promise<GeneratedText<ChatMessage[]>[]>;
  (chats: readonly Chat[], options: NewText): Promise<GeneratedText[][]>;
  (chats: readonly Chat[], options?: AsText): Promise<GeneratedText<ChatMessage[]>[][]>;
  (input: TextGenerationInput, options: AsIds): Promise<GeneratedIds[]>;
  (inputs: readonly TextGenerationInput[], options: AsIds): Promise<GeneratedIds[][]>;
  stream(
    prompts: AsyncIterable<string> | Iterable<string>,
    options?: AsText,
  ): AsyncGenerator<GeneratedText[], void, void>;
  stream(
    inputs: AsyncIterable<TextGenerationInput> | Iterable<TextGenerationInput>,
    options?: TextGenerationOptions,
  ): AsyncGenerator<(GeneratedText<string | ChatMessage[]> | GeneratedIds)[], void, void>;
  /** The new tokens, one by one. Leaving the loop stops the work. */
  streamTokens(
    input: TextGenerationInput,
    options?: TextGenerationOptions & StreamTokensOptions,
  ): AsyncGenerator<StreamedToken, void, void>;
}

const forms: Readonly<Record<string, Form>> = {
  ...generationForms,
  returnFullText: flag,
  returnTensors: flag,
  prefix: string,
  handleLongGeneration: oneOf('hole'),
  cleanUpTokenizationSpaces: flag,
  skipSpecialTokens: flag,
  addSpecialTokens: flag,
  continueFinalMessage: flag,
};

/** What transformers sets where neither the caller nor the model says otherwise. */
const taskDefaults = { maxNewTokens: 256, doSample: true, temperature: 0.7 };

type Result = (GeneratedText<string | ChatMessage[]> | GeneratedIds)[];

/** The task for one model: its configuration may name a prefix and options of its own. */
export const textGeneration = (
  parts: Parts<TextWriter>,
): Task<TextGenerationInput, Result, TextGenerationOptions, TextWriter> => {
  const defaults = defaultsOf(parts, 'text-generation', taskDefaults);
  return {
    isOne: (input) => !Array.isArray(input) || isMessage(input[0]),
    check: checkPrompt,
    prepare(_, options) {
      checkOptions(parts.task, options, forms, true);
      return async (inputs, place) => {
        const prompts = inputs.map((input) => encodePrompt(parts, input, options, defaults));
        const rows = prompts.map(({ ids }) => ids);
        const settings = settingsFor(parts, rows, options, defaults);
        const sequences = await parts.model.generate(rows, {
          ...settings,
          ...(settings.seed === undefined ? {} : { seed: settings.seed + place }),
        });
        const copies = sequences.length / inputs.length;
        const longest = Math.max(...rows.map(({ length }) => length));
        return prompts.map((prompt, i) =>
          sequences.slice(i * copies, (i + 1) * copies).map((sequence) => {
            const fresh = untilEnd(sequence.slice(longest), settings.eosTokenId);
            return record(parts, prompt, fresh, options);
          }),
        );
      };
    },
    streamTokens: (_, input, options) => streamGeneration(parts, input, options, defaults),
  };
};

async function* streamGeneration(
  parts: Parts<TextWriter>,
  input: TextGenerationInput,
  options: TextGenerationOptions & StreamTokensOptions,
  defaults: WritingDefaults,
): AsyncGenerator<StreamedToken, void, void> {
  const { alternatives, ...rest } = options;
  checkOptions(parts.task, options, { ...forms, alternatives: alternativesForm }, true);
  const { ids } = encodePrompt(parts, input, rest, defaults);
  const settings = settingsFor(parts, [ids], rest, defaults);
  yield* streamTokens(parts, ids, settings, {
    alternatives,
    skipSpecialTokens: options.skipSpecialTokens ?? true,
  });
}

interface Prompt {
  input: TextGenerationInput;
  /** What the model goes on from. */
  ids: number[];
  /** Those of them that belong to the text; a start token that stands for an empty prompt does not. */
  textIds: number[];
}

function encodePrompt(
  { task, tokenizer, model }: Parts<TextWriter>,
  input: TextGenerationInput,
  options: TextGenerationOptions,
  defaults: WritingDefaults,
): Prompt {
  const prefix = options.prefix ?? defaults.prefix;
  const ids =
    typeof input === 'string'
      ? tokenizer.encode(prefix + input, { addSpecialTokens: options.addSpecialTokens ?? true }).inputIds
      : tokenizer.encode(renderPrompt(tokenizer, input, options.continueFinalMessage), {
          addSpecialTokens: false,
        }).inputIds;
  if (ids.length === 0) {
    const start = defaults.generation.bosTokenId ?? tokenizer.bosTokenId;
    if (start === undefined) throw emptyText(task);
    return { input, ids: [start], textIds: [] };
  }
  const { maxPositions = Number.POSITIVE_INFINITY } = model;
  const limit = Math.min(maxPositions, tokenizer.modelMaxLength);
  const { maxNewTokens = 1 } = options;
  if (ids.length + maxNewTokens <= limit) return { input, ids, textIds: ids };
  if (options.handleLongGeneration === 'hole' && maxNewTokens < limit) {
    const kept = ids.slice(maxNewTokens - limit);
    return { input, ids: kept, textIds: kept };
  }
  if (ids.length < maxPositions) return { input, ids, textIds: ids };
  throw new InputError({
    operation: task,
    expected: `a prompt that leaves room in the ${maxPositions} positions of the model`,
    received: `${ids.length} tokens`,
    remedy: "shorten it, or pass handleLongGeneration: 'hole' with maxNewTokens to have its beginning cut",
  });
}

/** The options of generate, with no more new tokens than there is room for where nobody asked for a number. */
function settingsFor(
  parts: Parts<TextWriter>,
  rows: readonly number[][],
  options: TextGenerationOptions,
  { generation }: WritingDefaults,
): GenerationOptions {
  const settings = writingOptions(parts, rows, ownOptions(options, forms), generation);
  const stop = options.stopSequence;
  if (stop !== undefined) settings.eosTokenId = stopSequenceIds(parts.tokenizer, stop);
  const { maxNewTokens } = settings;
  const asked = options.maxNewTokens !== undefined || options.maxLength !== undefined;
  const longest = Math.max(...rows.map(({ length }) => length));
  if (asked || maxNewTokens === undefined || parts.model.maxPositions === undefined) return settings;
  return { ...settings, maxNewTokens: Math.min(maxNewTokens, parts.model.maxPositions - longest) };
}

function record(
  { tokenizer }: Parts<TextWriter>,
  { input, ids, textIds }: Prompt,
  fresh: readonly number[],
  options: TextGenerationOptions,
): GeneratedText<string | ChatMessage[]> | GeneratedIds {
  if (options.returnTensors) return { generatedTokenIds: [...ids, ...fresh] };
  const { skipSpecialTokens = true, cleanUpTokenizationSpaces = true, returnFullText = true } = options;
  const decode = (tokens: readonly number[]): string =>
    tokenizer.decode(tokens, { skipSpecialTokens, cleanUpTokenizationSpaces });
  // The whole is decoded and the prompt's length taken off: decoders join the two as they see fit.
  const text = decode([...ids, ...fresh]).slice(textIds.length === 0 ? 0 : decode(textIds).length);
  if (!returnFullText) return { generatedText: text };
  if (typeof input === 'string') return { generatedText: input + text };
  return { generatedText: withAnswer(input, text, continuesLast(input, options.continueFinalMessage)) };
}

function checkPrompt(input: unknown, operation: string): TextGenerationInput {
  if (typeof input === 'string' || isChat(input)) return input;
  throw new InputError({
    operation,
    expected: 'a prompt, or messages of the form { role, content }',
    received: shown(input),
    remedy: 'pass a string, a list of strings, or a conversation',
  });
}
