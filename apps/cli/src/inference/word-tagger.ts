import tf = require('@tensorflow/tfjs');

import { AutoModelForTokenClassification } from '@weft/bert';
import { columnOf, ofFirstRow, textOf, usualNames, wordsOf } from '../data/columns.js';
import type { Row, Source } from '../data/source.js';
import { encodeWords } from '../tasks/token-classification.js';
import { textLimit } from '../training/checkpoint-info.js';
import { inBatches } from './batches.js';
import type { Predictor, PredictorContext } from './predictor.js';

type Model = Awaited<ReturnType<typeof AutoModelForTokenClassification.fromPretrained>>;

/** Gives each word of a text a tag. */
export class WordTagger implements Predictor<string[]> {
  readonly columns: readonly string[] = ['tags'];
  readonly labels: readonly string[];
  #context: PredictorContext;
  #model: Model;

  constructor(context: PredictorContext, model: Model) {
    this.#context = context;
    this.#model = model;
    this.labels = context.info.labels;
  }

  static async load(context: PredictorContext): Promise<WordTagger> {
    const { info, load } = context;
    return new WordTagger(context, await AutoModelForTokenClassification.fromPretrained(info.model, load));
  }

  /** Words from a column of them, or from a text, between spaces. */
  reader(source: Source): (row: Row) => string[] {
    const { textColumn, tokensColumn } = this.#context.flags;
    const column = ofFirstRow((row) => {
      const lists: readonly string[] = usualNames.tokens;
      const hasList = tokensColumn ?? lists.find((name) => name in row.values);
      return hasList !== undefined && textColumn === undefined
        ? { tokens: columnOf(source, row, 'tokens', tokensColumn) }
        : { text: columnOf(source, row, 'text', textColumn) };
    });
    return (row) => {
      const { tokens, text } = column(row);
      if (tokens !== undefined) return wordsOf(source, row, tokens);
      return textOf(source, row, text!).split(/\s+/).filter(Boolean);
    };
  }

  /** The number of each word's tag; -1 for words beyond the cut. */
  async tagIds(texts: readonly string[][], signal?: AbortSignal): Promise<number[][]> {
    const { tokenizer, info, flags } = this.#context;
    const encoded = encodeWords(tokenizer, texts, textLimit(info, tokenizer, flags.maxLength));
    const best = await inBatches(
      encoded.map(({ example }) => example),
      { tokenizer, batchSize: flags.batchSize, signal },
      (batch, indices) => {
        let rows: Int32Array[] = [];
        tf.tidy(() => {
          const ids = tf.argMax(this.#model.forward(batch).logits, -1); // [B, T]
          const values = ids.dataSync() as Int32Array;
          const length = ids.shape[1]!;
          rows = indices.map((_, i) => values.slice(i * length, (i + 1) * length));
        });
        return rows;
      },
    );
    return encoded.map(({ firstTokens }, i) =>
      firstTokens.map((token) => (token < 0 ? -1 : best[i]![token]!)),
    );
  }

  async predict(texts: readonly string[][], signal?: AbortSignal): Promise<Record<string, unknown>[]> {
    const all = await this.tagIds(texts, signal);
    const outside = this.labels.includes('O') ? 'O' : null;
    return all.map((ids) => ({ tags: ids.map((id) => (id < 0 ? outside : this.labels[id]!)) }));
  }

  dispose(): void {
    this.#model.dispose();
  }
}
