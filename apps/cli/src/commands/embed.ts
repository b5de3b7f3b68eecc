import { type Command, Option } from 'commander';
import { answerAll, openPipeline } from '../pipelines/answers.js';
import { textsOf } from '../pipelines/inputs.js';
import { addPipelineOptions, type PipelineFlags } from '../pipelines/options.js';

interface EmbedFlags extends PipelineFlags {
  pooling: 'mean' | 'cls';
  normalize: boolean;
}

export function addEmbed(program: Command): void {
  const command = program
    .command('embed')
    .description('a vector for each text, to search and compare by')
    .argument('[text...]', 'texts; without any, lines of files or standard input')
    .addOption(
      new Option('--pooling <how>', "one vector of all tokens' or the first one's")
        .choices(['mean', 'cls'])
        .default('mean'),
    )
    .option('--no-normalize', 'leave the length of vectors as it is');
  addPipelineOptions(command, 'read texts from files, one a line')
    .addHelpText(
      'after',
      `
Each vector is a line of numbers, parted by spaces; with --json an object with the text. An empty line stays empty.

Examples:
  weft embed -m sentence-transformers/all-MiniLM-L6-v2 "a text" "another"
  weft embed -m ./out -f texts.txt > vectors.txt
  cat texts.txt | weft embed -m ./out --json > vectors.jsonl`,
    )
    .action((args: string[], flags: EmbedFlags) =>
      answerAll<string, number[]>(async (signal) => {
        const pipe = await openPipeline('feature-extraction', flags, signal);
        const { pooling, normalize, batchSize, json } = flags;
        return {
          inputs: textsOf(args, flags.file),
          noun: 'text',
          isBlank: (text) => text.trim() === '',
          answer: (texts, stop) => pipe.stream(texts, { pooling, normalize, batchSize, signal: stop }),
          show: (text, vector) =>
            json
              ? `${JSON.stringify({ text, embedding: vector ?? null })}\n`
              : `${vector?.join(' ') ?? ''}\n`,
          dispose: () => pipe.dispose(),
        };
      }),
    );
}
