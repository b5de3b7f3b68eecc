import type { LoadOptions } from '@weft/model';
import type { Tokenizer } from '@weft/tokenizer';
import type { Row, Source } from '../data/source.js';
import type { DataFlags } from '../tasks/task.js';
import type { CheckpointInfo } from '../training/checkpoint-info.js';

export interface PredictorContext {
  info: CheckpointInfo;
  tokenizer: Tokenizer;
  flags: DataFlags & { batchSize: number; allScores?: boolean; numBeams?: number; allowNoAnswer?: boolean };
  load: LoadOptions;
}

/** A loaded checkpoint that answers rows of a file. */
export interface Predictor<Input = unknown> {
  /** Reads what it needs of a source's rows, and throws a DataError for a row without. */
  reader(source: Source): (row: Row) => Input;
  /** The columns that a prediction adds to its row. */
  readonly columns: readonly string[];
  /** One prediction an input, in their order. */
  predict(inputs: readonly Input[], signal?: AbortSignal): Promise<Record<string, unknown>[]>;
  dispose(): void;
}
