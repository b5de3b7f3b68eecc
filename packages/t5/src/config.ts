import type { KeyMap } from '@weft/model';
import { z } from 'zod';

const positive = z.number().int().positive();
const id = z.number().int();

const feedForwards = ['relu', 'gelu', 'gelu_new', 'silu', 'gated-gelu', 'gated-relu', 'gated-silu'] as const;

/** config.json of T5, in its own spelling; keys that are not named here are kept. */
export const t5ConfigSchema = z.looseObject({
  model_type: z.enum(['t5', 'mt5']).default('t5'),
  vocab_size: positive.default(32128),
  d_model: positive.default(512),
  d_kv: positive.default(64),
  d_ff: positive.default(2048),
  num_layers: positive.default(6),
  /** Default: as many as the encoder's. */
  num_decoder_layers: positive.nullish(),
  num_heads: positive.default(8),
  relative_attention_num_buckets: positive.default(32),
  relative_attention_max_distance: positive.default(128),
  dropout_rate: z.number().min(0).max(1).default(0.1),
  layer_norm_epsilon: z.number().positive().default(1e-6),
  initializer_factor: z.number().positive().default(1),
  /** `relu` in v1.0; `gated-gelu`, which is the tanh form, in v1.1 and Flan. */
  feed_forward_proj: z.enum(feedForwards).default('relu'),
  tie_word_embeddings: z.boolean().default(true),
  /** Whether the decoder's output is scaled before the head; newer files say it apart from the tie. */
  scale_decoder_outputs: z.boolean().optional(),
  pad_token_id: id.default(0),
  eos_token_id: z.union([id, z.array(id)]).default(1),
  decoder_start_token_id: id.nullish(),
  task_specific_params: z.record(z.string(), z.looseObject({})).nullish(),
  architectures: z.array(z.string()).nullish(),
});

export type T5Config = z.infer<typeof t5ConfigSchema>;

/**
 * T5 has no prefix. The embeddings of encoder and decoder are copies of the shared table, and a bias that no layer
 * reads stands in old files.
 */
export const t5KeyMap: KeyMap = {
  basePrefix: 'transformer',
  ignored: [
    /^(encoder|decoder)\.embed_tokens\.weight$/,
    /^decoder\.block\.0\.layer\.1\.EncDecAttention\.relative_attention_bias\.weight$/,
  ],
  vocabulary: [/^shared\.weight$/, /^lm_head\.weight$/],
};
