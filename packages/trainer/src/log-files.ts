import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { CallbackContext, TrainerCallback } from './callbacks.js';
import type { LogEntry } from './state.js';
import { EventFileWriter } from './tensorboard.js';

/** Writes every log entry into loggingDir: as TensorBoard events and as lines of train.jsonl. */
export class LogFilesCallback implements TrainerCallback {
  #events: EventFileWriter | undefined;
  #lines: number | undefined;

  onTrainBegin({ args }: CallbackContext): void {
    if (args.loggingDir === undefined) return;
    mkdirSync(args.loggingDir, { recursive: true });
    this.#events = new EventFileWriter(args.loggingDir);
    this.#lines = openSync(join(args.loggingDir, 'train.jsonl'), 'a');
  }

  onLog({ state }: CallbackContext, entry: LogEntry): void {
    if (this.#lines === undefined) return;
    writeSync(this.#lines, `${JSON.stringify({ ...entry, step: state.globalStep })}\n`);
    for (const [name, value] of Object.entries(entry)) {
      if (name !== 'step') this.#events?.scalar(tag(name), value, state.globalStep);
    }
  }

  onTrainEnd(): void {
    this.#events?.close();
    if (this.#lines !== undefined) closeSync(this.#lines);
    this.#events = undefined;
    this.#lines = undefined;
  }
}

/** eval_loss -> eval/loss, loss -> train/loss, as Python's callback names them. */
function tag(name: string): string {
  return name.startsWith('eval_') ? `eval/${name.slice(5)}` : `train/${name}`;
}
