import type { TextClassification } from '@weft/pipelines';
import type { Command } from 'commander';
import { colors } from '../colors.js';
import { integerOption, repeatableOption } from '../options.js';
import { answerAll, openPipeline } from '../pipelines/answers.js';
import { textsOf } from '../pipelines/inputs.js';
import { addPipelineOptions, type PipelineFlags } from '../pipelines/options.js';

interface ClassifyFlags extends PipelineFlags {
  labels?: string[];
  template?: string;
  multiLabel?: boolean;
  topK?: number;
}

export function addClassify(program: Command): void {
  const command = program
    .command('classify')
    .description('which class a text is of: sentiment, or labels of your own')
    .argument('[text...]', 'texts; without any, lines of files or standard input')
    .addOption(
      repeatableOption('--labels <names>', 'your classes, parted by commas; no training (zero-shot)'),
    )
    .option('--template <sentence>', 'with --labels: a sentence with {} where a label goes')
    .option('--multi-label', 'with --labels: several may hold')
    .addOption(integerOption('-k, --top-k <k>', 'the k likeliest; 0: all'));
  addPipelineOptions(command, 'read texts from files, one a line')
    .addHelpText(
      'after',
      `
Examples:
  weft classify "I love using Transformers for NLP tasks!"
  weft classify --labels sport,politics,science "The comet passes Earth in June."
  weft classify -m ./out -f reviews.txt --json > scored.jsonl`,
    )
    .action((args: string[], flags: ClassifyFlags, self: Command) => {
      if (flags.labels === undefined && (flags.template !== undefined || flags.multiLabel)) {
        self.error('error: --template and --multi-label go with --labels');
      }
      return answerAll<string, TextClassification[]>(async (signal) => ({
        ...(await (flags.labels ? zeroShot : trained)(flags, signal)),
        inputs: textsOf(args, flags.file),
        noun: 'text',
        isBlank: (text) => text.trim() === '',
        show: (text, classes) => show(text, classes, flags.json === true),
      }));
    });
}

interface Classifier {
  answer: (texts: AsyncIterable<string>, signal: AbortSignal) => AsyncIterable<TextClassification[]>;
  dispose: () => void;
}

async function trained(flags: ClassifyFlags, signal: AbortSignal): Promise<Classifier> {
  const pipe = await openPipeline('text-classification', flags, signal);
  const topK = flags.topK === 0 ? null : (flags.topK ?? 1);
  const { batchSize } = flags;
  return {
    answer: (texts, stop) => pipe.stream(texts, { topK, batchSize, signal: stop }),
    dispose: () => pipe.dispose(),
  };
}

async function zeroShot(flags: ClassifyFlags, signal: AbortSignal): Promise<Classifier> {
  const pipe = await openPipeline('zero-shot-classification', flags, signal);
  const { template: hypothesisTemplate, multiLabel, batchSize, topK } = flags;
  const candidateLabels = flags.labels!.flatMap((label) => label.split(',')).map((label) => label.trim());
  async function* answer(
    texts: AsyncIterable<string>,
    stop: AbortSignal,
  ): AsyncGenerator<TextClassification[], void, void> {
    const options = { candidateLabels, hypothesisTemplate, multiLabel, batchSize, signal: stop };
    for await (const { labels, scores } of pipe.stream(texts, options)) {
      yield labels.map((label, i) => ({ label, score: scores[i]! })).slice(0, topK || undefined);
    }
  }
  return { answer, dispose: () => pipe.dispose() };
}

function show(text: string, classes: readonly TextClassification[] | undefined, json: boolean): string {
  if (json) return `${JSON.stringify({ text, classes: classes ?? null })}\n`;
  if (classes === undefined) return '\n';
  const width = Math.max(...classes.map(({ label }) => label.length));
  return classes
    .map(({ label, score }, i) => {
      const named = i === 0 ? colors.bold(label.padEnd(width)) : label.padEnd(width);
      return `${named}  ${score.toFixed(4)}  ${i === 0 ? colors.dim(oneLine(text)) : ''}`.trimEnd();
    })
    .join('\n')
    .concat('\n');
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ');
