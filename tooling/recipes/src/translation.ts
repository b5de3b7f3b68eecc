import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { T5ForConditionalGeneration, t5ConfigSchema } from '@weft/t5';
import { dataCollatorForSeq2Seq, Trainer } from '@weft/trainer';
import { writeReport } from './files.js';
import { languages, type Pair, pairs, scores, source, vocabulary } from './multi30k.js';
import { EffortCallback, millions, type RunOptions, trainOrResume } from './run.js';

export interface TranslationOptions extends RunOptions {
  epochs: number;
  learningRate: number;
  dropout: number;
}

/**
 * A T5 of 3.7 million parameters from nothing on Multi30k: English to German and to French by prefix, a Unigram
 * vocabulary of its own for the three languages, chosen on `val`, judged by sacrebleu's measure on
 * `test_2016_flickr`.
 */
export async function translation(options: TranslationOptions): Promise<void> {
  const { out, epochs, learningRate, dropout } = options;
  const tokenizer = await vocabulary(join(out, 'tokenizer'));
  const config = t5ConfigSchema.parse({
    vocab_size: tokenizer.vocabSize,
    d_model: 192,
    d_kv: 64,
    d_ff: 512,
    num_layers: 3,
    num_decoder_layers: 3,
    num_heads: 3,
    dropout_rate: dropout,
    decoder_start_token_id: 0,
    task_specific_params: Object.fromEntries(
      languages.map((language) => [
        `translation_en_to_${language}`,
        { max_length: 80, num_beams: 4, early_stopping: true, prefix: source('', language) },
      ]),
    ),
  });
  using model = new T5ForConditionalGeneration(config, { seed: 1 });
  const effort = new EffortCallback(out);
  const trainer = new Trainer<Pair>({
    model,
    args: {
      outputDir: out,
      loggingDir: out,
      numTrainEpochs: epochs,
      perDeviceTrainBatchSize: 64,
      perDeviceEvalBatchSize: 64,
      learningRate,
      warmupRatio: 0.06,
      weightDecay: 0.01,
      labelSmoothingFactor: 0.1,
      groupByLength: true,
      loggingSteps: 100,
      saveSteps: 300,
      saveTotalLimit: 1,
      evalStrategy: 'epoch',
      predictionLossOnly: true,
      seed: 1,
    },
    trainDataset: pairs(tokenizer, 'train'),
    evalDataset: pairs(tokenizer, 'val'),
    dataCollator: dataCollatorForSeq2Seq({ tokenizer, decoderStartTokenId: 0 }),
    learningRateFactor: parameterScale(model),
    callbacks: [effort],
  });
  const steps = await trainOrResume(trainer, options);
  const time = effort.effort;
  await model.savePretrained(out);
  await tokenizer.savePretrained(out);
  const write = (inputIds: number[][]): Promise<number[][]> =>
    model.generate(inputIds, { maxLength: 80, numBeams: 4, earlyStopping: true });
  await writeReport(out, {
    recipe: 'translation',
    parameters: millions(model),
    vocabulary: tokenizer.vocabSize,
    ...{ epochs, learningRate, dropout, steps },
    ...time,
    valLoss: trainer.state.logHistory.flatMap(({ eval_loss }) => eval_loss ?? []),
    val: await scores(write, tokenizer, 'val'),
    test: await scores(write, tokenizer, 'test_2016_flickr'),
  });
}

/**
 * The root mean square that a parameter began with. T5's initial scales differ a hundredfold (embeddings 1, query
 * weights 1 / sqrt(width x heads' width)); at one rate for all, attention is lost before words are learnt. Adafactor,
 * by which T5 was trained, has such a scale built in (Shazeer and Stern, 2018).
 */
function parameterScale(model: T5ForConditionalGeneration): (key: string) => number {
  const scales = new Map(
    model
      .namedParameters()
      .map(([key, parameter]) => [
        key,
        Math.max(1e-3, Math.sqrt(tf.tidy(() => tf.mean(tf.square(parameter)).dataSync()[0]!))),
      ]),
  );
  return (key) => scales.get(key) ?? 1;
}
