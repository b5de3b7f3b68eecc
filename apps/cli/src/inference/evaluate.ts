import { DataError } from '@weft/errors';
import { bleu, chrf, squadMetrics } from '@weft/trainer';
import { collect, type Skipped } from '../data/collect.js';
import { LabelSet } from '../data/labels.js';
import { measured } from '../data/measured.js';
import { readRows } from '../data/rows.js';
import { sourceOf } from '../data/source.js';
import { readQuestions } from '../data/squad.js';
import { classifiedTexts, targetOf } from '../tasks/classification.js';
import { noteSkipped } from '../tasks/records.js';
import type { DataFlags } from '../tasks/task.js';
import { taggedWords } from '../tasks/token-classification.js';
import { textPairs } from '../tasks/translation.js';
import type { AnswerFinder } from './answer-finder.js';
import { inChunks } from './batches.js';
import { ClassificationEvaluation, type Evaluation, taggingEvaluation } from './evaluations.js';
import type { LoadedPredictor } from './load.js';
import type { TextClassifier } from './text-classifier.js';
import type { TextWriter } from './text-writer.js';
import type { WordTagger } from './word-tagger.js';

export interface EvaluateFlags extends DataFlags {
  data: string;
  batchSize: number;
  bins: number;
}

type Note = (text: string) => void;

/** Judges a loaded checkpoint on a file with labels. */
export function evaluateFile(
  loaded: LoadedPredictor,
  flags: EvaluateFlags,
  signal: AbortSignal,
  note: Note,
): Promise<Evaluation> {
  switch (loaded.task) {
    case 'classification':
      return evaluateClassifier(loaded.predictor, flags, signal, note);
    case 'token-classification':
      return evaluateTagger(loaded.predictor, flags, signal, note);
    case 'question-answering':
      return evaluateAnswers(loaded.predictor, flags, signal, note);
    case 'translation':
      return evaluateWriter(loaded.predictor, flags, signal, note);
  }
}

async function evaluateClassifier(
  classifier: TextClassifier,
  flags: EvaluateFlags,
  signal: AbortSignal,
  note: Note,
): Promise<Evaluation> {
  const { kind, labels: names } = classifier;
  const labels = new LabelSet(names, { numbered: true });
  const evaluation = new ClassificationEvaluation(kind, names);
  const { source, stop } = measured(sourceOf(flags.data, flags), flags.data);
  const read = classifiedTexts(flags, kind)(source);
  const skipped: Skipped = { count: 0, reasons: [] };
  try {
    for await (const rows of inChunks(readRows(source), flags.batchSize * 8)) {
      const texts = rows.flatMap((row) =>
        attempt(
          () => {
            const text = read(row);
            return { ...text, target: targetOf(text, kind, labels) };
          },
          flags,
          skipped,
        ),
      );
      const scores = await classifier.scores(texts, signal);
      for (const [i, { target }] of texts.entries()) evaluation.add(scores[i]!, target);
    }
  } finally {
    stop();
  }
  noteSkipped(note, skipped);
  const result = evaluation.result(flags.bins);
  if (result.examples > 0) return result;
  throw nothingToJudge(source.name);
}

function attempt<T>(make: () => T, { skipBadRows }: EvaluateFlags, skipped: Skipped): T[] {
  try {
    return [make()];
  } catch (error) {
    if (!skipBadRows || !(error instanceof DataError)) throw error;
    skipped.count++;
    if (skipped.reasons.length < 3) skipped.reasons.push(error.received);
    return [];
  }
}

async function evaluateTagger(
  tagger: WordTagger,
  flags: EvaluateFlags,
  signal: AbortSignal,
  note: Note,
): Promise<Evaluation> {
  const labels = new LabelSet(tagger.labels, { numbered: true });
  const { source, stop } = measured(sourceOf(flags.data, flags), flags.data);
  const read = taggedWords(flags)(source);
  const skipped: Skipped = { count: 0, reasons: [] };
  const [predictions, wanted]: [number[][], number[][]] = [[], []];
  try {
    for await (const rows of inChunks(readRows(source), flags.batchSize * 8)) {
      const texts = rows.flatMap((row) =>
        attempt(
          () => {
            const { words, tags } = read(row);
            return { words, ids: labels.idsOf(tags) };
          },
          flags,
          skipped,
        ),
      );
      const found = await tagger.tagIds(
        texts.map(({ words }) => words),
        signal,
      );
      texts.forEach(({ ids }, i) => {
        // Words beyond the cut have no prediction, and are not judged.
        const judged = ids.map((_, word) => word).filter((word) => found[i]![word]! >= 0);
        predictions.push(judged.map((word) => found[i]![word]!));
        wanted.push(judged.map((word) => ids[word]!));
      });
    }
  } finally {
    stop();
  }
  noteSkipped(note, skipped);
  if (wanted.length === 0) throw nothingToJudge(source.name);
  return taggingEvaluation(predictions, wanted, tagger.labels);
}

async function evaluateAnswers(
  finder: AnswerFinder,
  flags: EvaluateFlags,
  signal: AbortSignal,
  note: Note,
): Promise<Evaluation> {
  const skipped: Skipped = { count: 0, reasons: [] };
  const skip = (reason: string): void => {
    skipped.count++;
    if (skipped.reasons.length < 3) skipped.reasons.push(reason);
  };
  const questions = await readQuestions(flags.data, flags.skipBadRows ? { skip } : {});
  noteSkipped(note, skipped);
  const allowsNone = questions.some(({ answers }) => answers.length === 0);
  const found: string[] = [];
  const chunk = flags.batchSize * 8;
  for (let from = 0; from < questions.length; from += chunk) {
    const part = await finder.find(questions.slice(from, from + chunk), allowsNone, signal);
    found.push(...part.map(({ text }) => text));
  }
  const judge = (kept: (answerable: boolean) => boolean): { exactMatch: number; f1: number } => {
    const indices = questions.flatMap(({ answers }, i) => (kept(answers.length > 0) ? [i] : []));
    return squadMetrics(
      indices.map((i) => found[i]!),
      indices.map((i) => questions[i]!.answers.map(({ text }) => text)),
    );
  };
  const all = judge(() => true);
  const metrics: Record<string, number> = { exact_match: all.exactMatch, f1: all.f1 };
  if (allowsNone) {
    const [answerable, unanswerable] = [judge((has) => has), judge((has) => !has)];
    metrics.answerable_exact_match = answerable.exactMatch;
    metrics.answerable_f1 = answerable.f1;
    metrics.unanswerable_exact_match = unanswerable.exactMatch;
  }
  return { examples: questions.length, metrics };
}

async function evaluateWriter(
  writer: TextWriter,
  flags: EvaluateFlags,
  signal: AbortSignal,
  note: Note,
): Promise<Evaluation> {
  const source = sourceOf(flags.data, flags);
  const skipped: Skipped = { count: 0, reasons: [] };
  const pairs = await collect(source, textPairs(flags)(source), { skipBadRows: flags.skipBadRows, skipped });
  noteSkipped(note, skipped);
  const written: string[] = [];
  const chunk = flags.batchSize * 8;
  for (let from = 0; from < pairs.length; from += chunk) {
    const part = pairs.slice(from, from + chunk);
    written.push(
      ...(await writer.write(
        part.map((pair) => pair.source),
        signal,
      )),
    );
  }
  const references = pairs.map(({ target }) => [target]);
  return {
    examples: pairs.length,
    metrics: {
      bleu: bleu(written, references).score,
      chrf: chrf(written, references),
      exact_match: written.filter((text, i) => text === references[i]![0]).length / pairs.length,
    },
  };
}

function nothingToJudge(name: string): DataError {
  return new DataError({
    operation: `evaluate on ${name}`,
    expected: 'at least one example',
    received: 'none',
    remedy: 'name a file with labelled examples',
    file: name,
  });
}
