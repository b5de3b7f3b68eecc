import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { colors } from './colors.js';
import { addAnswer } from './commands/answer.js';
import { addClassify } from './commands/classify.js';
import { addCompletion } from './commands/completion.js';
import { addConvert } from './commands/convert.js';
import { addDemo } from './commands/demo.js';
import { addDoctor } from './commands/doctor.js';
import { addDownload } from './commands/download.js';
import { addEmbed } from './commands/embed.js';
import { addEvaluate } from './commands/evaluate.js';
import { addFillMask } from './commands/fill-mask.js';
import { addFinetune } from './commands/finetune.js';
import { addGenerate } from './commands/generate.js';
import { addInspect } from './commands/inspect.js';
import { addNer } from './commands/ner.js';
import { addPredict } from './commands/predict.js';
import { addPretrain } from './commands/pretrain.js';
import { addServe } from './commands/serve.js';
import { addTensorflow } from './commands/tensorflow.js';
import { addTokenize } from './commands/tokenize.js';
import { addTrainTokenizer } from './commands/train-tokenizer.js';
import { addSummarize, addText2Text, addTranslate } from './commands/translate.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const groups: Record<string, readonly ((program: Command) => void)[]> = {
  'Ask a model:': [
    ...[addGenerate, addTranslate, addSummarize, addAnswer, addClassify, addNer],
    ...[addEmbed, addFillMask, addText2Text, addServe],
  ],
  'Train:': [addPretrain, addFinetune, addEvaluate, addPredict, addTrainTokenizer, addDemo],
  'Look at models and carry them:': [addInspect, addTokenize, addDownload, addConvert],
  'This machine:': [addDoctor, addTensorflow, addCompletion],
};

/** All verbs. Each loads what it needs when it runs, so that `weft --help` answers at once. */
export function buildProgram(): Command {
  const program = new Command('weft')
    .description('Transformers for TypeScript: train, run and save Hugging Face checkpoints in Node.')
    .version(version)
    .option('--debug', 'show stack traces')
    .configureHelp({ styleTitle: (title) => colors.bold(title), showGlobalOptions: true })
    .showHelpAfterError('(weft --help lists what there is)')
    .addHelpText(
      'after',
      '\nThe backend is chosen by itself; `weft doctor` tells which. WEFT_BACKEND and\nWEFT_NUM_THREADS overrule it.',
    )
    .exitOverride();
  for (const [heading, verbs] of Object.entries(groups)) {
    program.commandsGroup(heading);
    for (const add of verbs) add(program);
  }
  program.helpCommand(true); // with the last group
  for (const command of program.commands) command.exitOverride();
  return program;
}
