import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type BertConfig,
  BertForMaskedLM,
  BertForSequenceClassification,
  bertConfigSchema,
} from '@weft/bert';
import { MarianMTModel, marianConfigSchema } from '@weft/marian';
import { T5ForConditionalGeneration, t5ConfigSchema } from '@weft/t5';
import { trainUnigram, trainWordPiece } from '@weft/tokenizer';
import { afterAll, beforeAll } from 'vitest';
import { main } from '../src/index.js';

/** A temporary folder of a test file, with helpers to write into it. */
export function scratch(): {
  path: (name?: string) => string;
  write: (name: string, text: string) => string;
} {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'weft-cli-'));
    process.stdout.setMaxListeners(0);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name = ''): string => join(folder, name);
  return {
    path,
    write(name, text) {
      writeFileSync(path(name), text);
      return path(name);
    },
  };
}

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** The command within the test's process: what it printed, and its exit code. */
export async function run(...args: string[]): Promise<Ran> {
  const ran = { code: 0, stdout: '', stderr: '' };
  const streams = ['stdout', 'stderr'] as const;
  const originals = streams.map((name) => process[name].write);
  const exitCode = process.exitCode;
  for (const name of streams) {
    process[name].write = ((chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
      ran[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      const done = rest.at(-1);
      if (typeof done === 'function') done();
      return true;
    }) as typeof process.stdout.write;
  }
  try {
    ran.code = await main(args);
  } finally {
    for (const [i, name] of streams.entries()) process[name].write = originals[i]!;
    process.exitCode = exitCode;
  }
  return ran;
}

export const json = <T>({ stdout, stderr, code }: Ran): T => {
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
  return JSON.parse(stdout) as T;
};

const places = ['harbour', 'orchard', 'quarry', 'meadow'];
const people = ['Ida', 'Tomas', 'Wen', 'Olu'];
const liked = ['lovely', 'bright', 'splendid'];
const disliked = ['dreary', 'broken', 'dismal'];

/** Sentences whose class hangs on one word. */
export const reviews = Array.from({ length: 96 }, (_, i) => ({
  text: `${people[i % 4]} found the ${places[(i * 3) % 4]} ${(i % 2 ? liked : disliked)[i % 3]} at ${(i * 5) % 12}`,
  label: i % 2 ? 'good' : 'bad',
}));

export const csv = (rows: readonly Record<string, unknown>[]): string =>
  [Object.keys(rows[0]!).join(','), ...rows.map((row) => Object.values(row).join(','))].join('\n');

/** A small BERT and its tokenizer, without a head for any task but filling masks. */
export async function smallBert(folder: string, config: Partial<BertConfig> = {}): Promise<string> {
  const tokenizer = trainWordPiece(
    [...reviews.map(({ text }) => text), ...places, ...people, 'who where the and . ?'],
    { vocabSize: 200, modelMaxLength: 64 },
  );
  const parsed = bertConfigSchema.parse({
    vocab_size: tokenizer.vocabSize,
    hidden_size: 32,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    intermediate_size: 64,
    max_position_embeddings: 64,
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
    ...config,
  });
  using model = new BertForMaskedLM(parsed, { seed: 3 });
  await model.savePretrained(folder);
  await tokenizer.savePretrained(folder);
  return folder;
}

/** A classifier of three classes, untrained. */
export async function smallClassifier(folder: string): Promise<string> {
  await smallBert(folder);
  using model = await BertForSequenceClassification.fromPretrained(folder, {
    id2label: { 0: 'red', 1: 'green', 2: 'blue' },
    warn: () => {},
  });
  await model.savePretrained(folder);
  return folder;
}

export async function smallT5(folder: string, texts: readonly string[]): Promise<string> {
  const tokenizer = trainUnigram(texts, { vocabSize: 120 });
  const config = t5ConfigSchema.parse({
    vocab_size: tokenizer.vocabSize,
    d_model: 32,
    d_kv: 16,
    d_ff: 64,
    num_layers: 1,
    num_heads: 2,
    dropout_rate: 0,
    decoder_start_token_id: 0,
  });
  using model = new T5ForConditionalGeneration(config, { seed: 1 });
  await model.savePretrained(folder);
  await tokenizer.savePretrained(folder);
  return folder;
}

export async function smallMarian(folder: string, texts: readonly string[]): Promise<string> {
  const tokenizer = trainUnigram(texts, { vocabSize: 120 });
  const pad = tokenizer.padTokenId!;
  const config = marianConfigSchema.parse({
    ...{
      vocab_size: tokenizer.vocabSize,
      d_model: 32,
      max_position_embeddings: 64,
      dropout: 0,
      init_std: 0.2,
    },
    ...{ encoder_layers: 1, encoder_ffn_dim: 64, encoder_attention_heads: 2 },
    ...{ decoder_layers: 1, decoder_ffn_dim: 64, decoder_attention_heads: 2 },
    ...{ pad_token_id: pad, eos_token_id: tokenizer.eosTokenId!, decoder_start_token_id: pad },
  });
  using model = new MarianMTModel(config, { seed: 1 });
  await model.savePretrained(folder);
  await tokenizer.savePretrained(folder);
  return folder;
}
