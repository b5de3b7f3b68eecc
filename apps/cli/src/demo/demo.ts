import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { colors } from '../colors.js';
import { duration, heading, printLine } from '../terminal.js';
import { answering } from './answering.js';
import { filling } from './filling.js';
import { fineTuning } from './fine-tuning.js';
import { judging } from './judging.js';
import { pretraining } from './pretraining.js';
import type { Chapter } from './stage.js';
import { translating } from './translating.js';
import { writing } from './writing.js';

/** By title, in order. */
const chapters: Readonly<Record<string, Chapter>> = {
  Writing: writing,
  Translating: translating,
  'Answering questions': answering,
  'Telling praise from blame': judging,
  'Filling gaps': filling,
  'Fine-tuning': fineTuning,
  'A glimpse of pre-training': pretraining,
};

export interface DemoOptions {
  seconds: number;
  outputDir?: string;
}

/** The whole of weft on this machine, without a network. */
export async function demo({ seconds, outputDir: given }: DemoOptions, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  const { setBackend } = await import('@weft/backend');
  const backend = await setBackend();
  printLine(
    colors.dim(`Six models that weft has trained itself, on the ${backend} backend; nothing is downloaded.`),
  );
  const outputDir = given ?? (await mkdtemp(join(tmpdir(), 'weft-demo-')));
  let isWhole = false;
  try {
    for (const [i, [title, chapter]] of Object.entries(chapters).entries()) {
      signal.throwIfAborted();
      heading(`${i === 0 ? '' : '\n'}${i + 1}. ${title}`);
      await chapter({ signal, outputDir, seconds });
    }
    isWhole = true;
  } finally {
    // A folder of the demo's own is of use to nobody half filled.
    if (!isWhole && given === undefined) await rm(outputDir, { recursive: true, force: true });
  }
  goOn(outputDir);
  printLine(colors.dim(`\n${duration((performance.now() - started) / 1000)} in all`));
}

/** How to ask for the command, where it is not on the path. */
const command = process.env.npm_lifecycle_event === 'demo' ? 'node apps/cli/dist/bin.js' : 'weft';

function goOn(outputDir: string): void {
  const ways: Record<string, string[]> = {
    'ask what was just trained': [
      `classify -m ${join(outputDir, 'sentiment')} "The tests pass."`,
      `generate -m ${join(outputDir, 'moby-dick')} "The captain"`,
    ],
    'a real checkpoint of the hub': [
      'download openai-community/gpt2 -o gpt2',
      'generate -m ./gpt2 "The captain"',
    ],
    'one of your own, from your texts': [
      'finetune -m google-bert/bert-base-uncased --train reviews.csv --output-dir out',
    ],
    'these models over HTTP, with a web page': ['serve'],
  };
  heading('\nGo on');
  for (const [what, lines] of Object.entries(ways)) {
    printLine(colors.dim(what));
    for (const line of lines) printLine(`  ${command} ${line}`);
  }
}
