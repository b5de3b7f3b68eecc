import * as tf from '@tensorflow/tfjs';
import { Module } from '@weft/attention';
import type { BertForQuestionAnswering, BertForSequenceClassification } from '@weft/bert';
import { saveParameters } from './run.js';

interface LabelledBatch {
  inputIds: number[][];
  attentionMask?: number[][];
  labels: number[];
  /** A teacher's logits [B, N], where they are known. */
  softLabels?: number[][];
}

/** A classifier whose loss is the labels' cross entropy and the squared distance from a teacher's logits. */
export class SoftLabels extends Module {
  readonly student: BertForSequenceClassification;

  constructor(student: BertForSequenceClassification) {
    super();
    this.student = student;
  }

  forward({ softLabels, ...batch }: LabelledBatch): { loss: tf.Scalar; logits: tf.Tensor2D } {
    return tf.tidy(() => {
      const { loss, logits } = this.student.forward(batch);
      if (!softLabels) return { loss: loss!, logits };
      const apart = tf.mean(tf.squaredDifference(logits, tf.tensor2d(softLabels)));
      return { loss: tf.add(loss!, apart) as tf.Scalar, logits };
    });
  }

  /** For a checkpoint of the run; `student.savePretrained` writes the model. */
  async savePretrained(folder: string): Promise<void> {
    await saveParameters(this, folder);
  }
}

interface SpanBatch {
  inputIds: number[][];
  attentionMask?: number[][];
  tokenTypeIds?: number[][];
  /** [B, T], what each token's probability should be of being the answer's first, or last. */
  firstTargets: number[][];
  lastTargets: number[][];
}

/** A finder of answers whose loss is the cross entropy with distributions over the tokens. */
export class SoftSpans extends Module {
  readonly student: BertForQuestionAnswering;

  constructor(student: BertForQuestionAnswering) {
    super();
    this.student = student;
  }

  forward({ firstTargets, lastTargets, ...batch }: SpanBatch): { loss: tf.Scalar } {
    const loss = tf.tidy(() => {
      const { startLogits, endLogits } = this.student.forward(batch);
      const distance = (logits: tf.Tensor2D, targets: number[][]): tf.Tensor =>
        tf.mean(tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), tf.tensor2d(targets)), -1)));
      return tf.div(tf.add(distance(startLogits, firstTargets), distance(endLogits, lastTargets)), 2);
    });
    return { loss: loss as tf.Scalar };
  }

  /** For a checkpoint of the run; `student.savePretrained` writes the model. */
  async savePretrained(folder: string): Promise<void> {
    await saveParameters(this, folder);
  }
}
