/** `npm run serve`: the server by itself, for a clone. `weft serve` is the same with help and colours. */
import { parseArgs } from 'node:util';
import { isWeftError } from '@weft/errors';
import { serve } from './serve.js';

const HELP = `npm run serve -- [options]

  -m, --model <folder or id>   may be given several times; default: small models
  --models-root <folder>       a folder whose models may be asked for by name
  --host <address>             default 127.0.0.1; others need WEFT_API_KEYS
  --port <n>                   default 8080
  --watch <folder>             show the training that writes its logs there
  --log                        a line a request, without its text
`;

const options = {
  host: { type: 'string' },
  port: { type: 'string' },
  model: { type: 'string', multiple: true, short: 'm' },
  'models-root': { type: 'string', multiple: true },
  watch: { type: 'string' },
  log: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const controller = new AbortController();
const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // Whoever asks twice does not want to wait.
    if (controller.signal.aborted) process.exit(1);
    say('Stopping: what runs may end first.');
    controller.abort();
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  await serve({
    signal: controller.signal,
    ...(values.host === undefined ? {} : { host: values.host }),
    ...(values.port === undefined ? {} : { port: Number(values.port) }),
    ...(values.model === undefined ? {} : { models: values.model }),
    ...(values['models-root'] === undefined ? {} : { modelRoots: values['models-root'] }),
    ...(values.watch === undefined ? {} : { watch: values.watch }),
    logger: values.log === true,
    onNotice: say,
    onListening: (address) => say(`Listening on ${address} (API: ${address}/docs); loading models.`),
    onReady: (models) => say(`Ready: ${models.join(', ')}.`),
  });
}

try {
  await main();
} catch (error) {
  say(isWeftError(error) || error instanceof TypeError ? error.message : String(error));
  process.exitCode = 1;
}
