import type { MarianMTModel } from '@weft/marian';
import type { LoadOptions } from '@weft/model';
import type { T5ForConditionalGeneration } from '@weft/t5';

/** Models that write a text for a text. */
export type SequenceToSequenceModel = T5ForConditionalGeneration | MarianMTModel;

/** Loads the class that config.json names. @throws ConfigError for families that write no text for a text */
export async function sequenceToSequence(
  model: string,
  options: LoadOptions,
): Promise<SequenceToSequenceModel> {
  const { ModelRegistry } = await import('@weft/model');
  const t5 = async (source: string, more?: LoadOptions): Promise<SequenceToSequenceModel> =>
    (await import('@weft/t5')).T5ForConditionalGeneration.fromPretrained(source, more);
  const marian = async (source: string, more?: LoadOptions): Promise<SequenceToSequenceModel> =>
    (await import('@weft/marian')).MarianMTModel.fromPretrained(source, more);
  return new ModelRegistry<SequenceToSequenceModel>('text to text')
    .register('t5', 'T5ForConditionalGeneration', t5)
    .register('mt5', 'MT5ForConditionalGeneration', t5)
    .register('marian', 'MarianMTModel', marian)
    .fromPretrained(model, options);
}
