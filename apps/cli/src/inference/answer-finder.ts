import tf = require('@tensorflow/tfjs');

import { AutoModelForQuestionAnswering } from '@weft/bert';
import { columnOf, ofFirstRow, textOf } from '../data/columns.js';
import type { Row, Source } from '../data/source.js';
import type { Question } from '../data/squad.js';
import { maxAnswerTokens, windowOptions } from '../tasks/question-answering.js';
import { bestAnswer, type FoundAnswer, questionWindows } from '../tasks/question-windows.js';
import { inBatches } from './batches.js';
import type { Predictor, PredictorContext } from './predictor.js';
import { rounded } from './text-classifier.js';

type Model = Awaited<ReturnType<typeof AutoModelForQuestionAnswering.fromPretrained>>;
type Asked = Pick<Question, 'question' | 'context' | 'answers'>;

/** Finds the answer to a question in a context. */
export class AnswerFinder implements Predictor<Asked> {
  readonly columns: readonly string[] = ['answer', 'score', 'start', 'end'];
  #context: PredictorContext;
  #model: Model;

  constructor(context: PredictorContext, model: Model) {
    this.#context = context;
    this.#model = model;
  }

  static async load(context: PredictorContext): Promise<AnswerFinder> {
    const { info, load } = context;
    return new AnswerFinder(context, await AutoModelForQuestionAnswering.fromPretrained(info.model, load));
  }

  reader(source: Source): (row: Row) => Asked {
    const columns = ofFirstRow((row) => ({
      question: columnOf(source, row, 'question'),
      context: columnOf(source, row, 'context'),
    }));
    return (row) => {
      const { question, context } = columns(row);
      return { question: textOf(source, row, question), context: textOf(source, row, context), answers: [] };
    };
  }

  /** @param allowsNone whether a model may find no answer */
  async find(questions: readonly Asked[], allowsNone: boolean, signal?: AbortSignal): Promise<FoundAnswer[]> {
    const { tokenizer, flags } = this.#context;
    const windows = questionWindows(tokenizer, questions, windowOptions(flags, this.#context));
    const logits = await inBatches(
      windows.map(({ example }) => example),
      { tokenizer, batchSize: flags.batchSize, signal },
      (batch, indices) => {
        let rows: { start: Float32Array; end: Float32Array }[] = [];
        tf.tidy(() => {
          const { startLogits, endLogits } = this.#model.forward(batch); // [B, T] each
          const [start, end] = [startLogits.dataSync() as Float32Array, endLogits.dataSync() as Float32Array];
          const length = startLogits.shape[1];
          const row = (values: Float32Array, i: number): Float32Array =>
            values.slice(i * length, (i + 1) * length);
          rows = indices.map((_, i) => ({ start: row(start, i), end: row(end, i) }));
        });
        return rows;
      },
    );
    const ofQuestion = questions.map((): number[] => []);
    for (const [w, { question }] of windows.entries()) ofQuestion[question]!.push(w);
    return questions.map(({ context }, q) => {
      const own = ofQuestion[q]!;
      const options = { allowsNone, maxAnswerTokens };
      return bestAnswer(
        context,
        own.map((w) => windows[w]!),
        own.map((w) => logits[w]!),
        options,
      );
    });
  }

  async predict(questions: readonly Asked[], signal?: AbortSignal): Promise<Record<string, unknown>[]> {
    const found = await this.find(questions, this.#context.flags.allowNoAnswer ?? false, signal);
    return found.map(({ text, score, start, end }) => ({ answer: text, score: rounded(score), start, end }));
  }

  dispose(): void {
    this.#model.dispose();
  }
}
