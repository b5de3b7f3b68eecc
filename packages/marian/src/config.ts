import type { KeyMap } from '@weft/model';
import { z } from 'zod';

const positive = z.number().int().positive();
const id = z.number().int();
const rate = z.number().min(0).max(1);

/** config.json of Marian, in its own spelling; keys that are not named here are kept. */
export const marianConfigSchema = z.looseObject({
  model_type: z.literal('marian').default('marian'),
  vocab_size: positive.default(58101),
  /** Where the decoder has a vocabulary of its own; weft wants one for both. */
  decoder_vocab_size: positive.nullish(),
  share_encoder_decoder_embeddings: z.boolean().default(true),
  tie_word_embeddings: z.boolean().default(true),
  d_model: positive.default(1024),
  encoder_layers: positive.default(12),
  encoder_attention_heads: positive.default(16),
  encoder_ffn_dim: positive.default(4096),
  decoder_layers: positive.default(12),
  decoder_attention_heads: positive.default(16),
  decoder_ffn_dim: positive.default(4096),
  activation_function: z.enum(['swish', 'silu', 'gelu', 'gelu_new', 'relu', 'tanh']).default('gelu'),
  max_position_embeddings: positive.default(1024),
  scale_embedding: z.boolean().default(false),
  dropout: rate.default(0.1),
  attention_dropout: rate.default(0),
  activation_dropout: rate.default(0),
  init_std: z.number().positive().default(0.02),
  pad_token_id: id.default(58100),
  eos_token_id: z.union([id, z.array(id)]).default(0),
  decoder_start_token_id: id.default(58100),
  task_specific_params: z.record(z.string(), z.looseObject({})).nullish(),
  architectures: z.array(z.string()).nullish(),
});

export type MarianConfig = z.infer<typeof marianConfigSchema>;

/** The embeddings of encoder and decoder are the shared table, and positions are computed. */
export const marianKeyMap: KeyMap = {
  basePrefix: 'model',
  ignored: [/(^|\.)(encoder|decoder)\.embed_(tokens|positions)\.weight$/],
};
