import tf = require('@tensorflow/tfjs');

import { crossEntropy, embedding, idTensor, Linear, normal } from '@weft/attention';
import { InputError } from '@weft/errors';
import { type LoadOptions, loadPretrained, type ModelSource, PretrainedModel, scopeOf } from '@weft/model';
import { type GPT2Config, gpt2ConfigSchema, gpt2KeyMap } from './config.js';
import { type GPT2Inputs, GPT2Model } from './modeling.js';

export interface GPT2ClassificationInputs extends GPT2Inputs {
  /** One class a row for single-label, [B] or [B, labels] floats for regression, [B, labels] 0 or 1 for multi-label. */
  labels?: readonly number[] | readonly (readonly number[])[];
}

export interface GPT2ClassificationOutputs {
  loss?: tf.Scalar;
  /** [B, labels], of each row's last token that is no padding */
  logits: tf.Tensor2D;
}

/** GPT-2 with a classifier on the last token of each row. */
export class GPT2ForSequenceClassification extends PretrainedModel<GPT2Config> {
  static readonly architecture = 'GPT2ForSequenceClassification';
  static readonly configSchema = gpt2ConfigSchema;
  static readonly keyMap = gpt2KeyMap;
  static readonly headKeys = [/^score\./];
  static readonly tiedKeys = [/^lm_head\.weight$/];

  readonly transformer: GPT2Model;
  readonly score: Linear;

  constructor(config: GPT2Config, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.transformer = new GPT2Model(config, scope.child('transformer'));
    this.score = new Linear(scope.child('score'), {
      inFeatures: config.n_embd,
      outFeatures: labelCount(config),
      bias: false,
      initialize: normal(config.initializer_range),
    });
  }

  static fromPretrained(
    source: string,
    { numLabels, ...options }: LoadOptions & { numLabels?: number } = {},
  ): Promise<GPT2ForSequenceClassification> {
    const config = numLabels === undefined ? options.config : { ...options.config, num_labels: numLabels };
    return loadPretrained(GPT2ForSequenceClassification, source, {
      ...options,
      ...(config ? { config } : {}),
    });
  }

  forward({ labels, ...inputs }: GPT2ClassificationInputs): GPT2ClassificationOutputs {
    return tf.tidy(() => {
      const ids = idTensor(inputs.inputIds); // [B, T]
      const { lastHiddenState } = this.transformer.forward({ ...inputs, inputIds: ids });
      const [batch, length, width] = lastHiddenState.shape;
      const last = this.#lastTokens(ids).map((position, row) => row * length + position);
      // A look-up of rows whose gradient is a scatter-add: tfjs's gather has none on wasm.
      const pooled = embedding(lastHiddenState.reshape([batch * length, width]), tf.tensor1d(last, 'int32')); // [B, E]
      const logits = this.score.forward(pooled) as tf.Tensor2D; // [B, labels]
      const loss = labels ? this.#loss(logits, labels) : undefined;
      return { logits, ...(loss ? { loss } : {}) } as GPT2ClassificationOutputs & tf.TensorContainer;
    });
  }

  /** The rightmost token of each row that is no padding. */
  #lastTokens(ids: tf.Tensor2D): number[] {
    const [batch, length] = ids.shape;
    const { pad_token_id: pad } = this.config;
    if (pad === undefined || pad === null) {
      if (batch === 1) return [length - 1];
      throw new InputError({
        operation: 'GPT2ForSequenceClassification',
        expected: 'pad_token_id in the configuration, for batches of more than one row',
        received: 'none',
        remedy: 'set config.pad_token_id to the padding token of the tokenizer',
      });
    }
    const values = ids.dataSync();
    return Array.from({ length: batch }, (_, row) => {
      let position = length - 1;
      while (position > 0 && values[row * length + position] === pad) position--;
      return position;
    });
  }

  #loss(logits: tf.Tensor2D, labels: readonly number[] | readonly (readonly number[])[]): tf.Scalar {
    const count = logits.shape[1];
    const flat = labels.flat() as number[];
    const integral = !Array.isArray(labels[0]) && flat.every(Number.isInteger);
    const kind =
      this.config.problem_type ??
      (count === 1 ? 'regression' : integral ? 'single_label_classification' : 'multi_label_classification');
    if (kind === 'single_label_classification') return crossEntropy(logits, tf.tensor1d(flat, 'int32'));
    const targets = tf.tensor2d(flat, [logits.shape[0], count]);
    if (kind === 'regression') return tf.mean(tf.squaredDifference(logits, targets)) as tf.Scalar;
    // Binary cross entropy from logits: max(x, 0) - x y + log(1 + e^-|x|).
    const soft = tf.log1p(tf.exp(tf.neg(tf.abs(logits))));
    return tf.mean(tf.add(tf.sub(tf.relu(logits), tf.mul(logits, targets)), soft)) as tf.Scalar;
  }
}

/** How many classes a configuration has: num_labels, else as many as id2label names, else two. */
function labelCount({ num_labels: count, id2label }: GPT2Config): number {
  return count ?? (id2label ? Object.keys(id2label).length : 2);
}
