/** From one language to another: `translation`, or with the pair in its name, `translation_en_to_de`. */
import { InputError } from '@weft/errors';
import type { Parts, Task } from './call.js';
import type { TextWriter } from './models.js';
import { string } from './options.js';
import { nearest } from './suggest.js';
import {
  type TextOrTexts,
  type TextToTextOptions,
  type TextToTextPipeline,
  textToText,
  textToTextDefaults,
} from './text-to-text.js';
import { defaultsOf, type WritingDefaults } from './writing.js';

export interface Translation {
  translationText: string;
}

export interface TranslationIds {
  translationTokenIds: number[];
}

export interface TranslationOptions extends TextToTextOptions {
  /** The source's language, such as `en`, of a model that translates between several; with `tgtLang`. */
  srcLang?: string | undefined;
  /** The translation's language, such as `de`. */
  tgtLang?: string | undefined;
}

type Result = TextOrTexts<Translation | TranslationIds>;

/** What `pipeline('translation')` gives. */
export type TranslationPipeline = TextToTextPipeline<Translation, TranslationIds, TranslationOptions>;

export function translation(parts: Parts<TextWriter>): Task<string, Result, TranslationOptions, TextWriter> {
  const pairs = pairsOf(parts.model);
  if (parts.task === 'translation' && pairs.length > 1) {
    parts.warn(`translation: no language pair is named, ${pairs[0]} of ${pairs.join(', ')} is taken`);
  }
  const ofPipeline = defaultsFor(
    parts,
    pairs,
    parts.task === 'translation' ? (pairs[0] ?? parts.task) : parts.task,
  );
  return textToText<Translation | TranslationIds, TranslationOptions>(parts, {
    forms: { srcLang: string, tgtLang: string },
    name: (value) => ('ids' in value ? { translationTokenIds: value.ids } : { translationText: value.text }),
    defaultsFor: ({ srcLang, tgtLang }) => {
      if (srcLang === undefined && tgtLang === undefined) return ofPipeline;
      if (srcLang === undefined || tgtLang === undefined) throw halfPair(parts.task, srcLang, tgtLang);
      return defaultsFor(parts, pairs, `translation_${srcLang}_to_${tgtLang}`);
    },
  });
}

/** The language pairs that the configuration has a prefix or options for. */
function pairsOf({ config }: TextWriter): string[] {
  const parameters = (config.task_specific_params ?? {}) as Record<string, unknown>;
  return Object.keys(parameters).filter((task) => task.startsWith('translation'));
}

/** A model that names no pairs has one of its own. */
function defaultsFor(parts: Parts<TextWriter>, pairs: readonly string[], pair: string): WritingDefaults {
  if (pairs.length === 0 || pairs.includes(pair)) return defaultsOf(parts, pair, textToTextDefaults);
  const meant = nearest(pair, pairs);
  throw new InputError({
    operation: parts.task,
    expected: `a language pair of ${parts.modelName}: ${pairs.join(', ')}`,
    received: pair,
    remedy: meant === undefined ? 'choose one of them, or another model' : `did you mean ${meant}?`,
  });
}

function halfPair(operation: string, srcLang: string | undefined, tgtLang: string | undefined): InputError {
  return new InputError({
    operation,
    expected: 'srcLang and tgtLang together',
    received: srcLang === undefined ? `tgtLang ${tgtLang} alone` : `srcLang ${srcLang} alone`,
    remedy: 'pass both, or neither',
  });
}
