import { type Command, Option } from 'commander';
import { tableFormats } from '../data/source.js';
import { integerOption } from '../options.js';

/** Options that say how records are read, the same on every verb that reads files of them. */
export function addDataOptions(command: Command): Command {
  return command
    .optionsGroup('Data:')
    .addOption(new Option('--format <name>', 'of the files; default: by their names').choices(tableFormats))
    .option('--column-names <name...>', 'names of the columns, where the first line is data')
    .option('--text-column <name>', 'default: text or sentence')
    .option('--text-pair-column <name>', 'a second text')
    .option('--label-column <name>', 'default: label')
    .option('--label-separator <text>', 'between several labels of a text', '|')
    .option('--tokens-column <name>', 'words of a text, as an array or with spaces between; default: tokens')
    .option('--tags-column <name>', 'a tag for each word; default: tags')
    .option('--source-column <name>', 'texts to translate; default: source')
    .option('--target-column <name>', 'their translations; default: target')
    .option('--source-prefix <text>', 'put before each source, as T5 wants it', '')
    .addOption(
      integerOption(
        '--max-length <n>',
        'tokens at which a text is cut; default: 512, or what the model takes',
      ),
    )
    .addOption(integerOption('--max-target-length <n>', 'tokens at which a translation is cut').default(128))
    .addOption(
      integerOption('--doc-stride <n>', 'tokens that windows over a long context share').default(128),
    )
    .option('--skip-bad-rows', 'leave rows out that make no sense, and count them')
    .optionsGroup('Options:');
}
