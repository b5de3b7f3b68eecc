import { join } from 'node:path';
import { BertForMaskedLM, BertModel, bertConfigSchema } from '@weft/bert';
import { writeJsonAtomic } from '@weft/checkpoint';
import { dataCollatorForLanguageModeling, type TokenizedExample, Trainer } from '@weft/trainer';
import { MaskedDistillation, readTeacherEmbeddings } from './distillation.js';
import { writeReport } from './files.js';
import { miniTexts } from './mini-texts.js';
import { prunedVocabulary } from './pruned-vocabulary.js';
import { EffortCallback, millions, type RunOptions, trainOrResume } from './run.js';
import { unigramLoss } from './unigram.js';

export interface BertMiniOptions extends RunOptions {
  /** Folder of the teacher, all-MiniLM-L6-v2. */
  teacher: string;
  epochs: number;
  learningRate: number;
  /** Weight of each of the two distances between hidden states, beside the masked words' cross entropy. */
  hiddenWeight: number;
}

const SEED = 1;
/** [CLS], tokens, [SEP] */
const BLOCK = 256;

/**
 * A BERT of 3 million parameters. It learns masked words from running text, and at the same time to give, from the
 * masked text, the hidden states that an encoder of 22.7 million gives from the text itself (in the middle and at the
 * end, through a linear map each, as in "TinyBERT", Jiao et al. 2020, and "data2vec", Baevski et al. 2022). Its
 * vocabulary is the frequent part of the teacher's, its embeddings start as the principal components of the
 * teacher's.
 */
export async function bertMini(options: BertMiniOptions): Promise<void> {
  const { out, teacher: source, epochs, learningRate, hiddenWeight } = options;
  const texts = miniTexts();
  const { tokenizer, teacherIds } = await prunedVocabulary(source, texts, { size: 6000, folder: out });
  const blocks = toBlocks(tokenizer.encodeBatch(texts, { addSpecialTokens: false }).inputIds, {
    cls: tokenizer.clsTokenId!,
    sep: tokenizer.sepTokenId!,
  });
  const heldOut = blocks.filter((_, i) => i % 50 === 49);
  const train = blocks.filter((_, i) => i % 50 !== 49);

  const config = bertConfigSchema.parse({
    vocab_size: tokenizer.vocabSize,
    hidden_size: 192,
    num_hidden_layers: 4,
    num_attention_heads: 6,
    intermediate_size: 768,
    max_position_embeddings: BLOCK,
    pad_token_id: tokenizer.padTokenId!,
  });
  // A text is read about once: there is nothing to overfit.
  const calm = { ...config, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 };
  const teacher = await BertModel.fromPretrained(source);
  const student = new BertForMaskedLM(calm, { seed: SEED });
  readTeacherEmbeddings(student.bert, teacher, teacherIds);
  using model = new MaskedDistillation(student, teacher, { teacherIds, hiddenWeight, seed: SEED });
  const effort = new EffortCallback(out);
  const dataCollator = dataCollatorForLanguageModeling({
    tokenizer,
    vocabSize: tokenizer.vocabSize,
    maskTokenId: tokenizer.maskTokenId!,
    seed: SEED,
  });
  const settings = {
    perDeviceTrainBatchSize: 8,
    perDeviceEvalBatchSize: 8,
    predictionLossOnly: true,
    seed: SEED,
  };
  const trainer = new Trainer<TokenizedExample>({
    model,
    args: {
      ...settings,
      outputDir: out,
      loggingDir: out,
      numTrainEpochs: epochs,
      learningRate,
      warmupRatio: 0.05,
      weightDecay: 0.01,
      loggingSteps: 50,
      saveSteps: 200,
      saveTotalLimit: 1,
    },
    trainDataset: train,
    dataCollator,
    callbacks: [effort],
  });
  const steps = await trainOrResume(trainer, options);
  const time = effort.effort;
  const judge = new Trainer<TokenizedExample>({
    model: student,
    args: { ...settings, outputDir: out },
    evalDataset: heldOut,
    dataCollator,
  });
  const { eval_loss: heldOutLoss } = await judge.evaluate();
  await student.savePretrained(out);
  await writeJsonAtomic(join(out, 'config.json'), {
    ...config,
    architectures: ['BertForMaskedLM'],
    model_type: 'bert',
  });
  await writeReport(out, {
    recipe: 'bert-mini',
    parameters: millions(student),
    vocabulary: tokenizer.vocabSize,
    ...{ seed: SEED, epochs, learningRate, hiddenWeight, steps },
    ...time,
    tokens: train.length * BLOCK,
    metrics: { heldOutLoss, unigramLoss: unigramLoss(train, heldOut, tokenizer.vocabSize) },
  });
}

/** All tokens in a row, cut in blocks of one length. */
function toBlocks(rows: readonly number[][], { cls, sep }: { cls: number; sep: number }): TokenizedExample[] {
  const room = BLOCK - 2;
  const blocks: TokenizedExample[] = [];
  const specialTokensMask = Array.from({ length: BLOCK }, (_, i) => (i === 0 || i === BLOCK - 1 ? 1 : 0));
  let ids: number[] = [];
  for (const row of rows) {
    for (const id of row) {
      ids.push(id);
      if (ids.length < room) continue;
      blocks.push({ inputIds: [cls, ...ids, sep], specialTokensMask });
      ids = [];
    }
  }
  return blocks;
}
