import type { BertForMaskedLM } from '@weft/bert';
import type { Tokenizer } from '@weft/tokenizer';
import type {
  TokenizedExample,
  Trainer,
  TrainerCallback,
  TrainingArguments,
  TrainOutput,
} from '@weft/trainer';
import type { ModelSize } from './language-model.js';
import { unigramLoss } from './unigram.js';

/** [CLS], as many tokens as there is room for, [SEP]; words are told apart for whole word masking. */
export interface MaskedBlock extends TokenizedExample {
  inputIds: number[];
  specialTokensMask: number[];
  wordIds: (number | null)[];
}

/** Texts as blocks of one length, in order; a block may hold the end of one text and the beginning of the next. */
export function toMaskedBlocks(
  tokenizer: Tokenizer,
  texts: readonly string[],
  context: number,
): MaskedBlock[] {
  const { clsTokenId: cls, sepTokenId: sep } = tokenizer;
  const room = context - (cls === undefined ? 0 : 1) - (sep === undefined ? 0 : 1);
  const { inputIds, wordIds } = tokenizer.encodeBatch(texts, {
    addSpecialTokens: false,
    returnWordIds: true,
  });
  const blocks: MaskedBlock[] = [];
  let ids: number[] = [];
  let words: (number | null)[] = [];
  // Words are numbered on, so that the first word of a text is not taken for the last of the one before.
  let numbered = 0;
  inputIds.forEach((row, t) => {
    const own = wordIds![t]!;
    row.forEach((id, i) => {
      const word = own[i] ?? null;
      ids.push(id);
      words.push(word === null ? null : numbered + word);
      if (ids.length < room) return;
      blocks.push(closed(ids, words, cls, sep));
      [ids, words] = [[], []];
    });
    numbered += (own.at(-1) ?? 0) + 1;
  });
  return blocks;
}

function closed(
  ids: number[],
  words: (number | null)[],
  cls: number | undefined,
  sep: number | undefined,
): MaskedBlock {
  const around = <T>(first: T[], middle: T[], last: T[]): T[] => [
    ...(cls === undefined ? [] : first),
    ...middle,
    ...(sep === undefined ? [] : last),
  ];
  return {
    inputIds: around([cls!], ids, [sep!]),
    specialTokensMask: around(
      [1],
      ids.map(() => 0),
      [1],
    ),
    wordIds: around([null], words, [null]),
  };
}

/**
 * A new BERT of this size. Its positions start as sinusoids, from which each head finds a neighbour by one linear map;
 * drawn at random, every pair of positions is learnt for itself, and a small model on little text stays at the
 * frequencies of words for long.
 */
export async function newMaskedLanguageModel(
  tokenizer: Tokenizer,
  { layers, width, heads, context }: ModelSize,
  { seed, dropout }: { seed: number; dropout: number },
): Promise<BertForMaskedLM> {
  const [{ BertForMaskedLM: Model, bertConfigSchema }, { sinusoidalPositions }, { mul, tidy }] =
    await Promise.all([import('@weft/bert'), import('@weft/attention'), import('@tensorflow/tfjs')]);
  const config = bertConfigSchema.parse({
    vocab_size: tokenizer.vocabSize,
    hidden_size: width,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    intermediate_size: 4 * width,
    max_position_embeddings: context,
    hidden_dropout_prob: dropout,
    attention_probs_dropout_prob: dropout,
    pad_token_id: tokenizer.padTokenId ?? 0,
  });
  const model = new Model(config, { seed });
  // The mean square of a sinusoid is a half: these are as large as what else is drawn.
  const scale = config.initializer_range * Math.SQRT2;
  tidy(() =>
    model.bert.embeddings.position_embeddings.weight.assign(mul(sinusoidalPositions(context, width), scale)),
  );
  return model;
}

export interface Masking {
  wholeWords: boolean;
  probability: number;
  seed: number;
}

export interface TrainedMaskedModel {
  trainer: Trainer<TokenizedExample>;
  output: TrainOutput;
  /** Held-out loss of the model, and of a unigram model at the same places in the mean, nats a masked token. */
  heldOutLoss: number;
  unigram: number;
}

/** Trains a model to fill in masked tokens, and judges it on other blocks. */
export async function trainMaskedLanguageModel(
  model: BertForMaskedLM,
  tokenizer: Tokenizer,
  blocks: { train: readonly MaskedBlock[]; heldOut: readonly MaskedBlock[] },
  args: TrainingArguments,
  options: {
    masking: Masking;
    callbacks?: readonly TrainerCallback[];
    resume?: boolean;
    signal?: AbortSignal;
  },
): Promise<TrainedMaskedModel> {
  const { Trainer: TrainerClass, dataCollatorForLanguageModeling } = await import('@weft/trainer');
  const { wholeWords, probability, seed } = options.masking;
  const trainer = new TrainerClass<TokenizedExample>({
    model,
    args,
    trainDataset: blocks.train,
    evalDataset: blocks.heldOut,
    dataCollator: dataCollatorForLanguageModeling({
      tokenizer,
      mlmProbability: probability,
      wholeWordMask: wholeWords,
      vocabSize: tokenizer.vocabSize,
      seed,
      ...(tokenizer.maskTokenId === undefined ? {} : { maskTokenId: tokenizer.maskTokenId }),
    }),
    ...(options.callbacks ? { callbacks: options.callbacks } : {}),
  });
  const output = await trainer.train({
    ...(options.resume ? { resumeFromCheckpoint: true } : {}),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  const { eval_loss: heldOutLoss } = await trainer.evaluate();
  // [CLS] is the one token that a unigram model does not score; [SEP] is never masked.
  const scored = (each: readonly MaskedBlock[]): { inputIds: number[] }[] =>
    each.map(({ inputIds, specialTokensMask }) => ({
      inputIds: inputIds.filter((_, i) => i === 0 || specialTokensMask[i] === 0),
    }));
  const unigram = unigramLoss(scored(blocks.train), scored(blocks.heldOut), tokenizer.vocabSize);
  return { trainer, output, heldOutLoss: heldOutLoss!, unigram };
}
