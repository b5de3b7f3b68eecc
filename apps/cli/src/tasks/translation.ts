import type { Tokenizer } from '@weft/tokenizer';
import type { ComputeMetrics, TokenizedExample } from '@weft/trainer';
import { columnOf, ofFirstRow, textOf } from '../data/columns.js';
import { textLimit } from '../training/checkpoint-info.js';
import { encodeTexts, noteCut } from './encode.js';
import { type RecordReader, trainAndEvalRecords } from './records.js';
import { sequenceToSequence } from './sequence-to-sequence.js';
import { type DataFlags, loadOptions, type Task, type TaskContext, type TaskFlags } from './task.js';

export interface TextPair {
  source: string;
  target: string;
}

export function textPairs(flags: DataFlags): RecordReader<TextPair> {
  return (source) => {
    const columns = ofFirstRow((row) => ({
      source: columnOf(source, row, 'source', flags.sourceColumn),
      target: columnOf(source, row, 'target', flags.targetColumn),
    }));
    return (row) => {
      const names = columns(row);
      return { source: textOf(source, row, names.source), target: textOf(source, row, names.target) };
    };
  };
}

/** Text to text: translation, and whatever else source and target say. */
export async function translationTask(flags: TaskFlags, context: TaskContext): Promise<Task> {
  const { tokenizer, info, note } = context;
  const maxLength = textLimit(info, tokenizer, flags.maxLength);
  const maxTargetLength = Math.min(flags.maxTargetLength, info.maxTokens);
  const { train, evaluation } = await trainAndEvalRecords(flags, textPairs(flags), () => '', context);
  const encode = (pairs: readonly TextPair[]): TokenizedExample[] => {
    const sources = pairs.map(({ source }) => ({ text: flags.sourcePrefix + source }));
    const encoded = encodeTexts(tokenizer, sources, maxLength);
    noteCut(note, encoded.full, pairs.length, maxLength);
    const targets = pairs.map(({ target }) => ({ text: target }));
    const { examples } = encodeTexts(tokenizer, targets, maxTargetLength);
    return encoded.examples.map((example, i) => ({
      inputIds: example.inputIds,
      attentionMask: example.attentionMask!,
      labels: examples[i]!.inputIds,
    }));
  };
  const examples = { train: encode(train), evaluation: encode(evaluation) };
  const { dataCollatorForSeq2Seq } = await import('@weft/trainer');
  const model = await sequenceToSequence(info.model, loadOptions(flags, context));
  const start = model.generationDefaults.decoderStartTokenId;
  const { numBeams } = flags;
  return {
    model,
    ...examples,
    collate: dataCollatorForSeq2Seq({
      tokenizer,
      ...(typeof start === 'number' ? { decoderStartTokenId: start } : {}),
    }),
    // BLEU is 0 for targets of three words or fewer, and then tells nothing apart.
    metric: flags.predictWithGenerate ? 'chrf' : 'loss',
    metrics: flags.predictWithGenerate ? ['bleu', 'chrf'] : [],
    ...(flags.predictWithGenerate
      ? {
          computeMetrics: await translationMetrics(
            tokenizer,
            evaluation.map(({ target }) => target),
          ),
          generate: { maxLength: maxTargetLength, ...(numBeams === undefined ? {} : { numBeams }) },
        }
      : {}),
  };
}

async function translationMetrics(
  tokenizer: Tokenizer,
  references: readonly string[],
): Promise<ComputeMetrics> {
  const { bleu, chrf } = await import('@weft/trainer');
  return ({ generated }) => {
    const texts = tokenizer.decodeBatch(generated, { skipSpecialTokens: true });
    return {
      bleu: bleu(
        texts,
        references.map((reference) => [reference]),
      ).score,
      chrf: chrf(
        texts,
        references.map((reference) => [reference]),
      ),
    };
  };
}
