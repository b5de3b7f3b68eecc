import type { EntityGroup } from '@weft/pipelines';
import { type Command, Option } from 'commander';
import { colors } from '../colors.js';
import { integerOption } from '../options.js';
import { answerAll, openPipeline } from '../pipelines/answers.js';
import { textsOf } from '../pipelines/inputs.js';
import { addPipelineOptions, type PipelineFlags } from '../pipelines/options.js';

interface NerFlags extends PipelineFlags {
  strategy: 'simple' | 'first' | 'average' | 'max';
  stride?: number;
}

export function addNer(program: Command): void {
  const command = program
    .command('ner')
    .description('names in a text: people, places, whatever the model was trained to find')
    .argument('[text...]', 'texts; without any, lines of files or standard input')
    .addOption(
      new Option('--strategy <name>', 'how tokens of one name become one')
        .choices(['simple', 'first', 'average', 'max'])
        .default('simple'),
    )
    .addOption(integerOption('--stride <n>', 'go through long texts in windows that share n tokens'));
  addPipelineOptions(command, 'read texts from files, one a line')
    .addHelpText(
      'after',
      `
Each name is a line: its class, score, place in the text, and itself, parted by tabs; an empty line ends each text.

Examples:
  weft ner "Ada Lovelace lived in London."
  weft ner -m ./out -f letters.txt --json | jq -r '.entities[].word'`,
    )
    .action((args: string[], flags: NerFlags) =>
      answerAll<string, EntityGroup[]>(async (signal) => {
        const pipe = await openPipeline('token-classification', flags, signal);
        const { strategy: aggregationStrategy, stride, batchSize, json } = flags;
        return {
          inputs: textsOf(args, flags.file),
          noun: 'text',
          isBlank: (text) => text.trim() === '',
          answer: (texts, stop) =>
            pipe.stream(texts, { aggregationStrategy, stride, batchSize, signal: stop }),
          show: (text, entities) =>
            json ? `${JSON.stringify({ text, entities: entities ?? null })}\n` : show(text, entities ?? []),
          dispose: () => pipe.dispose(),
        };
      }),
    );
}

function show(text: string, entities: readonly EntityGroup[]): string {
  const lines = entities.map(({ entityGroup, score, start, end }) =>
    [colors.cyan(entityGroup), score.toFixed(4), `${start}-${end}`, colors.bold(text.slice(start, end))].join(
      '\t',
    ),
  );
  return `${[...lines, ''].join('\n')}\n`;
}
