import type { AutoModelForSequenceClassification, HeadLoadOptions } from '@weft/bert';
import { ConfigError } from '@weft/errors';
import type { GPT2ForSequenceClassification } from '@weft/gpt2';
import type { Tokenizer } from '@weft/tokenizer';
import type { CheckpointInfo } from '../training/checkpoint-info.js';

export type SequenceClassifier =
  | Awaited<ReturnType<typeof AutoModelForSequenceClassification.fromPretrained>>
  | GPT2ForSequenceClassification;

/**
 * Loads a model that sorts texts. GPT-2 has no padding token of its own, and finds the last token of a text by it:
 * its end token is taken, in the tokenizer too.
 *
 * @throws ConfigError for families that sort no texts
 */
export async function sequenceClassifier(
  info: CheckpointInfo,
  tokenizer: Tokenizer,
  options: HeadLoadOptions,
): Promise<SequenceClassifier> {
  if (info.modelType !== 'gpt2') {
    const { AutoModelForSequenceClassification } = await import('@weft/bert');
    return AutoModelForSequenceClassification.fromPretrained(info.model, options);
  }
  tokenizer.padToken ??= tokenizer.eosToken;
  if (tokenizer.padTokenId === undefined) {
    throw new ConfigError({
      operation: `load ${info.model}`,
      expected: 'a tokenizer with a padding or an end token',
      received: 'none',
      remedy: 'name one in tokenizer_config.json',
    });
  }
  const { numLabels, id2label, problemType, ...rest } = options;
  const { GPT2ForSequenceClassification } = await import('@weft/gpt2');
  return GPT2ForSequenceClassification.fromPretrained(info.model, {
    ...rest,
    config: {
      ...rest.config,
      pad_token_id: tokenizer.padTokenId,
      ...(numLabels === undefined ? {} : labelConfig([...Array(numLabels).keys()].map((i) => `LABEL_${i}`))),
      ...(id2label ? labelConfig(Object.values(id2label)) : {}),
      ...(problemType ? { problem_type: problemType } : {}),
    },
  });
}

const labelConfig = (names: readonly string[]): Record<string, unknown> => ({
  num_labels: names.length,
  id2label: Object.fromEntries(names.map((name, id) => [String(id), name])),
  label2id: Object.fromEntries(names.map((name, id) => [name, id])),
});
