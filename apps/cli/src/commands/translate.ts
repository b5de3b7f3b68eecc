import { type Command, Option } from 'commander';
import { integerOption } from '../options.js';
import { answerAll, openPipeline } from '../pipelines/answers.js';
import { textsOf, wholeTextsOf } from '../pipelines/inputs.js';
import { addPipelineOptions, type PipelineFlags } from '../pipelines/options.js';

interface WritingFlags extends PipelineFlags {
  maxNewTokens?: number;
  minNewTokens?: number;
  numBeams?: number;
  noRepeatNgramSize?: number;
  truncation: boolean;
  from?: string;
  to?: string;
  lines?: boolean;
}

export function addTranslate(program: Command): void {
  const command = program
    .command('translate')
    .description('from one language to another, a text a line')
    .argument('[text...]', 'texts; without any, lines of files or standard input')
    .option('--from <language>', 'as the model names it: en')
    .option('--to <language>', 'as the model names it: de');
  addWritingOptions(command, 'read texts from files, one a line')
    .addHelpText(
      'after',
      `
Examples:
  weft translate --from en --to de "Two dogs run on the beach."
  weft translate -m google-t5/t5-small --from en --to fr -f book.txt > livre.txt
  zcat corpus.gz | weft translate -m ./out --json | gzip > translated.jsonl.gz`,
    )
    .action((args: string[], flags: WritingFlags, self: Command) => {
      const { from, to } = flags;
      if ((from === undefined) !== (to === undefined)) self.error('error: give --from and --to, or neither');
      return answerAll(async (signal) => {
        const task = from === undefined ? 'translation' : (`translation_${from}_to_${to!}` as const);
        const pipe = await openPipeline(task, flags, signal);
        return writing(textsOf(args, flags.file), flags, pipe, (texts, options) =>
          named(pipe.stream(texts, options), ({ translationText }) => translationText),
        );
      });
    });
}

export function addSummarize(program: Command): void {
  const command = program
    .command('summarize')
    .description('the short of a long text')
    .argument('[text...]', 'texts; without any, files or standard input, each one text')
    .option('--lines', 'each line of a file is a text of its own');
  addWritingOptions(command, 'read texts from files, one a file')
    .addHelpText(
      'after',
      `
Examples:
  weft summarize -f article.txt
  curl -s https://example.org/article.txt | weft summarize -m google-t5/t5-small --max-new-tokens 60
  weft summarize --lines -f articles.txt --json > summaries.jsonl`,
    )
    .action((args: string[], flags: WritingFlags) =>
      answerAll(async (signal) => {
        const pipe = await openPipeline('summarization', flags, signal);
        const texts = (flags.lines ? textsOf : wholeTextsOf)(args, flags.file);
        return writing(texts, flags, pipe, (each, options) =>
          named(pipe.stream(each, options), ({ summaryText }) => summaryText),
        );
      }),
    );
}

export function addText2Text(program: Command): void {
  const command = program
    .command('text2text')
    .description('whatever an encoder-decoder was trained to write for a text')
    .argument('[text...]', 'texts; without any, lines of files or standard input');
  addWritingOptions(command, 'read texts from files, one a line')
    .addHelpText(
      'after',
      `
Examples:
  weft text2text -m google/flan-t5-small "Is this review positive or negative? A joy."
  weft text2text -m ./out -f questions.txt --num-beams 4`,
    )
    .action((args: string[], flags: WritingFlags) =>
      answerAll(async (signal) => {
        const pipe = await openPipeline('text2text-generation', flags, signal);
        return writing(textsOf(args, flags.file), flags, pipe, (texts, options) =>
          named(pipe.stream(texts, options), ({ generatedText }) => generatedText),
        );
      }),
    );
}

function addWritingOptions(command: Command, whatIsRead: string): Command {
  command
    .addOption(integerOption('-n, --max-new-tokens <n>', 'length of the result at most'))
    .addOption(integerOption('--min-new-tokens <n>', 'length of the result at least'))
    .addOption(integerOption('--num-beams <n>', 'beam search over n beams; 1: the likeliest token each time'))
    .addOption(integerOption('--no-repeat-ngram-size <n>', 'never the same n tokens twice'))
    .addOption(new Option('--no-truncation', 'a text too long for the model is an error, not cut'));
  return addPipelineOptions(command, whatIsRead);
}

interface WritingOptions {
  batchSize: number;
  signal: AbortSignal;
  truncation: boolean;
  [option: string]: unknown;
}

function writing(
  inputs: AsyncIterable<string>,
  flags: WritingFlags,
  pipe: { dispose(): void },
  write: (texts: AsyncIterable<string>, options: WritingOptions) => AsyncIterable<string>,
) {
  const { maxNewTokens, minNewTokens, numBeams, noRepeatNgramSize, truncation, batchSize, json } = flags;
  return {
    inputs,
    noun: 'text',
    isBlank: (text: string) => text.trim() === '',
    answer: (texts: AsyncIterable<string>, signal: AbortSignal) =>
      write(texts, {
        batchSize,
        signal,
        truncation,
        maxNewTokens,
        minNewTokens,
        numBeams,
        noRepeatNgramSize,
      }),
    show: (text: string, result: string | undefined) =>
      // A line in, a line out.
      json
        ? `${JSON.stringify({ text, result: result ?? null })}\n`
        : `${(result ?? '').replace(/\s*\n\s*/g, ' ')}\n`,
    dispose: () => pipe.dispose(),
  };
}

/** The text of each result; only one is asked for, so that there is no list. */
async function* named<R>(
  results: AsyncIterable<R>,
  textOf: (result: Exclude<R, readonly unknown[]>) => string,
): AsyncGenerator<string, void, void> {
  for await (const result of results) yield textOf(result as Exclude<R, readonly unknown[]>);
}
