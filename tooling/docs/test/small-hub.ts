import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BertForMaskedLM,
  bertConfigSchema,
  DistilBertForQuestionAnswering,
  DistilBertForSequenceClassification,
  distilBertConfigSchema,
} from '@weft/bert';
import { GPT2LMHeadModel, gpt2ConfigSchema } from '@weft/gpt2';
import { T5ForConditionalGeneration, t5ConfigSchema } from '@weft/t5';
import { type Tokenizer, trainByteLevelBpe, trainUnigram, trainWordPiece } from '@weft/tokenizer';

interface Saved {
  savePretrained(folder: string): Promise<unknown>;
}

const texts = [
  'The quick brown fox jumps over the lazy dog',
  'Once upon a time there was a weaver who lived by the sea.',
  'I love using Transformers for NLP tasks! What do Transformers do?',
  'Transformers turn text into predictions.',
  'translate English to German: The house is wonderful. Das Haus ist wunderbar.',
  'a joy from start to end, dull and far too long; bright, warm, funny, a waste of an evening. review number',
];

/**
 * Fills a cache of the hub with small models under the names that documents use, so that their samples run as they
 * stand and without a network. The models know nothing: samples show forms, not wisdom.
 */
export async function fillSmallHub(cacheDir: string): Promise<void> {
  const bpe = trainByteLevelBpe(texts, { vocabSize: 400 });
  const end = bpe.tokenToId('<|endoftext|>')!;
  const gpt2 = new GPT2LMHeadModel(
    gpt2ConfigSchema.parse({
      ...{ vocab_size: bpe.vocabSize, n_positions: 64, n_embd: 32, n_layer: 2, n_head: 4 },
      ...{ bos_token_id: end, eos_token_id: end },
    }),
    { seed: 1 },
  );
  for (const id of ['gpt2', 'openai-community/gpt2']) await store(cacheDir, id, gpt2, bpe, '607a30d');

  const words = trainWordPiece(texts, { vocabSize: 400, modelMaxLength: 64 });
  const sizes = { vocab_size: words.vocabSize, max_position_embeddings: 64 };
  const bert = bertConfigSchema.parse({
    ...{ ...sizes, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 64 },
  });
  await store(cacheDir, 'google-bert/bert-base-uncased', new BertForMaskedLM(bert, { seed: 2 }), words);
  const small = { ...sizes, dim: 32, n_layers: 2, n_heads: 4, hidden_dim: 64 };
  const judge = distilBertConfigSchema.parse({ ...small, id2label: { 0: 'NEGATIVE', 1: 'POSITIVE' } });
  const sentiment = new DistilBertForSequenceClassification(judge, { seed: 3 });
  await store(
    cacheDir,
    'distilbert/distilbert-base-uncased-finetuned-sst-2-english',
    sentiment,
    words,
    '714eb0f',
  );
  const reader = new DistilBertForQuestionAnswering(distilBertConfigSchema.parse(small), { seed: 4 });
  await store(cacheDir, 'distilbert/distilbert-base-cased-distilled-squad', reader, words, '564e9b5');

  const pieces = trainUnigram(texts, { vocabSize: 120 });
  const t5 = new T5ForConditionalGeneration(
    t5ConfigSchema.parse({
      ...{ vocab_size: pieces.vocabSize, d_model: 32, d_kv: 8, d_ff: 64, num_layers: 2, num_heads: 4 },
      decoder_start_token_id: 0,
      task_specific_params: {
        translation_en_to_de: { prefix: 'translate English to German: ', max_length: 40 },
      },
    }),
    { seed: 5 },
  );
  await store(cacheDir, 'google-t5/t5-small', t5, pieces);
  for (const model of [gpt2, sentiment, reader, t5]) model.dispose();
}

/** As the hub's own cache has it: a snapshot by commit, refs to it. */
async function store(
  cacheDir: string,
  id: string,
  model: Saved,
  tokenizer: Tokenizer,
  revision?: string,
): Promise<void> {
  const folder = join(cacheDir, `models--${id.replaceAll('/', '--')}`);
  const commit = 'a'.repeat(40);
  const snapshot = join(folder, 'snapshots', commit);
  await model.savePretrained(snapshot);
  await tokenizer.savePretrained(snapshot);
  mkdirSync(join(folder, 'refs'), { recursive: true });
  for (const name of ['main', ...(revision ? [revision] : [])])
    writeFileSync(join(folder, 'refs', name), commit);
}
