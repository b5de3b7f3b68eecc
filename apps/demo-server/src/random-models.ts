import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setBackend } from '@weft/backend';
import { BertForQuestionAnswering, BertForSequenceClassification, bertConfigSchema } from '@weft/bert';
import { GPT2LMHeadModel, gpt2ConfigSchema } from '@weft/gpt2';
import { trainByteLevelBpe, trainWordPiece } from '@weft/tokenizer';
import type { ServedModelOptions } from './options.js';

/** Enough words for the tokenizers to have something to merge. */
const TEXT = [
  'The weaver sets the warp, and the weft runs over and under it.',
  'A loom stands by the window; the thread is blue, the shuttle is quick.',
  'I love this cloth, it is warm and soft. I do not like that one, it is thin and rough.',
  'Who weaves the cloth? The weaver weaves it on the old loom in the morning.',
  'One thread breaks easily, many threads hold a ship.',
];

export interface RandomModelSizes {
  width?: number;
  layers?: number;
  heads?: number;
  positions?: number;
  vocabSize?: number;
}

/**
 * Writes three small models whose weights are drawn, not trained: a GPT-2, a BERT that sorts texts, one that finds
 * answers. What they say means nothing; they show that everything works where no model is at hand.
 *
 * @returns them as models to serve, each marked as random
 */
export async function writeRandomModels(
  folder: string,
  { width = 64, layers = 2, heads = 4, positions = 256, vocabSize = 400 }: RandomModelSizes = {},
): Promise<ServedModelOptions[]> {
  await setBackend('auto');
  const at = async (name: string): Promise<string> => {
    const path = join(folder, name);
    await mkdir(path, { recursive: true });
    return path;
  };
  const writer = await at('random-gpt2');
  const bpe = trainByteLevelBpe(TEXT, { vocabSize });
  await bpe.savePretrained(writer);
  const end = bpe.eosTokenId;
  const gpt2 = gpt2ConfigSchema.parse({
    vocab_size: bpe.vocabSize,
    n_positions: positions,
    n_embd: width,
    n_layer: layers,
    n_head: heads,
    ...(end === undefined ? {} : { bos_token_id: end, eos_token_id: end }),
  });
  {
    using model = new GPT2LMHeadModel(gpt2, { seed: 1 });
    await model.savePretrained(writer);
  }
  const words = trainWordPiece(TEXT, { vocabSize });
  const bert = bertConfigSchema.parse({
    vocab_size: words.vocabSize,
    hidden_size: width,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    intermediate_size: 2 * width,
    max_position_embeddings: positions,
    id2label: { 0: 'NEGATIVE', 1: 'POSITIVE' },
    ...(words.padTokenId === undefined ? {} : { pad_token_id: words.padTokenId }),
  });
  const sorter = await at('random-sentiment');
  await words.savePretrained(sorter);
  {
    using model = new BertForSequenceClassification(bert, { seed: 2 });
    await model.savePretrained(sorter);
  }
  const reader = await at('random-answers');
  await words.savePretrained(reader);
  {
    using model = new BertForQuestionAnswering(bert, { seed: 3 });
    await model.savePretrained(reader);
  }
  return [writer, sorter, reader].map((source) => ({ source, random: true }));
}
