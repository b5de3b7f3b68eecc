import type { Command } from 'commander';
import { colors } from '../colors.js';
import { integerOption, localFilesOnlyOption } from '../options.js';
import { note, printLine } from '../terminal.js';

interface ServeFlags {
  host: string;
  port: number;
  model?: string[];
  modelsRoot?: string[];
  watch?: string;
  maxBatch?: number;
  maxQueue?: number;
  maxNewTokens?: number;
  deadline?: number;
  threads?: number;
  localFilesOnly?: boolean;
  log?: boolean;
}

export function addServe(program: Command): void {
  program
    .command('serve')
    .description("models over HTTP: OpenAI's completions and embeddings, pipelines, a web page")
    .option('--host <address>', 'others than this machine need WEFT_API_KEYS', '127.0.0.1')
    .addOption(integerOption('--port <n>', '0: any that is free').default(8080))
    .option('-m, --model <model...>', 'folders or ids on the hub; default: small ones')
    .option('--models-root <folder...>', 'folders whose models may be asked for by name')
    .option('--watch <folder>', 'show the training that writes its logs there')
    .addOption(integerOption('--max-batch <n>', 'requests that go through a model together'))
    .addOption(integerOption('--max-queue <n>', 'requests that wait for a model; more get 429'))
    .addOption(integerOption('--max-new-tokens <n>', 'tokens of one completion at most'))
    .addOption(integerOption('--deadline <ms>', 'a request ends by then'))
    .addOption(integerOption('--threads <n>', 'of the native kernels'))
    .addOption(localFilesOnlyOption())
    .option('--log', 'a line a request on standard error; never its text')
    .addHelpText(
      'after',
      `
Examples:
  weft serve
  weft serve -m ./out -m gpt2 --port 3000
  WEFT_API_KEYS=$(openssl rand -hex 16) weft serve --host 0.0.0.0 -m ./out`,
    )
    .action(run);
}

async function run(flags: ServeFlags): Promise<void> {
  const { serve } = await import('@weft/demo-server');
  const { model, modelsRoot, deadline, log, localFilesOnly, ...rest } = flags;
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(1);
    note('stopping: what runs may end first; press again to stop at once');
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    await serve({
      ...rest,
      ...(model
        ? { models: model.map((source) => ({ source, ...(localFilesOnly ? { localFilesOnly } : {}) })) }
        : {}),
      ...(modelsRoot ? { modelRoots: modelsRoot } : {}),
      ...(deadline === undefined ? {} : { deadlineMs: deadline }),
      logger: log === true,
      signal: controller.signal,
      onNotice: note,
      onListening: (address) => {
        printLine(`${colors.bold(address)}  ${colors.dim(`documentation at ${address}/docs`)}`);
        note('loading models');
      },
      onReady: (models) => note(`ready: ${models.join(', ')}`),
    });
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}
