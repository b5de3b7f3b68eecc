/** The hidden states of a text: `feature-extraction`. */
import { InputError } from '@weft/errors';
import type { BasePipeline, Task } from './call.js';
import { encodeWithin, type LengthOptions, lengthForms, padRows } from './encode.js';
import { readOutputs, rowsOf } from './labels.js';
import type { FeatureExtractor } from './models.js';
import { type CallOptions, checkOptions, type Forms, flag, oneOf, shown } from './options.js';

export interface FeatureExtractionOptions extends CallOptions, LengthOptions {
  /** Make one vector of a text's: their mean, or the first. Default: all vectors are given. */
  pooling?: 'mean' | 'cls' | undefined;
  /** Scale the one vector of a text to length 1. Default: false. */
  normalize?: boolean | undefined;
}

type Text = string;
type Unpooled = FeatureExtractionOptions & { pooling?: undefined };
type Pooled = FeatureExtractionOptions & { pooling: 'mean' | 'cls' };

/** What `pipeline('feature-extraction')` gives. */
export interface FeatureExtractionPipeline
  extends BasePipeline<Text, number[][][] | number[], FeatureExtractionOptions, FeatureExtractor> {
  /** [1, T, E], a vector a token */
  (text: Text, options?: Unpooled): Promise<number[][][]>;
  /** A [1, T, E] for each text */
  (texts: readonly Text[], options?: Unpooled): Promise<number[][][][]>;
  /** [E] */
  (text: Text, options: Pooled): Promise<number[]>;
  /** [E] for each text */
  (texts: readonly Text[], options: Pooled): Promise<number[][]>;
  stream(
    texts: AsyncIterable<Text> | Iterable<Text>,
    options?: Unpooled,
  ): AsyncGenerator<number[][][], void, void>;
  stream(texts: AsyncIterable<Text> | Iterable<Text>, options: Pooled): AsyncGenerator<number[], void, void>;
}

const forms: Forms<FeatureExtractionOptions> = {
  ...lengthForms,
  pooling: oneOf('mean', 'cls'),
  normalize: flag,
};

export const featureExtraction: Task<
  Text,
  number[][][] | number[],
  FeatureExtractionOptions,
  FeatureExtractor
> = {
  isOne: (input) => !Array.isArray(input),
  check: checkText,
  sizeOf: ({ length }) => length,
  prepare(parts, options) {
    checkOptions(parts.task, options, forms);
    const { pooling, normalize = false, truncation } = options;
    if (normalize && pooling === undefined) {
      throw new InputError({
        operation: parts.task,
        expected: 'pooling beside normalize',
        received: 'normalize alone',
        remedy: "pass pooling: 'mean' or 'cls'",
      });
    }
    return async (texts) => {
      const { inputIds, tokenTypeIds } = encodeWithin(parts, texts, { truncation });
      const { model, tokenizer } = parts;
      const inputs = padRows({ inputIds, tokenTypeIds }, tokenizer.padTokenId);
      const [hidden] = await readOutputs(() => model.forward(inputs), ['lastHiddenState']); // [B * T * E]
      const longest = inputs.inputIds[0]!.length;
      const vectors = rowsOf(hidden!, hidden!.length / (texts.length * longest)); // [B * T] of E
      return inputIds.map((ids, i) => {
        const own = vectors.slice(i * longest, i * longest + ids.length); // [T] of E, without padding
        if (pooling === undefined) return [own.map((vector) => Array.from(vector))];
        const pooled = pooling === 'cls' ? Float64Array.from(own[0]!) : mean(own);
        return Array.from(normalize ? scaled(pooled) : pooled);
      });
    };
  },
};

/** A text by itself, for the tasks that take nothing else. */
export function checkText(input: unknown, operation: string): string {
  if (typeof input === 'string') return input;
  throw new InputError({
    operation,
    expected: 'a text',
    received: shown(input),
    remedy: 'pass a string for one text, a list of strings for several',
  });
}

function mean(vectors: readonly Float32Array[]): Float64Array {
  const sum = new Float64Array(vectors[0]!.length);
  for (const vector of vectors) for (let i = 0; i < sum.length; i++) sum[i]! += vector[i]!;
  return sum.map((value) => value / vectors.length);
}

function scaled(vector: Float64Array): Float64Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return vector.map((value) => value / Math.max(length, 1e-12));
}
