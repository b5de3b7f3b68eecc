/** A long text in short: `summarization`. */
import type { Parts, Task } from './call.js';
import type { TextWriter } from './models.js';
import {
  type TextOrTexts,
  type TextToTextOptions,
  type TextToTextPipeline,
  textToText,
  textToTextDefaults,
} from './text-to-text.js';
import { defaultsOf } from './writing.js';

export interface Summary {
  summaryText: string;
}

export interface SummaryIds {
  summaryTokenIds: number[];
}

type Result = TextOrTexts<Summary | SummaryIds>;

/** What `pipeline('summarization')` gives. */
export type SummarizationPipeline = TextToTextPipeline<Summary, SummaryIds>;

export function summarization(parts: Parts<TextWriter>): Task<string, Result, TextToTextOptions, TextWriter> {
  const defaults = defaultsOf(parts, 'summarization', textToTextDefaults);
  return textToText<Summary | SummaryIds, TextToTextOptions>(parts, {
    forms: {},
    name: (value) => ('ids' in value ? { summaryTokenIds: value.ids } : { summaryText: value.text }),
    defaultsFor: () => defaults,
  });
}
