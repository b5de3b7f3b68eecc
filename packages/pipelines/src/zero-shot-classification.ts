/** Classes that are named when the question is asked: `zero-shot-classification`. */
import { InputError } from '@weft/errors';
import type { BasePipeline, Parts, Task } from './call.js';
import { encodeWithin, type LengthOptions, lengthForms } from './encode.js';
import { checkText } from './feature-extraction.js';
import { labelOf, labelsOf, logitRows, softmax } from './labels.js';
import type { SequenceClassifier } from './models.js';
import { type CallOptions, checkOptions, type Forms, flag, string, stringOrStrings } from './options.js';

export interface ZeroShotClassification {
  sequence: string;
  /** The candidates, the likeliest first. */
  labels: string[];
  /** Of each label. */
  scores: number[];
}

export interface ZeroShotClassificationOptions extends CallOptions, LengthOptions {
  /** The classes, in a list or in one string with commas between. */
  candidateLabels: string | readonly string[];
  /** A sentence with {} where the class goes. Default: `This example is {}.` */
  hypothesisTemplate?: string | undefined;
  /** Several classes may hold: each score stands for itself. Default: false, the scores sum to 1. */
  multiLabel?: boolean | undefined;
}

/** What `pipeline('zero-shot-classification')` gives. */
export interface ZeroShotClassificationPipeline
  extends BasePipeline<string, ZeroShotClassification, ZeroShotClassificationOptions, SequenceClassifier> {
  (text: string, options: ZeroShotClassificationOptions): Promise<ZeroShotClassification>;
  (texts: readonly string[], options: ZeroShotClassificationOptions): Promise<ZeroShotClassification[]>;
}

const forms: Forms<ZeroShotClassificationOptions> = {
  ...lengthForms,
  candidateLabels: stringOrStrings,
  hypothesisTemplate: string,
  multiLabel: flag,
};

/** The task for one model, which must know what follows from what. */
export function zeroShotClassification(
  parts: Parts<SequenceClassifier>,
): Task<string, ZeroShotClassification, ZeroShotClassificationOptions, SequenceClassifier> {
  const entailment = entailmentOf(parts);
  return {
    isOne: (input) => !Array.isArray(input),
    check: checkSequence,
    sizeOf: ({ length }) => length,
    prepare(_, options) {
      checkOptions(parts.task, options, forms);
      const { hypothesisTemplate = 'This example is {}.', multiLabel = false, truncation, signal } = options;
      const labels = candidatesOf(parts.task, options.candidateLabels);
      const hypotheses = labels.map((label) => fill(parts.task, hypothesisTemplate, label));
      const { batchSize = 8 } = options;
      return async (sequences) => {
        const pairs = sequences.flatMap((text) => hypotheses.map((textPair) => ({ text, textPair })));
        const rows: Float32Array[] = [];
        for (let from = 0; from < pairs.length; from += batchSize) {
          signal?.throwIfAborted();
          rows.push(...(await judge(parts, pairs.slice(from, from + batchSize), truncation)));
        }
        return sequences.map((sequence, i) => {
          const own = rows.slice(i * labels.length, (i + 1) * labels.length);
          const scores = scoresOf(own, entailment, multiLabel || labels.length === 1);
          return sorted(sequence, labels, scores);
        });
      };
    },
  };
}

async function judge(
  parts: Parts<SequenceClassifier>,
  pairs: readonly { text: string; textPair: string }[],
  truncation: boolean | undefined,
): Promise<Float32Array[]> {
  const texts = pairs.map(({ text }) => text);
  const textPairs = pairs.map(({ textPair }) => textPair);
  // The hypothesis stays whole.
  return logitRows(parts, encodeWithin(parts, texts, { textPairs, truncation }, 'only_first'));
}

/** How likely each hypothesis follows: among all, or each against its contradiction. */
function scoresOf(rows: readonly Float32Array[], entailment: number, isEachItsOwn: boolean): number[] {
  if (!isEachItsOwn) return Array.from(softmax(Float64Array.from(rows, (row) => row[entailment]!)));
  return rows.map((row) => {
    const contradiction = entailment === 0 ? row.length - 1 : 0;
    return softmax(Float64Array.of(row[contradiction]!, row[entailment]!))[1]!;
  });
}

function sorted(
  sequence: string,
  labels: readonly string[],
  scores: readonly number[],
): ZeroShotClassification {
  // Of equal scores transformers gives the last candidate first.
  const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || b - a);
  return { sequence, labels: order.map((i) => labels[i]!), scores: order.map((i) => scores[i]!) };
}

/** The class that says that the second text follows from the first; the last where no name says so. */
function entailmentOf({ task, model, modelName, warn }: Parts<SequenceClassifier>): number {
  const count = labelsOf(model.config).length;
  for (let id = 0; id < count; id++) {
    if (labelOf(model.config, id).toLowerCase().startsWith('entail')) return id;
  }
  warn(
    `${task}: none of the classes of ${modelName} is named entailment, the last of them is taken: ` +
      'the model may not be one of natural language inference',
  );
  return count - 1;
}

function candidatesOf(task: string, given: string | readonly string[] | undefined): string[] {
  const labels =
    typeof given === 'string' ? given.split(',').map((label) => label.trim()) : [...(given ?? [])];
  const named = labels.filter((label) => label !== '');
  if (named.length > 0) return named;
  throw new InputError({
    operation: task,
    expected: 'candidateLabels with at least one label',
    received: given === undefined ? 'none' : JSON.stringify(given),
    remedy: "pass { candidateLabels: ['sports', 'politics'] }",
  });
}

function fill(task: string, template: string, label: string): string {
  if (template.split('{}').length === 2) return template.replace('{}', () => label);
  throw new InputError({
    operation: task,
    expected: 'a hypothesisTemplate with {} once, where the label goes',
    received: JSON.stringify(template),
    remedy: 'write something like "This example is {}."',
  });
}

function checkSequence(input: unknown, operation: string): string {
  const sequence = checkText(input, operation);
  if (sequence !== '') return sequence;
  throw new InputError({
    operation,
    expected: 'a text that is not empty',
    received: '""',
    remedy: 'leave it out',
  });
}
