import { ConfigError } from '@weft/errors';
import type { TrainingArguments } from './arguments.js';
import type { Batch } from './dataset.js';
import type { StepPrediction } from './evaluation.js';
import { Trainer } from './trainer.js';
import type { TrainerOptions } from './trainer-options.js';
import type { TrainableModel } from './training-step.js';

/** More arguments of a Seq2SeqTrainer. */
export interface Seq2SeqTrainingArguments extends TrainingArguments {
  /** Evaluate what the model generates, so that BLEU and the like can be computed. Default: false. */
  predictWithGenerate?: boolean;
  /** Default: the model's own. */
  generationMaxLength?: number;
  /** Default: the model's own. */
  generationNumBeams?: number;
}

/** A model that goes on with, or answers, rows of ids without padding. */
export interface GeneratingModel extends TrainableModel {
  generate(
    inputIds: readonly (readonly number[])[],
    options: { maxLength?: number; numBeams?: number },
  ): Promise<number[][]>;
}

export interface Seq2SeqTrainerOptions<Example> extends Omit<TrainerOptions<Example>, 'model' | 'args'> {
  model: GeneratingModel;
  args: Seq2SeqTrainingArguments;
}

/**
 * A Trainer that can evaluate by generating: with `predictWithGenerate`, `generated` of what computeMetrics and
 * predict get holds the ids that the model wrote for each example.
 *
 * @example
 * ```ts no-run
 * const trainer = new Seq2SeqTrainer({
 *   model,
 *   args: { outputDir: './out', predictWithGenerate: true, generationNumBeams: 4 },
 *   evalDataset,
 *   dataCollator: dataCollatorForSeq2Seq({ tokenizer, decoderStartTokenId: 0 }),
 *   computeMetrics: ({ generated }) => ({ bleu: bleu(generated.map((ids) => tokenizer.decode(ids)), references).score }),
 * });
 * ```
 */
export class Seq2SeqTrainer<Example = Record<string, unknown>> extends Trainer<Example> {
  #generate: boolean;
  #generation: { maxLength?: number; numBeams?: number };
  #generator: GeneratingModel;

  constructor({ model, args, ...options }: Seq2SeqTrainerOptions<Example>) {
    const { predictWithGenerate = false, generationMaxLength, generationNumBeams, ...others } = args;
    super({ ...options, model, args: others });
    this.#generator = model;
    this.#generate = predictWithGenerate;
    this.#generation = {
      ...(generationMaxLength === undefined ? {} : { maxLength: generationMaxLength }),
      ...(generationNumBeams === undefined ? {} : { numBeams: generationNumBeams }),
    };
    for (const [name, value] of Object.entries({ generationMaxLength, generationNumBeams })) {
      if (value === undefined || (Number.isInteger(value) && value >= 1)) continue;
      throw new ConfigError({
        operation: 'Seq2SeqTrainingArguments',
        expected: `${name} of at least 1`,
        received: String(value),
        remedy: "leave it out for the model's own",
      });
    }
  }

  protected override async predictionStep(batch: Batch, keepPredictions: boolean): Promise<StepPrediction> {
    if (!this.#generate || !keepPredictions) return super.predictionStep(batch, keepPredictions);
    const generated = await this.#generator.generate(withoutPadding(batch), this.#generation);
    const loss = batch.labels === undefined ? {} : await super.predictionStep(batch, false);
    return { ...loss, generated };
  }
}

function withoutPadding({ inputIds, attentionMask }: Batch): number[][] {
  const mask = attentionMask as readonly (readonly number[])[] | undefined;
  return (inputIds as number[][]).map((row, i) => row.filter((_, t) => mask?.[i]?.[t] !== 0));
}
