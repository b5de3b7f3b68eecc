import { columnOf, ofFirstRow, textOf } from '../data/columns.js';
import {
  chooseLabels,
  type GivenLabel,
  type LabelSet,
  labelNames,
  labelNumber,
  type ProblemKind,
  requireExamples,
} from '../data/labels.js';
import type { Source } from '../data/source.js';
import { hasHead, textLimit } from '../training/checkpoint-info.js';
import { classificationMetrics, metricNames } from './classification-metrics.js';
import { encodeTexts, noteCut } from './encode.js';
import { type RecordReader, trainAndEvalRecords } from './records.js';
import { sequenceClassifier } from './sequence-classifier.js';
import { type DataFlags, loadOptions, type Task, type TaskContext, type TaskFlags } from './task.js';

export const problemTypes = {
  'single-label': 'single_label_classification',
  'multi-label': 'multi_label_classification',
  regression: 'regression',
} as const satisfies Record<ProblemKind, string>;

export interface ClassifiedText {
  text: string;
  textPair?: string;
  /** Classes by name; none for regression. */
  label: GivenLabel;
  /** For regression. */
  number?: number;
}

/** Reads texts, or pairs of them, with their labels. */
export function classifiedTexts(flags: DataFlags, kind: ProblemKind): RecordReader<ClassifiedText> {
  return (source) => {
    const columns = ofFirstRow((row) => ({
      text: columnOf(source, row, 'text', flags.textColumn),
      pair: flags.textPairColumn && columnOf(source, row, 'text-pair', flags.textPairColumn),
      label: columnOf(source, row, 'label', flags.labelColumn),
    }));
    return (row) => {
      const { text, pair, label } = columns(row);
      const value = row.values[label];
      const texts = {
        text: textOf(source, row, text),
        ...(pair ? { textPair: textOf(source, row, pair) } : {}),
      };
      if (kind === 'regression') {
        const number = labelNumber(source, row.line, value);
        return { ...texts, number, label: { source, line: row.line, names: [] } };
      }
      const names = labelNames(source, row.line, value, { kind, separator: flags.labelSeparator });
      return { ...texts, label: { source, line: row.line, names } };
    };
  };
}

/** Sorting texts into classes, or giving each a number. */
export async function classificationTask(flags: TaskFlags, context: TaskContext): Promise<Task> {
  const { tokenizer, info, note } = context;
  const kind = flags.problem;
  const maxLength = textLimit(info, tokenizer, flags.maxLength);
  const records = await trainAndEvalRecords(
    flags,
    classifiedTexts(flags, kind),
    ({ label }) => (kind === 'single-label' ? label.names[0] : ''),
    context,
  );
  const labels = kind === 'regression' ? undefined : labelsOfRun(records, flags, context);
  if (labels) {
    const used = new Set(records.train.flatMap(({ label }) => labels.idsOf(label)));
    if (!flags.allowEmptyClasses) requireExamples(labels, used, records.source);
  }
  const encode = (texts: readonly ClassifiedText[]): Task['train'] => {
    const targets = texts.map((text) => targetOf(text, kind, labels));
    const { examples, full } = encodeTexts(tokenizer, texts, maxLength);
    noteCut(note, full, texts.length, maxLength);
    return examples.map((example, i) => ({ ...example, labels: targets[i]! }));
  };
  const train = encode(records.train);
  const evaluation = encode(
    flags.skipBadRows ? knownOnly(records.evaluation, labels, note) : records.evaluation,
  );
  const { dataCollatorWithPadding } = await import('@weft/trainer');
  return {
    model: await sequenceClassifier(info, tokenizer, {
      ...loadOptions(flags, context),
      problemType: problemTypes[kind],
      ...(labels ? { id2label: labels.id2label } : { numLabels: 1 }),
    }),
    train,
    evaluation,
    collate: dataCollatorWithPadding({ tokenizer }),
    computeMetrics: await classificationMetrics(kind, labels?.names.length ?? 1),
    metrics: metricNames[kind],
    metric: { 'single-label': 'accuracy', 'multi-label': 'f1', regression: 'loss' }[kind],
    ...(labels ? { labels: labels.names } : {}),
  };
}

function labelsOfRun(
  { train, evaluation, source }: { train: ClassifiedText[]; evaluation: ClassifiedText[]; source: Source },
  flags: TaskFlags,
  { info }: TaskContext,
): LabelSet {
  // A split is one file's: a rare label may have gone to either side. A file of its own must name known labels.
  const known = evaluation[0]?.label.source.name === source.name ? [...train, ...evaluation] : train;
  return chooseLabels(new Set(known.flatMap(({ label }) => label.names)), {
    given: flags.labels,
    ignoreMismatchedSizes: flags.ignoreMismatchedSizes ?? false,
    stored: hasHead(info, 'ForSequenceClassification')
      ? { model: info.model, names: info.labels }
      : undefined,
  });
}

/** Leaves out what has a label that is none. */
export function knownOnly(
  texts: readonly ClassifiedText[],
  labels: LabelSet | undefined,
  note: (text: string) => void,
): ClassifiedText[] {
  const kept = texts.filter(({ label }) => labels === undefined || labels.knows(label));
  if (kept.length < texts.length) note(`left out ${texts.length - kept.length} texts with unknown labels`);
  return kept;
}

/** The label as the model's loss takes it: a class, a row of 0 and 1, or a number. */
export function targetOf(
  { label, number }: ClassifiedText,
  kind: ProblemKind,
  labels: LabelSet | undefined,
): number | number[] {
  if (kind === 'regression') return number!;
  const ids = labels!.idsOf(label);
  return kind === 'single-label' ? ids[0]! : labels!.names.map((_, id) => (ids.includes(id) ? 1 : 0));
}
