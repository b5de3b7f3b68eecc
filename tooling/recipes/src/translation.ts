import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { T5ForConditionalGeneration, t5ConfigSchema } from '@weft/t5';
import { AutoTokenizer, type Tokenizer, trainUnigram } from '@weft/tokenizer';
import { bleu, chrf, dataCollatorForSeq2Seq, Trainer } from '@weft/trainer';
import { dataFile, lines, writeReport } from './files.js';
import { EffortCallback, millions, type RunOptions, trainOrResume } from './run.js';

const LANGUAGES = { de: 'German', fr: 'French' } as const;
type Language = keyof typeof LANGUAGES;
const languages: readonly Language[] = ['de', 'fr'];

interface Pair {
  inputIds: number[];
  attentionMask: number[];
  labels: number[];
}

export interface TranslationOptions extends RunOptions {
  epochs: number;
  learningRate: number;
  dropout: number;
}

/** The text that a T5 is given for a sentence. */
export function source(sentence: string, language: Language): string {
  return `translate English to ${LANGUAGES[language]}: ${sentence}`;
}

/**
 * A T5 of 5.5 million parameters from nothing on Multi30k: English to German and to French by prefix, a Unigram
 * vocabulary of its own for the three languages, chosen on `val`, judged by sacrebleu's measure on
 * `test_2016_flickr`.
 */
export async function translation(options: TranslationOptions): Promise<void> {
  const { out, epochs, learningRate, dropout } = options;
  const tokenizer = await vocabulary(join(out, 'tokenizer'));
  const train = languages.flatMap((language) => pairs(tokenizer, 'train', language));
  const val = languages.flatMap((language) => pairs(tokenizer, 'val', language));
  const config = t5ConfigSchema.parse({
    vocab_size: tokenizer.vocabSize,
    d_model: 256,
    d_kv: 64,
    d_ff: 512,
    num_layers: 3,
    num_decoder_layers: 3,
    num_heads: 4,
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
      lrSchedulerType: 'linear',
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
    trainDataset: train,
    evalDataset: val,
    dataCollator: dataCollatorForSeq2Seq({ tokenizer, decoderStartTokenId: 0 }),
    callbacks: [effort],
  });
  const steps = await trainOrResume(trainer, options);
  const time = effort.effort;
  await model.savePretrained(out);
  await tokenizer.savePretrained(out);
  await writeReport(out, {
    recipe: 'translation',
    parameters: millions(model),
    vocabulary: tokenizer.vocabSize,
    epochs,
    learningRate,
    dropout,
    steps,
    ...time,
    valLoss: trainer.state.logHistory.flatMap(({ eval_loss }) => eval_loss ?? []),
    val: await scores(model, tokenizer, 'val'),
    test: await scores(model, tokenizer, 'test_2016_flickr'),
  });
}

/** Trains the vocabulary once; a run that goes on reads it back. */
async function vocabulary(folder: string): Promise<Tokenizer> {
  if (existsSync(join(folder, 'tokenizer.json'))) return AutoTokenizer.fromPretrained(folder);
  const texts = ['en', ...languages].flatMap((code) => lines(dataFile(`multi30k/train.${code}`)));
  const prefixes = languages.map((language) => source('', language));
  // The prefix as often as it will be read, so that each of its words becomes one piece.
  const tokenizer = trainUnigram([...texts, ...texts.map((_, i) => prefixes[i % prefixes.length]!)], {
    vocabSize: 6000,
  });
  await tokenizer.savePretrained(folder);
  return tokenizer;
}

function pairs(tokenizer: Tokenizer, split: string, language: Language): Pair[] {
  const english = lines(dataFile(`multi30k/${split}.en`)).map((sentence) => source(sentence, language));
  const { inputIds, attentionMask } = tokenizer.encodeBatch(english);
  const { inputIds: labels } = tokenizer.encodeBatch(lines(dataFile(`multi30k/${split}.${language}`)));
  return inputIds.map((ids, i) => ({ inputIds: ids, attentionMask: attentionMask[i]!, labels: labels[i]! }));
}

/** BLEU and chrF of beam search over a split, a language. */
async function scores(
  model: T5ForConditionalGeneration,
  tokenizer: Tokenizer,
  split: string,
): Promise<Record<string, { bleu: number; chrf: number }>> {
  const result: Record<string, { bleu: number; chrf: number }> = {};
  for (const language of languages) {
    const english = lines(dataFile(`multi30k/${split}.en`)).map((sentence) => source(sentence, language));
    const references = lines(dataFile(`multi30k/${split}.${language}`));
    const written = await translate(model, tokenizer, english);
    result[language] = { bleu: bleu(written, [references]).score, chrf: chrf(written, [references]) };
  }
  return result;
}

async function translate(
  model: T5ForConditionalGeneration,
  tokenizer: Tokenizer,
  texts: readonly string[],
): Promise<string[]> {
  const { inputIds } = tokenizer.encodeBatch([...texts]);
  // Sentences of like length together: less padding.
  const order = inputIds.map((_, i) => i).sort((a, b) => inputIds[a]!.length - inputIds[b]!.length);
  const written: string[] = new Array(texts.length);
  for (let start = 0; start < order.length; start += 50) {
    const batch = order.slice(start, start + 50);
    const ids = await model.generate(
      batch.map((i) => inputIds[i]!),
      { maxLength: 80, numBeams: 4, earlyStopping: true },
    );
    for (const [k, i] of batch.entries()) {
      written[i] = tokenizer.decode(ids[k]!, { skipSpecialTokens: true });
    }
  }
  return written;
}
