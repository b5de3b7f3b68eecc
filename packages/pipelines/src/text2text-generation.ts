/** Text from text, as the model was taught it: `text2text-generation`. */
import type { Parts, Task } from './call.js';
import type { TextWriter } from './models.js';
import type { GeneratedIds, GeneratedText } from './text-generation.js';
import {
  type TextOrTexts,
  type TextToTextOptions,
  type TextToTextPipeline,
  textToText,
  textToTextDefaults,
} from './text-to-text.js';
import { defaultsOf } from './writing.js';

type Result = TextOrTexts<GeneratedText | GeneratedIds>;

/** What `pipeline('text2text-generation')` gives. */
export type Text2TextGenerationPipeline = TextToTextPipeline<GeneratedText, GeneratedIds>;

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
