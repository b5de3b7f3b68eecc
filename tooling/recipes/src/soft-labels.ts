import * as tf from '@tensorflow/tfjs';
import { Module } from '@weft/attention';
import type { BertForSequenceClassification } from '@weft/bert';
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
