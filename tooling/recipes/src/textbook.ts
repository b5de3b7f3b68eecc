import { join } from 'node:path';
import { Transformer } from '@weft/attention';
import { saveWeights } from '@weft/checkpoint';
import { generate } from '@weft/generation';
import { dataCollatorForSeq2Seq, Trainer, type TrainerCallback } from '@weft/trainer';
import { writeReport } from './files.js';
import { type Pair, pairs, scores, vocabulary } from './multi30k.js';
import { EffortCallback, millions, type RunOptions, trainOrResume } from './run.js';

export interface TextbookOptions extends RunOptions {
  /** Training ends after so many minutes by the clock. */
  minutes: number;
  learningRate: number;
}

/** The Transformer of the paper as a trainer saves it. */
class TextbookModel extends Transformer {
  savePretrained(folder: string): Promise<void> {
    const tensors = this.namedParameters().map(([key, variable]) => [
      key,
      { dtype: 'F32', shape: variable.shape, data: variable.dataSync<'float32'>() } as const,
    ]);
    return saveWeights(folder, Object.fromEntries(tensors)).then(() => undefined);
  }
}

/**
 * "Attention Is All You Need" on the pairs of the translation recipe: sinusoidal positions, one table for source,
 * target and output, label smoothing 0.1, the inverse-square-root schedule, normalisation after each part.
 */
export async function textbook(options: TextbookOptions): Promise<void> {
  const { out, minutes, learningRate } = options;
  const tokenizer = await vocabulary(join(out, 'tokenizer'));
  using model = new TextbookModel(
    {
      sourceVocabSize: tokenizer.vocabSize,
      width: 192,
      innerWidth: 512,
      numHeads: 4,
      numEncoderLayers: 2,
      numDecoderLayers: 2,
      decoderStartTokenId: 0,
      eosTokenId: 1,
    },
    { seed: 1 },
  );
  const effort = new EffortCallback(out);
  const untilTime: TrainerCallback = {
    onStepEnd({ control }) {
      if (effort.effort.seconds >= minutes * 60) control.shouldTrainingStop = true;
    },
  };
  const trainer = new Trainer<Pair>({
    model,
    args: {
      outputDir: out,
      loggingDir: out,
      numTrainEpochs: 100,
      perDeviceTrainBatchSize: 32,
      learningRate,
      lrSchedulerType: 'inverse_sqrt',
      warmupSteps: 300,
      groupByLength: true,
      loggingSteps: 100,
      saveSteps: 300,
      saveTotalLimit: 1,
      seed: 1,
    },
    trainDataset: pairs(tokenizer, 'train'),
    dataCollator: dataCollatorForSeq2Seq({ tokenizer, decoderStartTokenId: 0 }),
    callbacks: [effort, untilTime],
  });
  const steps = await trainOrResume(trainer, options);
  const time = effort.effort;
  model.eval();
  const write = async (inputIds: number[][]): Promise<number[][]> =>
    (await generate(model, inputIds, { maxLength: 80, numBeams: 4, earlyStopping: true })).sequences;
  await writeReport(out, {
    recipe: 'textbook',
    parameters: millions(model),
    ...{ minutes, learningRate, steps },
    ...time,
    trainLoss: trainer.state.logHistory.flatMap(({ loss }) => loss ?? []),
    val: await scores(write, tokenizer, 'val'),
    test: await scores(write, tokenizer, 'test_2016_flickr'),
  });
}
