import type { KeyMap } from '@weft/model';
import { z } from 'zod';

const probability = z.number().min(0).max(1);
const positive = z.number().int().positive();

/** config.json of GPT-2, in its own spelling; keys that are not named here are kept. */
export const gpt2ConfigSchema = z.looseObject({
  model_type: z.literal('gpt2').default('gpt2'),
  vocab_size: positive.default(50257),
  n_positions: positive.default(1024),
  n_embd: positive.default(768),
  n_layer: positive.default(12),
  n_head: positive.default(12),
  n_inner: positive.nullish(),
  activation_function: z.enum(['gelu_new', 'gelu', 'relu', 'silu', 'tanh']).default('gelu_new'),
  resid_pdrop: probability.default(0.1),
  embd_pdrop: probability.default(0.1),
  attn_pdrop: probability.default(0.1),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  initializer_range: z.number().positive().default(0.02),
  scale_attn_weights: z.boolean().default(true),
  scale_attn_by_inverse_layer_idx: z.boolean().default(false),
  tie_word_embeddings: z.boolean().default(true),
  bos_token_id: z.number().int().nullish(),
  eos_token_id: z.union([z.number().int(), z.array(z.number().int())]).nullish(),
  pad_token_id: z.number().int().nullish(),
  num_labels: positive.optional(),
  problem_type: z.enum(['regression', 'single_label_classification', 'multi_label_classification']).nullish(),
  id2label: z.record(z.string(), z.string()).optional(),
  label2id: z.record(z.string(), z.number()).optional(),
  architectures: z.array(z.string()).nullish(),
});

export type GPT2Config = z.infer<typeof gpt2ConfigSchema>;

/** Causal masks that old checkpoints hold are no parameters. */
export const gpt2KeyMap: KeyMap = {
  basePrefix: 'transformer',
  ignored: [/(^|\.)attn\.(bias|masked_bias)$/],
  vocabulary: [/(^|\.)wte\.weight$/, /^lm_head\.weight$/],
};
