import * as tf from '@tensorflow/tfjs';
import { Linear, Module, randomSource, Scope } from '@weft/attention';
import type { BertForMaskedLM, BertModel } from '@weft/bert';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { saveParameters } from './run.js';

const IGNORED = -100;

export interface DistillationOptions {
  /** For each token of the student's vocabulary its id in the teacher's. */
  teacherIds: Int32Array;
  hiddenWeight: number;
  seed: number;
}

interface MaskedBatch {
  /** [B, T], some of them masked */
  inputIds: number[][];
  attentionMask?: number[][];
  /** [B, T], the ids under the masks, -100 elsewhere */
  labels: number[][];
}

/**
 * A student and its teacher as one model to train: the student reads masked text, the teacher the text itself; the
 * loss is the cross entropy of the masked words, and the distance of the student's hidden states, half way and last,
 * from the teacher's, as a share of the teacher's mean square.
 */
export class MaskedDistillation extends Module {
  readonly student: BertForMaskedLM;
  /** From the student's width to the teacher's: half way, last. */
  readonly bridges: Linear[];
  readonly #teacher: BertModel;
  readonly #options: DistillationOptions;

  constructor(student: BertForMaskedLM, teacher: BertModel, options: DistillationOptions) {
    super();
    this.student = student;
    this.#teacher = teacher;
    this.#options = options;
    const scope = new Scope(randomSource(options.seed));
    this.bridges = [0, 1].map(
      (index) =>
        new Linear(scope.child(`bridges.${index}`), {
          inFeatures: student.config.hidden_size,
          outFeatures: teacher.config.hidden_size,
        }),
    );
  }

  forward({ inputIds, attentionMask, labels }: MaskedBatch): { loss: tf.Scalar } {
    const mask = attentionMask ? { attentionMask } : {};
    const { teacherIds, hiddenWeight } = this.#options;
    const loss = tf.tidy(() => {
      const whole = inputIds.map((row, b) =>
        row.map((id, t) => teacherIds[labels[b]![t] === IGNORED ? id : labels[b]![t]!]!),
      );
      const targets = halfAndLast(
        this.#teacher.forward({ inputIds: whole, ...mask, outputHiddenStates: true }).hiddenStates!,
      );
      const { loss: words, hiddenStates } = this.student.forward({
        ...{ inputIds, ...mask, labels },
        outputLogits: false,
        outputHiddenStates: true,
      });
      const distances = halfAndLast(hiddenStates!).map((hidden, i) => {
        const apart = tf.squaredDifference(this.bridges[i]!.forward(hidden), targets[i]!); // [B, T, teacher's width]
        return tf.div(tf.mean(apart), tf.mean(tf.square(targets[i]!)));
      });
      return tf.add(words!, tf.mul(tf.addN(distances), hiddenWeight)) as tf.Scalar;
    });
    return { loss };
  }

  /** The student and the bridges, for a checkpoint of the run; `student.savePretrained` writes the model. */
  async savePretrained(folder: string): Promise<void> {
    await saveParameters(this, folder);
  }

  protected override release(): void {
    this.#teacher.dispose();
  }
}

function halfAndLast(states: readonly tf.Tensor3D[]): [tf.Tensor3D, tf.Tensor3D] {
  const layers = states.length - 1;
  return [states[Math.floor(layers / 2)]!, states[layers]!];
}

/**
 * The student's embeddings of words and positions become the teacher's, on their principal axes: of all linear maps
 * to the student's width the one that keeps most of the differences between words.
 */
export function readTeacherEmbeddings(student: BertModel, teacher: BertModel, teacherIds: Int32Array): void {
  const from = teacher.embeddings;
  const to = student.embeddings;
  tf.tidy(() => {
    const words = tf.gather(from.word_embeddings.weight, tf.tensor1d(teacherIds)) as tf.Tensor2D; // [V, teacher]
    const axes = principalAxes(words, student.config.hidden_size); // [teacher, student]
    const centred = tf.sub(words, tf.mean(words, 0));
    to.word_embeddings.weight.assign(tf.matMul(centred, axes));
    const places = tf.slice(from.position_embeddings.weight, 0, student.config.max_position_embeddings);
    to.position_embeddings.weight.assign(tf.matMul(places as tf.Tensor2D, axes));
  });
}

/** The directions in which rows [N, D] vary most: orthonormal columns [D, count]. */
function principalAxes(rows: tf.Tensor2D, count: number): tf.Tensor2D {
  const centred = tf.sub(rows, tf.mean(rows, 0)) as tf.Tensor2D;
  const covariance = (tf.matMul(centred, centred, true) as tf.Tensor2D).arraySync();
  const { eigenvectorMatrix } = new EigenvalueDecomposition(new Matrix(covariance), {
    assumeSymmetric: true,
  });
  const width = covariance.length;
  // Eigenvalues ascend.
  const chosen = Array.from({ length: count }, (_, i) => width - 1 - i);
  return tf.tensor2d(eigenvectorMatrix.subMatrixColumn(chosen).to2DArray());
}
