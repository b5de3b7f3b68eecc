import type { DataCollator } from '../dataset.js';
import { IGNORED, type PaddingOptions, pad, type TokenizedExample } from './padding.js';

export interface Seq2SeqOptions extends PaddingOptions {
  /** The decoder's first token; with it the decoder's inputs are made from the labels. */
  decoderStartTokenId?: number;
}

/**
 * Pads sources and labels apart, labels with -100; with a decoderStartTokenId the decoder's inputs are the labels
 * moved right by one.
 *
 * @example
 * ```ts
 * import { dataCollatorForSeq2Seq } from '@weft/trainer';
 *
 * const collate = dataCollatorForSeq2Seq({ tokenizer: { padTokenId: 0 }, decoderStartTokenId: 0 });
 * const batch = collate([{ inputIds: [5], labels: [8, 9, 1] }, { inputIds: [6], labels: [7, 1] }]);
 * console.assert(JSON.stringify(batch.labels) === '[[8,9,1],[7,1,-100]]');
 * console.assert(JSON.stringify(batch.decoderInputIds) === '[[0,8,9],[0,7,1]]');
 * ```
 */
export function dataCollatorForSeq2Seq(options: Seq2SeqOptions): DataCollator<TokenizedExample> {
  return (examples) => {
    const batch = pad(examples, options);
    const { decoderStartTokenId } = options;
    if (decoderStartTokenId === undefined || !batch.labels) return batch;
    const fill = options.tokenizer.padTokenId ?? 0;
    const decoderInputIds = (batch.labels as number[][]).map((row) => [
      decoderStartTokenId,
      ...row.slice(0, -1).map((id) => (id === IGNORED ? fill : id)),
    ]);
    return { ...batch, decoderInputIds };
  };
}
