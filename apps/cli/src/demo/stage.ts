import type { MiniModelName } from '@weft/mini-models';
import type { TrainerCallback } from '@weft/trainer';
import { colors } from '../colors.js';
import { printLine } from '../terminal.js';

/** What every chapter is given. */
export interface Stage {
  signal: AbortSignal;
  /** Where models go that a chapter trains. */
  outputDir: string;
  /** How long the glimpse of pre-training trains, in seconds, about. */
  seconds: number;
}

/** A part of the demo. */
export type Chapter = (stage: Stage) => Promise<void>;

/** One of weft's own small models, by its folder; says that it answers now. */
export async function cast(name: MiniModelName): Promise<string> {
  const { miniModel } = await import('@weft/mini-models');
  const { folder, description } = miniModel(name);
  printLine(colors.dim(`${name} answers: ${description}`));
  return folder;
}

/** Ends a training after so much time, whatever its plan: nobody waits for a demo on a slow machine. */
export function within(seconds: number): TrainerCallback {
  let started = 0;
  return {
    onTrainBegin: () => {
      started = performance.now();
    },
    onStepEnd: ({ control }) => {
      if (performance.now() - started > seconds * 1000) control.shouldTrainingStop = true;
    },
  };
}

/** '12 tokens in 0.31 s, 39 a second'. */
export function pace(amount: number, noun: string, started: number): string {
  const seconds = (performance.now() - started) / 1000;
  return colors.dim(
    `${amount} ${noun}s in ${seconds.toFixed(2)} s, ${Number((amount / seconds).toPrecision(2))} a second`,
  );
}

/** Marks a part of a text: by colour on a terminal, by brackets elsewhere. */
export const lit = (text: string): string =>
  colors.isColorSupported ? colors.bold(colors.inverse(text)) : `[${text}]`;

/** Lines no longer than a terminal is wide, and than a reader likes. */
export function wrap(text: string, width = Math.min(process.stdout.columns || 80, 100)): string {
  const lines: string[] = [''];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1)!;
    if (last !== '' && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.join('\n');
}
