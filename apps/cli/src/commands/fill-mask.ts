import type { MaskFilling, MaskFillings } from '@weft/pipelines';
import type { Command } from 'commander';
import { colors } from '../colors.js';
import { integerOption, repeatableOption } from '../options.js';
import { answerAll, openPipeline } from '../pipelines/answers.js';
import { textsOf } from '../pipelines/inputs.js';
import { addPipelineOptions, type PipelineFlags } from '../pipelines/options.js';

interface FillMaskFlags extends PipelineFlags {
  topK: number;
  targets?: string[];
}

export function addFillMask(program: Command): void {
  const command = program
    .command('fill-mask')
    .description('what stands under a mask, likeliest first')
    .argument('[text...]', "texts with the model's mask token; without any, lines of files or standard input")
    .addOption(integerOption('-k, --top-k <k>', 'how many for each mask').default(5))
    .addOption(repeatableOption('--targets <tokens>', 'choose among these alone, parted by commas'));
  addPipelineOptions(command, 'read texts from files, one a line')
    .addHelpText(
      'after',
      `
Examples:
  weft fill-mask -m bert-base-uncased "Paris is the [MASK] of France."
  weft fill-mask -m roberta-base "Paris is the <mask> of France." -k 3 --json
  weft fill-mask -m ./out --targets he,she "The nurse said that [MASK] was tired."
  echo "The [MASK] sank [MASK] the sea." | weft fill-mask -m ./out`,
    )
    .action((args: string[], flags: FillMaskFlags) =>
      answerAll<string, MaskFillings>(async (signal) => {
        const pipe = await openPipeline('fill-mask', flags, signal);
        const { topK, batchSize } = flags;
        const targets = flags.targets?.flatMap((names) => names.split(',')).map((name) => name.trim());
        return {
          inputs: textsOf(args, flags.file),
          isBlank: (text) => text.trim() === '',
          answer: (texts, stop) => pipe.stream(texts, { topK, targets, batchSize, signal: stop }),
          show: (text, fillings) => show(text, fillings, flags.json === true),
          dispose: () => pipe.dispose(),
          noun: 'text',
        };
      }),
    );
}

/** A list for each mask, also where there is one alone. */
function show(text: string, fillings: MaskFillings | undefined, json: boolean): string {
  const masks = (Array.isArray(fillings?.[0]) ? fillings : fillings && [fillings]) as
    | MaskFilling[][]
    | undefined;
  if (json) return `${JSON.stringify({ text, masks: masks ?? null })}\n`;
  if (masks === undefined) return '\n';
  const width = Math.max(...masks.flat().map(({ tokenStr }) => tokenStr.trim().length));
  const lines = masks.flatMap((candidates, mask) => [
    ...(masks.length > 1 ? [colors.bold(`mask ${mask + 1}`)] : []),
    ...candidates.map(({ score, tokenStr, sequence }) =>
      `${score.toFixed(4)}  ${colors.bold(tokenStr.trim().padEnd(width))}  ${colors.dim(sequence)}`.trimEnd(),
    ),
  ]);
  return `${lines.join('\n')}\n`;
}
