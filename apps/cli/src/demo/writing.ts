import { colors } from '../colors.js';
import { printLine } from '../terminal.js';
import { cast, pace, type Stage } from './stage.js';

const prompt = 'Once upon a time there was a';

/** Text, token by token. */
export async function writing({ signal }: Stage): Promise<void> {
  const folder = await cast('gpt2-mini');
  const { pipeline } = await import('@weft/pipelines');
  using write = await pipeline('text-generation', folder, { signal });
  const started = performance.now();
  process.stdout.write(colors.bold(prompt));
  let tokens = 0;
  const options = { maxNewTokens: 90, doSample: true, temperature: 0.7, topP: 0.9, seed: 7, signal };
  for await (const { text } of write.streamTokens(prompt, options)) {
    process.stdout.write(text);
    tokens++;
  }
  signal.throwIfAborted();
  printLine(`\n${pace(tokens, 'token', started)}`);
}
