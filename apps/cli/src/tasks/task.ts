import type { Tokenizer } from '@weft/tokenizer';
import type {
  ComputeMetrics,
  DataCollator,
  GeneratingModel,
  TokenizedExample,
  TrainableModel,
} from '@weft/trainer';
import type { ProblemKind } from '../data/labels.js';
import type { TableFormat } from '../data/source.js';
import type { CheckpointInfo } from '../training/checkpoint-info.js';

export const taskNames = [
  'classification',
  'token-classification',
  'question-answering',
  'translation',
] as const;
export type TaskName = (typeof taskNames)[number];

/** Flags that say where records are and how they are read. */
export interface DataFlags {
  format?: TableFormat;
  columnNames?: string[];
  textColumn?: string;
  textPairColumn?: string;
  labelColumn?: string;
  labelSeparator: string;
  tokensColumn?: string;
  tagsColumn?: string;
  sourceColumn?: string;
  targetColumn?: string;
  sourcePrefix: string;
  maxLength?: number;
  maxTargetLength: number;
  docStride: number;
  skipBadRows?: boolean;
}

/** Flags that shape a model for its task. */
export interface TaskFlags extends DataFlags {
  train: string;
  evalFile?: string;
  evalSplit: number;
  problem: ProblemKind;
  labels?: string[];
  ignoreMismatchedSizes?: boolean;
  allowEmptyClasses?: boolean;
  predictWithGenerate?: boolean;
  numBeams?: number;
  seed: number;
  revision?: string;
  localFilesOnly?: boolean;
}

export interface TaskContext {
  info: CheckpointInfo;
  tokenizer: Tokenizer;
  /** Tells a person something beside the result. */
  note: (text: string) => void;
}

/** Everything the Trainer wants for a task. */
export interface Task {
  model: TrainableModel | GeneratingModel;
  train: TokenizedExample[];
  evaluation: TokenizedExample[];
  collate: DataCollator<TokenizedExample>;
  computeMetrics?: ComputeMetrics;
  /** The metric that the best model is told by, unless the caller names one. */
  metric: string;
  /** What evaluations give beside the loss. */
  metrics: readonly string[];
  labels?: readonly string[];
  /** Generate in evaluations. */
  generate?: { maxLength: number; numBeams?: number };
}

/** Options of loading that flags and the task's context give. */
export function loadOptions(
  flags: Pick<TaskFlags, 'ignoreMismatchedSizes' | 'revision' | 'localFilesOnly' | 'seed'>,
  { note }: Pick<TaskContext, 'note'>,
): {
  ignoreMismatchedSizes: boolean;
  seed: number;
  warn: (message: string) => void;
  revision?: string;
  localFilesOnly?: boolean;
} {
  return {
    ignoreMismatchedSizes: flags.ignoreMismatchedSizes ?? false,
    seed: flags.seed,
    warn: note,
    ...(flags.revision === undefined ? {} : { revision: flags.revision }),
    ...(flags.localFilesOnly === undefined ? {} : { localFilesOnly: flags.localFilesOnly }),
  };
}
