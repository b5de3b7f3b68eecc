import type { Tokenizer } from '@weft/tokenizer';
import type { Command } from 'commander';
import { readTexts } from '../input.js';
import { jsonOption, localFilesOnlyOption, revisionOption } from '../options.js';
import { printJson, printLine, printTable } from '../terminal.js';

interface TokenizeOptions {
  tokenizer: string;
  file?: string;
  ids?: boolean;
  decode?: boolean;
  specialTokens: boolean;
  json?: boolean;
  revision?: string;
  localFilesOnly?: boolean;
}

export function addTokenize(program: Command): void {
  program
    .command('tokenize')
    .description('text to tokens and ids, and back')
    .argument('[text...]', 'texts; without any, standard input')
    .requiredOption('-t, --tokenizer <model>', 'folder or id on the hub')
    .option('-f, --file <path>', 'read texts from a file, one a line')
    .option('--ids', 'print the ids alone, one text a line')
    .option('--decode', 'the other way: read ids, print text')
    .option('--no-special-tokens', 'leave out [CLS], </s> and the like')
    .addOption(revisionOption())
    .addOption(localFilesOnlyOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  weft tokenize -t ./out "Call me Ishmael."
  echo "Call me Ishmael." | weft tokenize -t ./out --ids
  weft tokenize -t ./out --decode 15496 995`,
    )
    .action(async (args: string[], options: TokenizeOptions) => {
      const { AutoTokenizer } = await import('@weft/tokenizer');
      const tokenizer = await AutoTokenizer.fromPretrained(options.tokenizer, options);
      const texts = await readTexts(
        options.decode ? (args.length ? [args.join(' ')] : []) : args,
        options.file,
      );
      for (const text of texts) {
        if (options.decode) printLine(tokenizer.decode(parseIds(text)));
        else printEncoding(tokenizer, text, options);
      }
    });
}

function printEncoding(tokenizer: Tokenizer, text: string, options: TokenizeOptions): void {
  const { inputIds, offsetsMapping } = tokenizer.encodeBatch([text], {
    addSpecialTokens: options.specialTokens,
    returnOffsetsMapping: true,
  });
  const ids = inputIds[0]!;
  const tokens = tokenizer.convertIdsToTokens(ids);
  const offsets = offsetsMapping![0]!;
  if (options.json) {
    printJson({ text, ids, tokens, offsets });
    return;
  }
  if (options.ids) {
    printLine(ids.join(' '));
    return;
  }
  printTable(
    ['token', 'id', 'characters', 'text'],
    ids.map((id, i) => {
      const [start, end] = offsets[i]!;
      return [tokens[i]!, id, `${start}-${end}`, JSON.stringify(text.slice(start, end))];
    }),
  );
  printLine(`${ids.length} tokens, ${text.length} characters`);
}

function parseIds(text: string): number[] {
  return text
    .split(/[\s,[\]]+/)
    .filter((part) => part !== '')
    .map(Number);
}
