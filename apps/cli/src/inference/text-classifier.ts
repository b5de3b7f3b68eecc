import tf = require('@tensorflow/tfjs');

import { columnOf, ofFirstRow, textOf } from '../data/columns.js';
import type { ProblemKind } from '../data/labels.js';
import type { Row, Source } from '../data/source.js';
import { encodeTexts, type TextRecord } from '../tasks/encode.js';
import { type SequenceClassifier, sequenceClassifier } from '../tasks/sequence-classifier.js';
import { textLimit } from '../training/checkpoint-info.js';
import { inBatches } from './batches.js';
import type { Predictor, PredictorContext } from './predictor.js';

/** Sorts texts into classes, or gives each a number. */
export class TextClassifier implements Predictor<TextRecord> {
  readonly columns: readonly string[];
  readonly kind: ProblemKind;
  readonly labels: readonly string[];
  #context: PredictorContext;
  #model: SequenceClassifier;

  constructor(context: PredictorContext, model: SequenceClassifier) {
    this.#context = context;
    this.#model = model;
    this.labels = context.info.labels;
    this.kind = kindOf(context.info);
    this.columns = ['prediction', 'score', ...(context.flags.allScores ? ['scores'] : [])];
    if (this.kind === 'regression') this.columns = ['prediction'];
  }

  static async load(context: PredictorContext): Promise<TextClassifier> {
    const { info, tokenizer, load } = context;
    return new TextClassifier(context, await sequenceClassifier(info, tokenizer, load));
  }

  reader(source: Source): (row: Row) => TextRecord {
    const { textColumn, textPairColumn } = this.#context.flags;
    const columns = ofFirstRow((row) => ({
      text: columnOf(source, row, 'text', textColumn),
      pair: textPairColumn && columnOf(source, row, 'text-pair', textPairColumn),
    }));
    return (row) => {
      const { text, pair } = columns(row);
      return {
        text: textOf(source, row, text),
        ...(pair ? { textPair: textOf(source, row, pair) } : {}),
      };
    };
  }

  /** Probabilities of the classes of each text; of a regression its value. */
  async scores(texts: readonly TextRecord[], signal?: AbortSignal): Promise<Float32Array[]> {
    const { tokenizer, info, flags } = this.#context;
    const { examples } = encodeTexts(tokenizer, texts, textLimit(info, tokenizer, flags.maxLength));
    return inBatches(examples, { tokenizer, batchSize: flags.batchSize, signal }, (batch, indices) => {
      let rows: Float32Array[] = [];
      tf.tidy(() => {
        const { logits } = this.#model.forward(batch); // [B, N]
        const values = this.#probabilities(logits).dataSync() as Float32Array;
        const width = logits.shape[1];
        rows = indices.map((_, i) => values.slice(i * width, (i + 1) * width));
      });
      return rows;
    });
  }

  #probabilities(logits: tf.Tensor2D): tf.Tensor {
    if (this.kind === 'regression') return logits;
    return this.kind === 'single-label' ? tf.softmax(logits) : tf.sigmoid(logits);
  }

  async predict(texts: readonly TextRecord[], signal?: AbortSignal): Promise<Record<string, unknown>[]> {
    const all = await this.scores(texts, signal);
    return all.map((scores) => this.#told(scores));
  }

  #told(scores: Float32Array): Record<string, unknown> {
    if (this.kind === 'regression') return { prediction: rounded(scores[0]!) };
    const best = scores.reduce((most, score, i) => (score > scores[most]! ? i : most), 0);
    const several = this.kind === 'multi-label';
    const prediction = several
      ? this.labels.filter((_, id) => scores[id]! > 0.5)
      : (this.labels[best] ?? `LABEL_${best}`);
    const every = Object.fromEntries(this.labels.map((name, id) => [name, rounded(scores[id]!)]));
    return {
      prediction,
      score: rounded(scores[best]!),
      ...(this.#context.flags.allScores ? { scores: every } : {}),
    };
  }

  dispose(): void {
    this.#model.dispose();
  }
}

/** What its configuration says; without a word, one class is a number to predict, as in Python. */
function kindOf({ problemType, labels }: PredictorContext['info']): ProblemKind {
  if (problemType === 'multi_label_classification') return 'multi-label';
  if (problemType === 'regression') return 'regression';
  return labels.length === 1 ? 'regression' : 'single-label';
}

/** Six digits: more say nothing in float32. */
export const rounded = (value: number): number => Number(value.toPrecision(6));
