import type { GenerationOptions } from '@weft/generation';
import type { GPT2LMHeadModel } from '@weft/gpt2';
import type { Command } from 'commander';
import { colors } from '../colors.js';
import { readTexts } from '../input.js';
import { withInterrupt } from '../interrupt.js';
import { integerOption, jsonOption, localFilesOnlyOption, numberOption, revisionOption } from '../options.js';
import { fileBars } from '../progress-bar.js';
import { note, printJson, printLine } from '../terminal.js';
import type { Tokenizer } from '../training/language-model.js';

interface GenerateFlags {
  model: string;
  maxNewTokens: number;
  temperature?: number;
  topK?: number;
  topP?: number;
  minP?: number;
  repetitionPenalty?: number;
  noRepeatNgramSize?: number;
  numBeams?: number;
  seed?: number;
  greedy?: boolean;
  stream: boolean;
  stop?: string[];
  json?: boolean;
  revision?: string;
  localFilesOnly?: boolean;
}

export function addGenerate(program: Command): void {
  program
    .command('generate')
    .description('let a language model go on with a text, token by token')
    .argument('[prompt...]', 'the beginning; without one, standard input')
    .requiredOption('-m, --model <model>', 'folder or id on the hub')
    .addOption(integerOption('-n, --max-new-tokens <n>', 'length of the continuation').default(100))
    .option('--greedy', 'always the likeliest token, no sampling')
    .addOption(numberOption('--temperature <t>', 'above 1 bolder, below 1 safer'))
    .addOption(integerOption('--top-k <k>', 'sample among the k likeliest'))
    .addOption(numberOption('--top-p <p>', 'sample among the likeliest that make up p'))
    .addOption(numberOption('--min-p <p>', 'drop tokens below p times the likeliest'))
    .addOption(numberOption('--repetition-penalty <x>', 'above 1: avoid what was said'))
    .addOption(integerOption('--no-repeat-ngram-size <n>', 'never the same n tokens twice'))
    .addOption(integerOption('--num-beams <n>', 'beam search over n beams'))
    .addOption(integerOption('--seed <n>', 'the same seed writes the same text'))
    .option('--stop <text...>', 'stop at any of these texts')
    .option('--no-stream', 'print when all is done')
    .addOption(revisionOption())
    .addOption(localFilesOnlyOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  weft generate -m ./out "The whale"
  weft generate -m gpt2 --greedy -n 20 "The quick brown fox" --json
  echo "Once upon a time" | weft generate -m gpt2 --top-p 0.9 --seed 1`,
    )
    .action(generate);
}

async function generate(args: string[], flags: GenerateFlags): Promise<void> {
  const prompt = (await readTexts(args.length > 0 ? [args.join(' ')] : []))[0]!;
  const [{ setBackend }, { GPT2LMHeadModel }, { AutoTokenizer }] = await Promise.all([
    import('@weft/backend'),
    import('@weft/gpt2'),
    import('@weft/tokenizer'),
  ]);
  await setBackend();
  const bars = fileBars();
  const load = { ...flags, onProgress: bars.update };
  const tokenizer = await AutoTokenizer.fromPretrained(flags.model, load);
  using model = await GPT2LMHeadModel.fromPretrained(flags.model, load).finally(() => bars.stop());
  const { inputIds } = tokenizer.encodeBatch([prompt]);
  await withInterrupt(async (signal) => {
    const options = { ...generationOptions(flags), tokenizer, signal };
    const started = performance.now();
    if (flags.stream && !flags.json && (flags.numBeams ?? 1) === 1) {
      const count = await stream(model, tokenizer, prompt, inputIds, options);
      const seconds = (performance.now() - started) / 1000;
      note(`${count} tokens in ${seconds.toFixed(2)} s, ${(count / seconds).toFixed(1)} tokens/s`);
      return;
    }
    const [ids] = await model.generate(inputIds, options);
    const text = tokenizer.decode(ids!, { skipSpecialTokens: true });
    const seconds = (performance.now() - started) / 1000;
    if (flags.json) printJson({ model: flags.model, prompt, text, ids, seconds });
    else printLine(text);
  });
}

/** Prints the text as it comes; gives the number of tokens. */
async function stream(
  model: GPT2LMHeadModel,
  tokenizer: Tokenizer,
  prompt: string,
  inputIds: number[][],
  options: GenerationOptions,
): Promise<number> {
  process.stdout.write(colors.bold(prompt));
  const decoder = tokenizer.decodeStream({ skipSpecialTokens: true });
  let count = 0;
  for await (const { tokens } of model.generateStream(inputIds, options)) {
    process.stdout.write(decoder.push(tokens[0]!));
    count++;
  }
  process.stdout.write(`${decoder.end()}\n`);
  return count;
}

function generationOptions(flags: GenerateFlags): GenerationOptions {
  const samples = !flags.greedy && (flags.numBeams ?? 1) === 1;
  const {
    maxNewTokens,
    temperature,
    topK,
    topP,
    minP,
    repetitionPenalty,
    noRepeatNgramSize,
    numBeams,
    seed,
    stop,
  } = flags;
  return {
    maxNewTokens,
    doSample: samples,
    ...(samples ? { temperature, topK, topP, minP, seed: seed ?? Math.floor(Math.random() * 2 ** 32) } : {}),
    repetitionPenalty,
    noRepeatNgramSize,
    numBeams,
    stopStrings: stop,
  } as GenerationOptions;
}
