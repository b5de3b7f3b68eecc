/** Which class a text is of: `text-classification`, also named `sentiment-analysis`. */
import { InputError } from '@weft/errors';
import type { BasePipeline, Parts, Task } from './call.js';
import { encodeWithin, type LengthOptions, lengthForms } from './encode.js';
import { type Activation, activate, labelOf, labelsOf, logitRows } from './labels.js';
import type { SequenceClassifier } from './models.js';
import { type CallOptions, checkOptions, type Forms, isCount, oneOf, shown } from './options.js';

/** A text and its pair, for models that judge two texts together. */
export interface TextPair {
  text: string;
  textPair?: string | undefined;
}

export interface TextClassification {
  label: string;
  /** A probability, or the model's own number where nothing is applied to it. */
  score: number;
}

export interface TextClassificationOptions extends CallOptions, LengthOptions {
  /** How many classes are told of each text, the likeliest first; null: all. Default: the likeliest. */
  topK?: number | null | undefined;
  /**
   * What turns the model's numbers into scores. Default: nothing for regression, `sigmoid` where several classes may
   * hold or there is only one, else `softmax`.
   */
  functionToApply?: Activation | undefined;
}

type OneClass = TextClassificationOptions & { topK?: undefined };
type ManyClasses = TextClassificationOptions & { topK: number | null };

/** What `pipeline('text-classification')` gives. */
export interface TextClassificationPipeline
  extends BasePipeline<
    string | TextPair,
    TextClassification | TextClassification[],
    TextClassificationOptions,
    SequenceClassifier
  > {
  /** A list of one class. */
  (text: string, options?: OneClass): Promise<TextClassification[]>;
  (pair: TextPair, options?: OneClass): Promise<TextClassification>;
  /** One class a text. */
  (texts: readonly (string | TextPair)[], options?: OneClass): Promise<TextClassification[]>;
  (text: string | TextPair, options: ManyClasses): Promise<TextClassification[]>;
  (texts: readonly (string | TextPair)[], options: ManyClasses): Promise<TextClassification[][]>;
  stream(
    texts: AsyncIterable<string | TextPair> | Iterable<string | TextPair>,
    options?: OneClass,
  ): AsyncGenerator<TextClassification, void, void>;
  stream(
    texts: AsyncIterable<string | TextPair> | Iterable<string | TextPair>,
    options: ManyClasses,
  ): AsyncGenerator<TextClassification[], void, void>;
}

const forms: Forms<TextClassificationOptions> = {
  ...lengthForms,
  topK: ['a whole number from 1, or null for all', (value) => value === null || isCount(value)],
  functionToApply: oneOf('softmax', 'sigmoid', 'none'),
};

type Result = TextClassification | TextClassification[];

export const textClassification: Task<
  string | TextPair,
  Result,
  TextClassificationOptions,
  SequenceClassifier
> = {
  isOne: (input) => !Array.isArray(input),
  check: checkText,
  sizeOf: (input) =>
    typeof input === 'string' ? input.length : input.text.length + (input.textPair?.length ?? 0),
  prepare(parts, options) {
    checkOptions(parts.task, options, forms);
    const { topK, functionToApply = defaultActivation(parts.model), truncation } = options;
    return async (texts) => {
      const rows = await classify(parts, texts, { truncation });
      return rows.map((logits) => best(activate(logits, functionToApply), parts.model, topK));
    };
  },
  // As Python has it: a text by itself gives a list, a pair by itself none.
  single: (result, input, { topK }) => (typeof input === 'string' && topK === undefined ? [result] : result),
};

function checkText(input: unknown, operation: string): string | TextPair {
  if (typeof input === 'string') return input;
  const { text, textPair } = (input ?? {}) as Partial<TextPair>;
  const isPair = typeof text === 'string' && (textPair === undefined || typeof textPair === 'string');
  if (isPair) return { text, textPair };
  throw new InputError({
    operation,
    expected: 'a text, or { text, textPair }',
    received: shown(input),
    remedy: 'pass a string for one text, a list of strings for several',
  });
}

/** Rows of scores, one a text. */
async function classify(
  parts: Parts<SequenceClassifier>,
  inputs: readonly (string | TextPair)[],
  options: LengthOptions,
): Promise<Float32Array[]> {
  const rows: Float32Array[] = new Array(inputs.length);
  const places = [...inputs.keys()];
  const pairOf = (place: number): string | undefined => {
    const input = inputs[place]!;
    return typeof input === 'string' ? undefined : input.textPair;
  };
  const hasPair = (place: number): boolean => pairOf(place) !== undefined;
  for (const group of [places.filter((place) => !hasPair(place)), places.filter(hasPair)]) {
    if (group.length === 0) continue;
    const chosen = group.map((place) => inputs[place]!);
    const texts = chosen.map((input) => (typeof input === 'string' ? input : input.text));
    const pairs = group.flatMap((place) => pairOf(place) ?? []);
    const encoded = encodeWithin(parts, texts, {
      ...options,
      ...(pairs.length > 0 ? { textPairs: pairs } : {}),
    });
    const logits = await logitRows(parts, encoded);
    group.forEach((place, i) => {
      rows[place] = logits[i]!;
    });
  }
  return rows;
}

function defaultActivation({ config }: SequenceClassifier): Activation {
  if (config.problem_type === 'regression') return 'none';
  const isMultiLabel = config.problem_type === 'multi_label_classification';
  return isMultiLabel || labelsOf(config).length === 1 ? 'sigmoid' : 'softmax';
}

function best(
  scores: Float64Array,
  { config }: SequenceClassifier,
  topK: number | null | undefined,
): TextClassification | TextClassification[] {
  const sorted = Array.from(scores, (score, i) => ({ label: labelOf(config, i), score }));
  sorted.sort((a, b) => b.score - a.score);
  return topK === undefined ? sorted[0]! : sorted.slice(0, topK ?? sorted.length);
}
