import { InputError } from '@weft/errors';
import type { Command } from 'commander';
import { colors } from '../colors.js';
import type { MaskFiller } from '../inference/mask-filler.js';
import { readTexts } from '../input.js';
import { integerOption, jsonOption, localFilesOnlyOption, revisionOption } from '../options.js';
import { note, printJson, printLine, printTable } from '../terminal.js';

interface FillMaskFlags {
  model: string;
  topK: number;
  file?: string;
  json?: boolean;
  revision?: string;
  localFilesOnly?: boolean;
}

export function addFillMask(program: Command): void {
  program
    .command('fill-mask')
    .description('what stands under a mask, likeliest first')
    .argument('[text...]', "a text with the model's mask token; without one, standard input")
    .requiredOption('-m, --model <model>', 'folder or id on the hub')
    .addOption(integerOption('-k, --top-k <k>', 'how many for each mask').default(5))
    .option('-f, --file <path>', 'read texts from a file, one a line')
    .addOption(revisionOption())
    .addOption(localFilesOnlyOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  weft fill-mask -m bert-base-uncased "Paris is the [MASK] of France."
  weft fill-mask -m roberta-base "Paris is the <mask> of France." -k 3 --json
  echo "The [MASK] sank [MASK] the sea." | weft fill-mask -m ./out`,
    )
    .action(fillMask);
}

async function fillMask(args: string[], flags: FillMaskFlags): Promise<void> {
  const texts = await readTexts(args.length > 0 ? [args.join(' ')] : [], flags.file);
  if (flags.topK < 1) {
    throw new InputError({
      operation: 'fill-mask',
      expected: 'a --top-k of at least 1',
      received: String(flags.topK),
      remedy: 'ask for one at least',
    });
  }
  const [{ setBackend }, { MaskFiller }] = await Promise.all([
    import('@weft/backend'),
    import('../inference/mask-filler.js'),
  ]);
  await setBackend();
  using filler = await MaskFiller.load(flags.model, { ...flags, warn: note });
  for (const text of texts) print(text, filler.fill(text, flags.topK), flags.json === true);
}

function print(text: string, masks: ReturnType<MaskFiller['fill']>, json: boolean): void {
  if (json) {
    printJson({ text, masks });
    return;
  }
  masks.forEach((candidates, mask) => {
    if (masks.length > 1) printLine(colors.bold(`mask ${mask + 1}`));
    printTable(
      ['score', 'token', 'text'],
      candidates.map(({ score, token, sequence }) => [score.toFixed(4), token, sequence]),
    );
  });
}
