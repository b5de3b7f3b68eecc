import type { GPT2LMHeadModel } from '@weft/gpt2';
import type { Tokenizer } from '@weft/tokenizer';
import type { Trainer, TrainerCallback, TrainingArguments, TrainOutput } from '@weft/trainer';
import { unigramLoss } from './unigram.js';

export type { Tokenizer } from '@weft/tokenizer';

export interface ModelSize {
  layers: number;
  width: number;
  heads: number;
  /** Positions, and the length of training blocks. */
  context: number;
}

export interface Block {
  inputIds: number[];
}

/** Texts as blocks of ids, each text ended by the tokenizer's end token where it has one. */
export async function toBlocks(
  tokenizer: Tokenizer,
  texts: readonly string[],
  context: number,
): Promise<Block[]> {
  const { packIntoBlocks } = await import('@weft/trainer');
  const { inputIds } = tokenizer.encodeBatch([...texts], { addSpecialTokens: false });
  return packIntoBlocks(inputIds, context);
}

/** A new GPT-2 of this size, with dropout as small models take it. */
export async function newLanguageModel(
  tokenizer: Tokenizer,
  { layers, width, heads, context }: ModelSize,
  { seed, dropout }: { seed: number; dropout: number },
): Promise<GPT2LMHeadModel> {
  const { GPT2LMHeadModel: Model, gpt2ConfigSchema } = await import('@weft/gpt2');
  const end = tokenizer.eosTokenId ?? null;
  const config = gpt2ConfigSchema.parse({
    vocab_size: tokenizer.vocabSize,
    n_positions: context,
    n_embd: width,
    n_layer: layers,
    n_head: heads,
    resid_pdrop: dropout,
    embd_pdrop: dropout,
    attn_pdrop: dropout,
    bos_token_id: end,
    eos_token_id: end,
  });
  return new Model(config, { seed });
}

export interface TrainedLanguageModel {
  trainer: Trainer<Block>;
  output: TrainOutput;
  /** Held-out loss of the model and of a unigram model, nats a token. */
  heldOutLoss: number;
  unigram: number;
}

/** Trains a language model on blocks and judges it on others. */
export async function trainLanguageModel(
  model: GPT2LMHeadModel,
  tokenizer: Tokenizer,
  blocks: { train: readonly Block[]; heldOut: readonly Block[] },
  args: TrainingArguments,
  options: { callbacks?: readonly TrainerCallback[]; resume?: boolean; signal?: AbortSignal } = {},
): Promise<TrainedLanguageModel> {
  const { Trainer: TrainerClass, dataCollatorForLanguageModeling } = await import('@weft/trainer');
  const trainer = new TrainerClass<Block>({
    model,
    args,
    trainDataset: blocks.train,
    evalDataset: blocks.heldOut,
    // Blocks are full: nothing is padded, and end tokens are to be learnt.
    dataCollator: dataCollatorForLanguageModeling({ tokenizer: {}, mlm: false }),
    ...(options.callbacks ? { callbacks: options.callbacks } : {}),
  });
  const output = await trainer.train({
    ...(options.resume ? { resumeFromCheckpoint: true } : {}),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  const { eval_loss: heldOutLoss } = await trainer.evaluate();
  const unigram = unigramLoss(blocks.train, blocks.heldOut, tokenizer.vocabSize);
  return { trainer, output, heldOutLoss: heldOutLoss!, unigram };
}
