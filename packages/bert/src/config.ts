import type { Activation } from '@weft/attention';
import type { KeyMap, LoadOptions } from '@weft/model';
import { z } from 'zod';

const probability = z.number().min(0).max(1);
const positive = z.number().int().positive();
const id = z.number().int();

const activations = {
  gelu: 'gelu',
  gelu_new: 'geluNew',
  gelu_pytorch_tanh: 'geluNew',
  relu: 'relu',
  silu: 'silu',
  swish: 'silu',
  tanh: 'tanh',
} as const satisfies Record<string, Activation>;
type ActivationName = keyof typeof activations;
const activationName = z.enum(Object.keys(activations) as [ActivationName, ...ActivationName[]]);

/** The op for an activation that config.json names. */
export const activationOf = (name: ActivationName): Activation => activations[name];

export type ProblemType = 'regression' | 'single_label_classification' | 'multi_label_classification';

/** What every family's configuration says about heads. */
const headFields = {
  tie_word_embeddings: z.boolean().default(true),
  /** Read, never written: id2label says it, in files as in Python. */
  num_labels: positive.optional(),
  problem_type: z.enum(['regression', 'single_label_classification', 'multi_label_classification']).nullish(),
  id2label: z.record(z.string(), z.string()).optional(),
  label2id: z.record(z.string(), z.number().int()).optional(),
  architectures: z.array(z.string()).nullish(),
};

/** The fields that BERT and RoBERTa share, and that their encoder is built from. */
const encoderFields = {
  vocab_size: positive.default(30522),
  hidden_size: positive.default(768),
  num_hidden_layers: positive.default(12),
  num_attention_heads: positive.default(12),
  intermediate_size: positive.default(3072),
  hidden_act: activationName.default('gelu'),
  hidden_dropout_prob: probability.default(0.1),
  attention_probs_dropout_prob: probability.default(0.1),
  max_position_embeddings: positive.default(512),
  type_vocab_size: positive.default(2),
  initializer_range: z.number().positive().default(0.02),
  layer_norm_eps: z.number().positive().default(1e-12),
  pad_token_id: id.default(0),
  /** Relative positions and decoders with cross attention are not built. */
  position_embedding_type: z.literal('absolute').default('absolute'),
  is_decoder: z.literal(false).default(false),
  classifier_dropout: probability.nullish(),
};
const encoderSchema = z.object({ ...encoderFields, ...headFields });
export type EncoderConfig = z.infer<typeof encoderSchema>;

interface LabelFields {
  num_labels?: number | undefined;
  id2label?: Record<string, string> | undefined;
  label2id?: Record<string, number> | undefined;
}

/**
 * As Python has it: a number of labels that differs from the names there are gives new names, LABEL_0 and so
 * on, and only the names are kept.
 */
function namedLabels<C extends LabelFields>({ num_labels: count, ...rest }: C): Omit<C, 'num_labels'> {
  const names =
    count !== undefined && Object.keys(rest.id2label ?? {}).length !== count
      ? Object.fromEntries(Array.from({ length: count }, (_, i) => [String(i), `LABEL_${i}`]))
      : rest.id2label;
  if (names === undefined) return rest;
  const ids = Object.fromEntries(Object.entries(names).map(([key, name]) => [name, Number(key)]));
  return { ...rest, id2label: names, label2id: ids };
}

const bertFields = z.looseObject({
  model_type: z.literal('bert').default('bert'),
  ...encoderFields,
  ...headFields,
});
export type BertConfig = z.infer<typeof bertFields>;
/** config.json of BERT, in its own spelling; keys that are not named here are kept. */
export const bertConfigSchema = bertFields.transform((config) => namedLabels(config) as BertConfig);

const robertaFields = z.looseObject({
  model_type: z.literal('roberta').default('roberta'),
  ...encoderFields,
  ...headFields,
  vocab_size: positive.default(50265),
  pad_token_id: id.default(1),
  bos_token_id: id.nullish(),
  eos_token_id: id.nullish(),
});
export type RobertaConfig = z.infer<typeof robertaFields>;
/** config.json of RoBERTa. */
export const robertaConfigSchema = robertaFields.transform((config) => namedLabels(config) as RobertaConfig);

const distilBertFields = z.looseObject({
  model_type: z.literal('distilbert').default('distilbert'),
  vocab_size: positive.default(30522),
  dim: positive.default(768),
  n_layers: positive.default(6),
  n_heads: positive.default(12),
  hidden_dim: positive.default(3072),
  activation: activationName.default('gelu'),
  dropout: probability.default(0.1),
  attention_dropout: probability.default(0.1),
  qa_dropout: probability.default(0.1),
  seq_classif_dropout: probability.default(0.2),
  max_position_embeddings: positive.default(512),
  initializer_range: z.number().positive().default(0.02),
  pad_token_id: id.default(0),
  /** Fixed sinusoids instead of learned positions are not built. */
  sinusoidal_pos_embds: z.literal(false).default(false),
  ...headFields,
});
export type DistilBertConfig = z.infer<typeof distilBertFields>;
/** config.json of DistilBERT. */
export const distilBertConfigSchema = distilBertFields.transform(
  (config) => namedLabels(config) as DistilBertConfig,
);

/** The first checkpoints called a layer normalisation's weight and bias gamma and beta. */
const renames = [
  [/LayerNorm\.gamma$/, 'LayerNorm.weight'],
  [/LayerNorm\.beta$/, 'LayerNorm.bias'],
] as const;
/** Buffers with 0, 1, 2, ... and zeros are no parameters. */
const buffers = /(^|\.)embeddings\.(position_ids|token_type_ids)$/;

// The tables and last layers of words, as the three families spell them.
const vocabulary = [
  /(^|\.)word_embeddings\.weight$/,
  /^cls\.predictions\.(bias|decoder\.weight)$/,
  /^lm_head\.(bias|decoder\.weight)$/,
  /^vocab_projector\.(bias|weight)$/,
];
export const bertKeyMap: KeyMap = { basePrefix: 'bert', renames, ignored: [buffers], vocabulary };
export const robertaKeyMap: KeyMap = { basePrefix: 'roberta', renames, ignored: [buffers], vocabulary };
export const distilBertKeyMap: KeyMap = { basePrefix: 'distilbert', renames, ignored: [buffers], vocabulary };

/** How many classes a configuration has; two where it names none, as in Python. */
export const labelCount = ({ id2label }: LabelFields): number =>
  id2label ? Object.keys(id2label).length : 2;

/** How a model with a head is loaded. */
export interface HeadLoadOptions extends LoadOptions {
  /** Classes of the head; names are then LABEL_0, ... unless the checkpoint has as many. */
  numLabels?: number;
  /** Names of the classes by number. */
  id2label?: Record<number, string>;
  /** Which loss labels are for; by default told from the number of classes and the labels. */
  problemType?: ProblemType;
}

/** The same with heads' options turned into values over config.json's. */
export function headOptions({ numLabels, id2label, problemType, ...options }: HeadLoadOptions): LoadOptions {
  const count = numLabels ?? (id2label ? Object.keys(id2label).length : undefined);
  if (count === undefined && problemType === undefined) return options;
  const config = {
    ...options.config,
    ...(count === undefined ? {} : { num_labels: count }),
    ...(id2label ? { id2label } : {}),
    ...(problemType ? { problem_type: problemType } : {}),
  };
  return { ...options, config };
}
