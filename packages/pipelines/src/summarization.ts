/** A long text in short: `summarization`. */
import type { BasePipeline, Parts, Task } from './call.js';
import type { TextWriter } from './models.js';
import {
  type OneText,
  type TextOrTexts,
  type TextToTextOptions,
  textToText,
  textToTextDefaults,
} from './text-to-text.js';
import { defaultsOf, type StreamedToken, type StreamTokensOptions } from './writing.js';

export interface Summary {
  summaryText: string;
}

export interface SummaryIds {
  summaryTokenIds: number[];
}

type Result = TextOrTexts<Summary | SummaryIds>;

/** What `pipeline('summarization')` gives. */
export interface SummarizationPipeline extends BasePipeline<string, Result, TextToTextOptions, TextWriter> {
  /** A list of one summary. */
  (source: string, options?: OneText): Promise<Summary[]>;
  /** One summary a source. */
  (sources: readonly string[], options?: OneText): Promise<Summary[]>;
  (source: string, options: TextToTextOptions): Promise<(Summary | SummaryIds)[]>;
  /** A list for each source where several sequences were asked for. */
  (sources: readonly string[], options: TextToTextOptions): Promise<Result[]>;
  stream(
    sources: AsyncIterable<string> | Iterable<string>,
    options?: OneText,
  ): AsyncGenerator<Summary, void, void>;
  stream(
    sources: AsyncIterable<string> | Iterable<string>,
    options: TextToTextOptions,
  ): AsyncGenerator<Result, void, void>;
  /** The summary's tokens, one by one, without beams. Leaving the loop stops the work. */
  streamTokens(
    source: string,
    options?: TextToTextOptions & StreamTokensOptions,
  ): AsyncGenerator<StreamedToken, void, void>;
}

export function summarization(parts: Parts<TextWriter>): Task<string, Result, TextToTextOptions, TextWriter> {
  const defaults = defaultsOf(parts, 'summarization', textToTextDefaults);
  return textToText<Summary | SummaryIds, TextToTextOptions>(parts, {
    forms: {},
    name: (value) => ('ids' in value ? { summaryTokenIds: value.ids } : { summaryText: value.text }),
    defaultsFor: () => defaults,
  });
}
