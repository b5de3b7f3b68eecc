/** Sentence embeddings from folders of sentence-transformers: an encoder, pooling, normalisation. */
import { dirname, join } from 'node:path';

import tf = require('@tensorflow/tfjs');

import { idTensor } from '@weft/attention';
import { readJson, resolveModelFiles } from '@weft/checkpoint';
import { ConfigError } from '@weft/errors';
import type { LoadOptions } from '@weft/model';
import { z } from 'zod';
import { AutoModel } from './auto.js';
import type { DistilBertModel } from './distilbert.js';
import { type EncoderInputs, firstToken, tidy } from './inputs.js';
import type { BertModel } from './modeling.js';
import type { RobertaModel } from './roberta.js';

/** How token vectors become one: their mean, the first one, or the largest of each place. */
export type Pooling = 'mean' | 'cls' | 'max';

export interface SentenceEncoderOptions {
  /** Default: mean. */
  pooling?: Pooling;
  /** Scale each embedding to length 1. Default: true. */
  normalize?: boolean;
  /** Tokens that a text is cut to. Default: as many as the encoder has positions. */
  maxLength?: number;
}

/** What `encode` needs of a tokenizer; that of @weft/tokenizer fits. */
export interface SentenceTokenizer {
  encodeBatch(
    texts: string[],
    options: { padding: true; truncation: true; maxLength: number },
  ): {
    inputIds: number[][];
    attentionMask: number[][];
    tokenTypeIds?: number[][] | undefined;
  };
}

type Encoder = BertModel | DistilBertModel | RobertaModel;

/**
 * Texts to vectors whose dot product says how alike they are.
 *
 * @example
 * ```ts
 * import { BertModel, bertConfigSchema, SentenceEncoder } from '@weft/bert';
 *
 * const config = bertConfigSchema.parse({
 *   vocab_size: 50, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 64,
 * });
 * using encoder = new SentenceEncoder(new BertModel(config, { seed: 1 }));
 * const embeddings = encoder.forward({ inputIds: [[2, 7, 3, 0], [2, 9, 8, 3]], attentionMask: [[1, 1, 1, 0], [1, 1, 1, 1]] });
 * console.assert(embeddings.shape.join() === '2,32');
 * ```
 */
export class SentenceEncoder {
  readonly encoder: Encoder;
  readonly pooling: Pooling;
  readonly normalize: boolean;
  readonly maxLength: number;

  constructor(
    encoder: Encoder,
    { pooling = 'mean', normalize = true, maxLength }: SentenceEncoderOptions = {},
  ) {
    this.encoder = encoder;
    this.pooling = pooling;
    this.normalize = normalize;
    const { max_position_embeddings: numPositions, model_type: type, pad_token_id: padding } = encoder.config;
    const limit = type === 'roberta' ? numPositions - padding - 1 : numPositions;
    this.maxLength = Math.min(maxLength ?? limit, limit);
  }

  /**
   * Loads a folder or a model of the hub, with or without the files of sentence-transformers (modules.json,
   * sentence_bert_config.json, the pooling's config.json); without them pooling is the mean, normalised.
   *
   * @throws ConfigError for modules that are not pooling or normalisation, and as `AutoModel`
   */
  static async fromPretrained(source: string, options: LoadOptions = {}): Promise<SentenceEncoder> {
    const stated = await readModules(source, options);
    return new SentenceEncoder(await AutoModel.fromPretrained(source, options), stated);
  }

  /** Embeddings [B, E]. */
  forward(inputs: EncoderInputs): tf.Tensor2D {
    return tidy(() => {
      const asked = { firstTokenOnly: this.pooling === 'cls' };
      const { lastHiddenState } = this.encoder.forward(inputs, asked); // [B, T, E], or [B, 1, E]
      const [batch, length] = lastHiddenState.shape;
      const mask = inputs.attentionMask
        ? (tf.cast(idTensor(inputs.attentionMask, 'attentionMask'), 'float32') as tf.Tensor2D)
        : tf.ones<tf.Rank.R2>([batch, length]);
      const pooled = pool(lastHiddenState, mask, this.pooling); // [B, E]
      return this.normalize ? (tf.div(pooled, lengths(pooled)) as tf.Tensor2D) : pooled;
    });
  }

  /**
   * Embeds texts, `batchSize` at a time, those of like length together; the answers come in the order of the
   * texts.
   */
  encode(
    texts: readonly string[],
    { tokenizer, batchSize = 32 }: { tokenizer: SentenceTokenizer; batchSize?: number },
  ): Float32Array[] {
    const order = [...texts.keys()].sort((a, b) => texts[b]!.length - texts[a]!.length);
    const found: Float32Array[] = new Array(texts.length);
    for (let start = 0; start < order.length; start += batchSize) {
      const chosen = order.slice(start, start + batchSize);
      const batch = tokenizer.encodeBatch(
        chosen.map((i) => texts[i]!),
        { padding: true, truncation: true, maxLength: this.maxLength },
      );
      const embeddings = this.forward({
        inputIds: batch.inputIds,
        attentionMask: batch.attentionMask,
        ...(batch.tokenTypeIds ? { tokenTypeIds: batch.tokenTypeIds } : {}),
      });
      const values = embeddings.dataSync() as Float32Array;
      const width = embeddings.shape[1];
      chosen.forEach((text, row) => {
        found[text] = values.slice(row * width, (row + 1) * width);
      });
      embeddings.dispose();
    }
    return found;
  }

  dispose(): void {
    this.encoder.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** hidden [B, T, E], mask [B, T] -> [B, E] */
function pool(hidden: tf.Tensor3D, mask: tf.Tensor2D, pooling: Pooling): tf.Tensor2D {
  if (pooling === 'cls') return firstToken(hidden);
  const weights = tf.expandDims(mask, 2); // [B, T, 1]
  if (pooling === 'max') {
    const hidden0 = tf.add(hidden, tf.mul(tf.sub(1, weights), -1e9)); // padding out of the way
    return tf.max(hidden0, 1) as tf.Tensor2D;
  }
  const sum = tf.sum(tf.mul(hidden, weights), 1); // [B, E]
  return tf.div(sum, tf.maximum(tf.sum(mask, 1, true), 1e-9)) as tf.Tensor2D;
}

/** The length of each row [B, 1], never zero. */
const lengths = (rows: tf.Tensor2D): tf.Tensor =>
  tf.maximum(tf.sqrt(tf.sum(tf.square(rows), 1, true)), 1e-12);

const modulesSchema = z.array(z.looseObject({ path: z.string(), type: z.string() }));
const poolingFlags = {
  pooling_mode_mean_tokens: 'mean',
  pooling_mode_cls_token: 'cls',
  pooling_mode_max_tokens: 'max',
} as const satisfies Record<string, Pooling>;

/** What the files of sentence-transformers say about the steps after the encoder. */
async function readModules(source: string, options: LoadOptions): Promise<SentenceEncoderOptions> {
  const names = ['modules.json', 'sentence_bert_config.json', '1_Pooling/config.json'];
  const paths = await resolveModelFiles(source, { ...options, files: ['config.json'], optionalFiles: names });
  const [listed, lengthFile, poolingFile] = names.map((name) => paths[name]);
  const limit = lengthFile
    ? z
        .looseObject({ max_seq_length: z.number().int().positive().nullish() })
        .parse(await readJson(lengthFile)).max_seq_length
    : undefined;
  const known = limit ? { maxLength: limit } : {};
  if (!listed) return known;
  const modules = modulesSchema.parse(await readJson(listed)).map(({ type }) => type.split('.').at(-1)!);
  const odd = modules.find((type) => !['Transformer', 'Pooling', 'Normalize'].includes(type));
  if (odd !== undefined) throw unsupported(listed, `a module ${odd}`);
  const pooling = poolingFile ? await readPooling(poolingFile) : 'mean';
  return { ...known, pooling, normalize: modules.includes('Normalize') };
}

async function readPooling(file: string): Promise<Pooling> {
  const stated = (await readJson(file)) as Record<string, unknown>;
  const modes = Object.keys(stated).filter((key) => key.startsWith('pooling_mode_') && stated[key] === true);
  const pooling = poolingFlags[modes[0] as keyof typeof poolingFlags];
  if (modes.length === 1 && pooling) return pooling;
  throw unsupported(file, modes.join(' and ') || 'no pooling');
}

const unsupported = (file: string, received: string): ConfigError =>
  new ConfigError({
    operation: `read ${join(dirname(file).split('/').at(-1) ?? '', file.split('/').at(-1)!)}`,
    expected: 'pooling by mean, first token or maximum, one of them, then normalisation or nothing',
    received,
    remedy: 'use the encoder by itself: AutoModel.fromPretrained, and pool its lastHiddenState',
  });
