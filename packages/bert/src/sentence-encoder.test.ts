import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { isWeftError } from '@weft/errors';
import { closeTo, expectClose, readFixture } from '@weft/testing';
import { AutoTokenizer } from '@weft/tokenizer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BertModel, type Pooling, SentenceEncoder } from './index.js';

const base = fileURLToPath(new URL('../fixtures/bert/base', import.meta.url));
const inputs = {
  inputIds: [
    [5, 9, 4, 30],
    [7, 8, 11, 0],
  ],
  attentionMask: [
    [1, 1, 1, 1],
    [1, 1, 1, 0],
  ],
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-sentences-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder of sentence-transformers with these modules. */
async function sentenceFolder(name: string, types: string[], pooling: object): Promise<string> {
  const target = join(folder, name);
  await cp(base, target, { recursive: true });
  await mkdir(join(target, '1_Pooling'));
  const modules = types.map((type, idx) => ({ idx, name: String(idx), path: '', type: `models.${type}` }));
  writeFileSync(join(target, 'modules.json'), JSON.stringify(modules));
  writeFileSync(join(target, '1_Pooling/config.json'), JSON.stringify(pooling));
  writeFileSync(join(target, 'sentence_bert_config.json'), JSON.stringify({ max_seq_length: 3 }));
  return target;
}

describe('pooling', () => {
  it.each<[Pooling, (column: number[], kept: number) => number]>([
    ['mean', (column, kept) => column.slice(0, kept).reduce((a, b) => a + b) / kept],
    ['cls', (column) => column[0]!],
    ['max', (column, kept) => Math.max(...column.slice(0, kept))],
  ])('by %s looks at tokens and not at padding', async (pooling, expected) => {
    using model = await BertModel.fromPretrained(base);
    const encoder = new SentenceEncoder(model, { pooling, normalize: false });
    const out = model.forward(inputs);
    const hidden = out.lastHiddenState.arraySync();
    const embeddings = encoder.forward(inputs);
    for (const [b, kept] of [4, 3].entries()) {
      const wanted = hidden[b]![0]!.map((_, e) =>
        expected(
          hidden[b]!.map((row) => row[e]!),
          kept,
        ),
      );
      expectClose((embeddings.arraySync() as number[][])[b]!, wanted, closeTo.ops);
    }
    tf.dispose({ ...out, embeddings });
  });

  it('is what the files of sentence-transformers say', async () => {
    const target = await sentenceFolder('cls', ['Transformer', 'Pooling'], { pooling_mode_cls_token: true });
    using encoder = await SentenceEncoder.fromPretrained(target);
    expect(encoder).toMatchObject({ pooling: 'cls', normalize: false, maxLength: 3 });
    using plain = await SentenceEncoder.fromPretrained(base);
    expect(plain).toMatchObject({ pooling: 'mean', normalize: true, maxLength: 16 });
  });

  it.each([
    ['dense', ['Transformer', 'Pooling', 'Dense'], { pooling_mode_mean_tokens: true }],
    ['two', ['Transformer', 'Pooling'], { pooling_mode_mean_tokens: true, pooling_mode_max_tokens: true }],
    ['weighted', ['Transformer', 'Pooling'], { pooling_mode_weightedmean_tokens: true }],
  ])('that is not built (%s) is refused', async (name, types, pooling) => {
    const target = await sentenceFolder(name, types, pooling);
    await expect(SentenceEncoder.fromPretrained(target)).rejects.toSatisfy(
      (error) => isWeftError(error) && error.code === 'WEFT_CONFIG',
    );
  });

  it('gives the answers in the order of the texts', async () => {
    using encoder = await SentenceEncoder.fromPretrained(base);
    // A tokenizer of letters, padded on the right.
    const tokenizer = {
      encodeBatch(texts: string[], { maxLength }: { maxLength: number }) {
        const rows = texts.map((text) =>
          [...text].slice(0, maxLength).map((letter) => letter.charCodeAt(0) - 90),
        );
        const width = Math.max(...rows.map(({ length }) => length));
        return {
          inputIds: rows.map((row) => [...row, ...new Array<number>(width - row.length).fill(0)]),
          attentionMask: rows.map((row) => Array.from({ length: width }, (_, t) => Number(t < row.length))),
        };
      },
    };
    const texts = ['abc', 'a', 'zebra', 'ab', 'hello', 'abcdefghijklmnopqrstuvwxyz'];
    const before = tf.memory().numTensors;
    const together = encoder.encode(texts, { tokenizer, batchSize: 4 });
    expect(tf.memory().numTensors).toBe(before);
    for (const [i, text] of texts.entries()) {
      expectClose(together[i]!, encoder.encode([text], { tokenizer })[0]!, closeTo.models, text);
    }
  });
});

const minilm = process.env.WEFT_MINILM ?? '';
const reason = 'WEFT_MINILM names no folder made by tooling/reference/minilm.py';
describe.skipIf(!existsSync(join(minilm, 'reference.safetensors')))(
  `all-MiniLM-L6-v2 (else: ${reason})`,
  () => {
    const LIMIT = 1e-6;
    let encoder: SentenceEncoder;
    beforeAll(async () => {
      encoder = await SentenceEncoder.fromPretrained(minilm);
    });
    afterAll(() => encoder.dispose());

    const reference = () => readFixture(pathToFileURL(join(minilm, 'reference.safetensors')));

    /** The greatest of 1 - cos between these and Python's, in double precision. */
    function worstDistance(found: Float32Array[]): number {
      const { data } = reference().tensor('embeddings');
      const distances = found.map((values, i) => {
        let [dot, own, other] = [0, 0, 0];
        values.forEach((value, e) => {
          const wanted = data[i * values.length + e]!;
          dot += value * wanted;
          own += value * value;
          other += wanted * wanted;
        });
        return 1 - dot / Math.sqrt(own * other);
      });
      return Math.max(...distances);
    }

    it('embeds the ids of 200 sentences as Python does', { timeout: 240_000 }, () => {
      const { tensor } = reference();
      const [batch, length] = tensor('ids').shape as [number, number];
      const found: Float32Array[] = [];
      const row = (name: string, i: number): number[] => [
        ...tensor(name).data.slice(i * length, i * length + length),
      ];
      for (let i = 0; i < batch; i++) {
        const kept = row('mask', i).reduce((a, b) => a + b);
        const embedding = encoder.forward({ inputIds: [row('ids', i).slice(0, kept)] });
        found.push(embedding.dataSync() as Float32Array);
        embedding.dispose();
      }
      const worst = worstDistance(found);
      console.info(`greatest cosine distance over ${batch} sentences, by ids: ${worst.toExponential(2)}`);
      expect(worst).toBeLessThan(LIMIT);
    });

    it('embeds the texts themselves as Python does, in padded batches', { timeout: 120_000 }, async () => {
      const { sentences } = reference().meta as { sentences: string[] };
      const tokenizer = await AutoTokenizer.fromPretrained(minilm);
      // Other backends take the first ones, which are short: the others take minutes there.
      const texts = tf.getBackend() === 'native' ? sentences : sentences.slice(0, 24);
      const worst = worstDistance(encoder.encode(texts, { tokenizer }));
      console.info(
        `greatest cosine distance over ${texts.length} sentences, by text: ${worst.toExponential(2)}`,
      );
      expect(worst).toBeLessThan(LIMIT);
    });
  },
);
