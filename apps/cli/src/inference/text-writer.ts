import { columnOf, ofFirstRow, textOf } from '../data/columns.js';
import type { Row, Source } from '../data/source.js';
import { encodeTexts } from '../tasks/encode.js';
import { type SequenceToSequenceModel, sequenceToSequence } from '../tasks/sequence-to-sequence.js';
import { textLimit } from '../training/checkpoint-info.js';
import { inBatches } from './batches.js';
import type { Predictor, PredictorContext } from './predictor.js';

/** Writes a text for a text: translations, say. */
export class TextWriter implements Predictor<string> {
  readonly columns: readonly string[] = ['prediction'];
  #context: PredictorContext;
  #model: SequenceToSequenceModel;

  constructor(context: PredictorContext, model: SequenceToSequenceModel) {
    this.#context = context;
    this.#model = model;
  }

  static async load(context: PredictorContext): Promise<TextWriter> {
    return new TextWriter(context, await sequenceToSequence(context.info.model, context.load));
  }

  /** From the column of sources, else of texts. */
  reader(source: Source): (row: Row) => string {
    const { sourceColumn, textColumn } = this.#context.flags;
    const column = ofFirstRow((row) =>
      textColumn !== undefined || (sourceColumn === undefined && 'text' in row.values)
        ? columnOf(source, row, 'text', textColumn)
        : columnOf(source, row, 'source', sourceColumn),
    );
    return (row) => textOf(source, row, column(row));
  }

  async write(texts: readonly string[], signal?: AbortSignal): Promise<string[]> {
    const { tokenizer, info, flags } = this.#context;
    const sources = texts.map((text) => ({ text: flags.sourcePrefix + text }));
    const { examples } = encodeTexts(tokenizer, sources, textLimit(info, tokenizer, flags.maxLength));
    return inBatches(examples, { tokenizer, batchSize: flags.batchSize, signal }, async (_, indices) => {
      const ids = await this.#model.generate(
        indices.map((i) => [...examples[i]!.inputIds]),
        {
          maxLength: Math.min(flags.maxTargetLength, info.maxTokens),
          ...(flags.numBeams === undefined ? {} : { numBeams: flags.numBeams }),
          ...(signal ? { signal } : {}),
        },
      );
      return tokenizer.decodeBatch(ids, { skipSpecialTokens: true });
    });
  }

  async predict(texts: readonly string[], signal?: AbortSignal): Promise<Record<string, unknown>[]> {
    return (await this.write(texts, signal)).map((prediction) => ({ prediction }));
  }

  dispose(): void {
    this.#model.dispose();
  }
}
