import type { Tokenizer } from '@weft/tokenizer';
import type { ComputeMetrics, TokenizedExample } from '@weft/trainer';
import { columnOf, ofFirstRow, wordsOf } from '../data/columns.js';
import { chooseLabels, type GivenLabel, requireExamples } from '../data/labels.js';
import { badRow } from '../data/source.js';
import { hasHead, textLimit } from '../training/checkpoint-info.js';
import { noteCut } from './encode.js';
import { type RecordReader, trainAndEvalRecords } from './records.js';
import { type DataFlags, loadOptions, type Task, type TaskContext, type TaskFlags } from './task.js';

/** The label of tokens that count in no loss. */
const ignored = -100;

export interface TaggedWords {
  words: string[];
  tags: GivenLabel;
}

/** Reads words with a tag each. */
export function taggedWords(flags: DataFlags): RecordReader<TaggedWords> {
  return (source) => {
    const columns = ofFirstRow((row) => ({
      tokens: columnOf(source, row, 'tokens', flags.tokensColumn),
      tags: columnOf(source, row, 'tags', flags.tagsColumn),
    }));
    return (row) => {
      const { tokens, tags } = columns(row);
      const words = wordsOf(source, row, tokens);
      const names = wordsOf(source, row, tags);
      if (words.length === names.length) return { words, tags: { source, line: row.line, names } };
      throw badRow(source, row.line, {
        expected: `a tag for each of the ${words.length} words`,
        received: `${names.length} tags`,
        remedy: 'correct that row',
      });
    };
  };
}

/** Words as tokens, and which token begins which word; words beyond the cut begin none. */
export interface EncodedWords {
  example: TokenizedExample;
  /** For each word the token that it begins with, or -1 where it was cut off or has none. */
  firstTokens: number[];
}

/** Texts given as words: joined by spaces, each token led back to its word by where it stands. */
export function encodeWords(
  tokenizer: Tokenizer,
  rows: readonly (readonly string[])[],
  maxLength: number,
): EncodedWords[] {
  const { inputIds, attentionMask, tokenTypeIds, offsetsMapping, specialTokensMask } = tokenizer.encodeBatch(
    rows.map((words) => words.join(' ')),
    { truncation: true, maxLength, returnOffsetsMapping: true, returnSpecialTokensMask: true },
  );
  return rows.map((words, r) => {
    const firstTokens = words.map(() => -1);
    let word = 0;
    let end = words[0]!.length;
    offsetsMapping![r]!.forEach(([from, to], token) => {
      if (specialTokensMask![r]![token] === 1 || to <= from) return;
      // The last character tells: a token may begin with the space before its word.
      while (to > end && word < words.length - 1) end += 1 + words[++word]!.length;
      if (firstTokens[word] === -1) firstTokens[word] = token;
    });
    const example: TokenizedExample = {
      inputIds: inputIds[r]!,
      attentionMask: attentionMask[r]!,
      ...(tokenTypeIds ? { tokenTypeIds: tokenTypeIds[r]! } : {}),
    };
    return { example, firstTokens };
  });
}

/** Gives every word a tag, such as names of people and places; a word's first token stands for it. */
export async function tokenClassificationTask(flags: TaskFlags, context: TaskContext): Promise<Task> {
  const { tokenizer, info, note } = context;
  const maxLength = textLimit(info, tokenizer, flags.maxLength);
  const records = await trainAndEvalRecords(flags, taggedWords(flags), () => '', context);
  const known = flags.evalFile === undefined ? [...records.train, ...records.evaluation] : records.train;
  const labels = chooseLabels(new Set(known.flatMap(({ tags }) => tags.names)), {
    given: flags.labels,
    ignoreMismatchedSizes: flags.ignoreMismatchedSizes ?? false,
    stored: hasHead(info, 'ForTokenClassification') ? { model: info.model, names: info.labels } : undefined,
  });
  const used = new Set(records.train.flatMap(({ tags }) => labels.idsOf(tags)));
  if (!flags.allowEmptyClasses) requireExamples(labels, used, records.source);
  const encode = (texts: readonly TaggedWords[]): TokenizedExample[] => {
    const encoded = encodeWords(
      tokenizer,
      texts.map(({ words }) => words),
      maxLength,
    );
    noteCut(
      note,
      encoded.filter(({ firstTokens }) => firstTokens.at(-1) === -1).length,
      texts.length,
      maxLength,
    );
    return encoded.map(({ example, firstTokens }, i) => {
      const ids = labels.idsOf(texts[i]!.tags);
      const row = example.inputIds.map(() => ignored);
      firstTokens.forEach((token, word) => {
        if (token >= 0) row[token] = ids[word]!;
      });
      return { ...example, labels: row };
    });
  };
  const [{ AutoModelForTokenClassification }, { dataCollatorWithPadding }] = await Promise.all([
    import('@weft/bert'),
    import('@weft/trainer'),
  ]);
  const [train, evaluation] = [encode(records.train), encode(records.evaluation)];
  return {
    model: await AutoModelForTokenClassification.fromPretrained(info.model, {
      ...loadOptions(flags, context),
      id2label: labels.id2label,
    }),
    train,
    evaluation,
    collate: dataCollatorWithPadding({ tokenizer }),
    computeMetrics: await tokenMetrics(labels.names),
    metric: 'f1',
    metrics: hasEntities(labels.names) ? ['accuracy', 'f1', 'precision', 'recall'] : ['accuracy', 'f1'],
    labels: labels.names,
  };
}

/** Whether tags mark runs of words: B-PER, I-PER. */
const hasEntities = (names: readonly string[]): boolean => names.some((name) => /^[BI]-/.test(name));

/** Over whole entities where tags are of the kind B-, I-; else over words. */
export async function tokenMetrics(names: readonly string[]): Promise<ComputeMetrics> {
  const { classificationReport, entityScores } = await import('@weft/trainer');
  return ({ predictions, labels }) => {
    const rows = (labels as number[][]).map((row, i) => readTags(predictions[i]!, row, names.length));
    const predicted = rows.map((row) => row.map(([guess]) => guess));
    const wanted = rows.map((row) => row.map(([, label]) => label));
    const { accuracy, macro } = classificationReport(predicted.flat(), wanted.flat(), names.length);
    if (!hasEntities(names)) return { accuracy, f1: macro.f1 };
    const tags = (ids: number[][]): string[][] => ids.map((row) => row.map((id) => names[id]!));
    const { micro } = entityScores(tags(predicted), tags(wanted));
    return { accuracy, ...micro };
  };
}

/** The likeliest class and the label of each token that has one. */
function readTags(scores: Float32Array, labels: readonly number[], classes: number): [number, number][] {
  return labels.flatMap((label, token): [number, number][] => {
    if (label === ignored) return [];
    let best = 0;
    for (let c = 1; c < classes; c++)
      if (scores[token * classes + c]! > scores[token * classes + best]!) best = c;
    return [[best, label]];
  });
}
