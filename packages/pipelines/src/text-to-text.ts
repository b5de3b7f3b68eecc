/** What the tasks of encoder-decoders share: `text2text-generation`, `summarization`, `translation`. */
import { InputError } from '@weft/errors';
import type { GenerationOptions } from '@weft/generation';
import type { BasePipeline, Parts, Task } from './call.js';
import { encodeWithin, type LengthOptions, lengthForms } from './encode.js';
import { checkText } from './feature-extraction.js';
import type { TextWriter } from './models.js';
import { checkOptions, type Form, flag } from './options.js';
import {
  alternativesForm,
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

/** Besides these, every option of generate: `maxNewTokens`, `numBeams`, `doSample`... */
export interface TextToTextOptions extends GenerationCall, LengthOptions {
  /** Give token ids instead of text. Default: false. */
  returnTensors?: boolean | undefined;
  /** Take out spaces before punctuation. Default: false. */
  cleanUpTokenizationSpaces?: boolean | undefined;
}

/** Options under which each source has one text. */
export type OneText<O extends TextToTextOptions = TextToTextOptions> = O & {
  numReturnSequences?: 1 | undefined;
  returnTensors?: false | undefined;
};

export const textToTextForms: Readonly<Record<string, Form>> = {
  ...generationForms,
  ...lengthForms,
  returnTensors: flag,
  cleanUpTokenizationSpaces: flag,
};

/** What transformers sets where neither the caller nor the model says otherwise. */
export const textToTextDefaults: GenerationOptions = { maxNewTokens: 256, numBeams: 4 };

/** How one of the tasks differs from the others. */
export interface Writing<Texts, O extends TextToTextOptions> {
  /** The task's own options, beside those of all. */
  forms: Readonly<Record<string, Form>>;
  /** Names the text or the ids as the task's results have it. */
  name(value: { text: string } | { ids: number[] }): Texts;
  /** What holds for a call; a language pair has its own prefix and options. */
  defaultsFor(options: O): WritingDefaults;
}

/** A result for one source: the text itself where there is one, a list where several were asked for. */
export type TextOrTexts<Text> = Text | Text[];

/** What `pipeline` gives for one of the tasks: how its texts and its ids are named, and its options. */
export interface TextToTextPipeline<Text, Ids, O extends TextToTextOptions = TextToTextOptions>
  extends BasePipeline<string, TextOrTexts<Text | Ids>, O, TextWriter> {
  /** A list of one text. */
  (source: string, options?: OneText<O>): Promise<Text[]>;
  /** One text a source. */
  (sources: readonly string[], options?: OneText<O>): Promise<Text[]>;
  (source: string, options: O): Promise<(Text | Ids)[]>;
  /** A list for each source where several sequences were asked for. */
  (sources: readonly string[], options: O): Promise<TextOrTexts<Text | Ids>[]>;
  stream(
    sources: AsyncIterable<string> | Iterable<string>,
    options?: OneText<O>,
  ): AsyncGenerator<Text, void, void>;
  stream(
    sources: AsyncIterable<string> | Iterable<string>,
    options: O,
  ): AsyncGenerator<TextOrTexts<Text | Ids>, void, void>;
  /** The text's tokens, one by one, without beams. Leaving the loop stops the work. */
  streamTokens(source: string, options?: O & StreamTokensOptions): AsyncGenerator<StreamedToken, void, void>;
}

/** The task for one model. */
export function textToText<Text, O extends TextToTextOptions>(
  parts: Parts<TextWriter>,
  { forms, name, defaultsFor }: Writing<Text, O>,
): Task<string, TextOrTexts<Text>, O, TextWriter> {
  const allForms = { ...textToTextForms, ...forms };
  const { tokenizer, model } = parts;
  return {
    isOne: (input) => !Array.isArray(input),
    check: checkSource,
    prepare(_, options) {
      checkOptions(parts.task, options, allForms, true);
      const defaults = defaultsFor(options);
      const { returnTensors = false, cleanUpTokenizationSpaces = false } = options;
      return async (sources, place) => {
        const rows = sourceIds(parts, sources, options, defaults);
        const settings = settingsFor(parts, rows, options, allForms, defaults);
        const sequences = await model.generate(rows, {
          ...settings,
          ...(settings.seed === undefined ? {} : { seed: settings.seed + place }),
        });
        const copies = sequences.length / rows.length;
        const texts = sequences.map((sequence) => {
          // The decoder's start may be the end token too, so it does not count as an end.
          const ids = [sequence[0]!, ...untilEnd(sequence.slice(1), settings.eosTokenId)];
          const text = (): string =>
            tokenizer.decode(ids, { skipSpecialTokens: true, cleanUpTokenizationSpaces });
          return name(returnTensors ? { ids } : { text: text() });
        });
        return rows.map((_, i) => {
          const own = texts.slice(i * copies, (i + 1) * copies);
          return own.length === 1 ? own[0]! : own;
        });
      };
    },
    single: (result) => (Array.isArray(result) ? result : [result]),
    async *streamTokens(_, source, options): AsyncGenerator<StreamedToken, void, void> {
      const { alternatives, ...rest } = options as O & StreamTokensOptions;
      checkOptions(parts.task, options, { ...allForms, alternatives: alternativesForm }, true);
      const called = rest as unknown as O;
      const defaults = defaultsFor(called);
      const [ids] = sourceIds(parts, [source], called, defaults);
      const settings = settingsFor(parts, [ids!], called, allForms, defaults);
      // Beams are not settled until their end: a default number of them gives way, a call's own is refused.
      const numBeams = options.numBeams ?? 1;
      yield* streamTokens(parts, ids!, { ...settings, numBeams }, { alternatives, skipSpecialTokens: true });
    },
  };
}

function sourceIds(
  parts: Parts<TextWriter>,
  sources: readonly string[],
  { truncation }: LengthOptions,
  { prefix }: WritingDefaults,
): number[][] {
  const texts = sources.map((source) => prefix + source);
  return encodeWithin(parts, texts, { truncation, returnTokenTypeIds: false }).inputIds;
}

function settingsFor(
  parts: Parts<TextWriter>,
  rows: readonly number[][],
  options: TextToTextOptions,
  forms: Readonly<Record<string, Form>>,
  { generation }: WritingDefaults,
): GenerationOptions {
  const settings = writingOptions(parts, rows, ownOptions(options, forms), generation);
  const { stopSequence } = options;
  // As transformers has it, the first token of the sequence stands for it.
  if (stopSequence !== undefined) settings.eosTokenId = stopSequenceIds(parts.tokenizer, stopSequence)[0];
  return settings;
}

function checkSource(input: unknown, operation: string): string {
  const source = checkText(input, operation);
  if (source.trim() !== '') return source;
  throw new InputError({
    operation,
    expected: 'a source that is not empty',
    received: JSON.stringify(source),
    remedy: 'leave it out',
  });
}
