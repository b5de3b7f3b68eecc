import type { LoadOptions } from '@weft/model';
import type { T5ForConditionalGeneration } from '@weft/t5';

/** Models that write a text for a text. */
export type SequenceToSequenceModel = T5ForConditionalGeneration;

/** Loads the class that config.json names. @throws ConfigError for families that write no text for a text */
export async function sequenceToSequence(
  model: string,
  options: LoadOptions,
): Promise<SequenceToSequenceModel> {
  const [{ ModelRegistry }, { T5ForConditionalGeneration }] = await Promise.all([
    import('@weft/model'),
    import('@weft/t5'),
  ]);
  return new ModelRegistry<SequenceToSequenceModel>('text to text')
    .register('t5', 'T5ForConditionalGeneration', (source, more) =>
      T5ForConditionalGeneration.fromPretrained(source, more),
    )
    .fromPretrained(model, options);
}
