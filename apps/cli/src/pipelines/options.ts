import type { Command } from 'commander';
import {
  integerOption,
  jsonOption,
  localFilesOnlyOption,
  repeatableOption,
  revisionOption,
  tokenOption,
} from '../options.js';

/** What every verb over a pipeline takes. */
export interface PipelineFlags {
  model?: string;
  file?: string[];
  batchSize: number;
  revision?: string;
  localFilesOnly?: boolean;
  token?: string;
  json?: boolean;
}

/** Adds the options that these verbs share, behind their own. */
export function addPipelineOptions(command: Command, whatIsRead: string): Command {
  return command
    .option('-m, --model <model>', 'folder or id on the hub; default: one for the task')
    .addOption(repeatableOption('-f, --file <path>', `${whatIsRead}; "-" for standard input`))
    .addOption(integerOption('--batch-size <n>', 'texts that go through the model at once').default(8))
    .addOption(revisionOption())
    .addOption(localFilesOnlyOption())
    .addOption(tokenOption())
    .addOption(jsonOption());
}
