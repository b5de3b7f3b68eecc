import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LogTarget } from './arguments.js';
import type { CallbackContext, TrainerCallback } from './callbacks.js';
import type { LogEntry } from './state.js';
import { EventFileWriter } from './tensorboard.js';

/** Writes every log entry into loggingDir: as TensorBoard events and as lines of train.jsonl. */
export class LogFilesCallback implements TrainerCallback {
  #events: EventFileWriter | undefined;

  onTrainBegin(): void {
    this.#events = undefined;
  }

  onLog({ args, state }: CallbackContext, entry: LogEntry): void {
    const { loggingDir, reportTo } = args;
    if (loggingDir === undefined) return;
    const wants = (target: LogTarget): boolean =>
      typeof reportTo === 'string' ? reportTo === 'all' : reportTo.includes(target);
    if (wants('jsonl')) {
      mkdirSync(loggingDir, { recursive: true });
      const line = JSON.stringify({ ...entry, step: state.globalStep });
      appendFileSync(join(loggingDir, 'train.jsonl'), `${line}\n`);
    }
    if (!wants('tensorboard')) return;
    this.#events ??= new EventFileWriter(loggingDir);
    for (const [name, value] of Object.entries(entry)) {
      this.#events.scalar(tag(name), value, state.globalStep);
    }
  }
}

/** eval_loss -> eval/loss, test_loss -> test/loss, loss -> train/loss, as Python's callback names them. */
function tag(name: string): string {
  const [, kind, rest] = /^(eval|test)_(.*)$/.exec(name) ?? [];
  return kind ? `${kind}/${rest}` : `train/${name}`;
}
