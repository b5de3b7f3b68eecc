/** Text from text, as the model was taught it: `text2text-generation`. */
import type { BasePipeline, Parts, Task } from './call.js';
import type { TextWriter } from './models.js';
import type { GeneratedIds, GeneratedText } from './text-generation.js';
import {
  type OneText,
  type TextOrTexts,
  type TextToTextOptions,
  textToText,
  textToTextDefaults,
} from './text-to-text.js';
import { defaultsOf, type StreamedToken, type StreamTokensOptions } from './writing.js';

type Result = TextOrTexts<GeneratedText | GeneratedIds>;

/** What `pipeline('text2text-generation')` gives. */
export interface Text2TextGenerationPipeline
  extends BasePipeline<string, Result, TextToTextOptions, TextWriter> {
  /** A list of one text. */
  (source: string, options?: OneText): Promise<GeneratedText[]>;
  /** One text a source. */
  (sources: readonly string[], options?: OneText): Promise<GeneratedText[]>;
  (source: string, options: TextToTextOptions): Promise<(GeneratedText | GeneratedIds)[]>;
  /** A list for each source where several sequences were asked for. */
  (sources: readonly string[], options: TextToTextOptions): Promise<Result[]>;
  stream(
    sources: AsyncIterable<string> | Iterable<string>,
    options?: OneText,
  ): AsyncGenerator<GeneratedText, void, void>;
  stream(
    sources: AsyncIterable<string> | Iterable<string>,
    options: TextToTextOptions,
  ): AsyncGenerator<Result, void, void>;
  /** The text's tokens, one by one, without beams. Leaving the loop stops the work. */
  streamTokens(
    source: string,
    options?: TextToTextOptions & StreamTokensOptions,
  ): AsyncGenerator<StreamedToken, void, void>;
}

export function text2textGeneration(
  parts: Parts<TextWriter>,
): Task<string, Result, TextToTextOptions, TextWriter> {
  const defaults = defaultsOf(parts, 'text2text-generation', textToTextDefaults);
  return textToText<GeneratedText | GeneratedIds, TextToTextOptions>(parts, {
    forms: {},
    name: (value) => ('ids' in value ? { generatedTokenIds: value.ids } : { generatedText: value.text }),
    defaultsFor: () => defaults,
  });
}
