import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFixture } from '@weft/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CallbackContext, EventFileWriter, resolveArguments, type TrainingArguments } from './index.js';
import { LogFilesCallback } from './log-files.js';
import { crc32c } from './tensorboard.js';

const { meta } = readFixture(new URL('../fixtures/trainer.safetensors', import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-events-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('event files', () => {
  it("hold the bytes that TensorBoard's own writer writes", () => {
    const events = new EventFileWriter(folder, 1500);
    events.scalar('train/loss', 2.5, 300, 2250);
    events.scalar('eval/größe', -1e-7, 70_000, 3000);
    expect(readFileSync(events.path).toString('hex')).toBe(meta.events);
  });

  it('check by CRC-32C, with the check value of its definition', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });
});

describe('logs in loggingDir', () => {
  const write = (loggingDir: string, reportTo?: TrainingArguments['reportTo']): void => {
    const args = resolveArguments({ outputDir: folder, loggingDir, ...(reportTo ? { reportTo } : {}) });
    const callback = new LogFilesCallback();
    const context = { args, state: { globalStep: 5 } } as CallbackContext;
    callback.onLog(context, { loss: 2, epoch: 0.5 });
    callback.onLog(context, { eval_loss: 3, epoch: 1 });
  };

  it('are lines of JSON and events under the tags that Python uses', () => {
    const loggingDir = join(folder, 'logs');
    write(loggingDir);
    const lines = readFileSync(join(loggingDir, 'train.jsonl'), 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { loss: 2, epoch: 0.5, step: 5 },
      { eval_loss: 3, epoch: 1, step: 5 },
    ]);
    const events = readdirSync(loggingDir).filter((name) => name.startsWith('events.out.tfevents.'));
    expect(events).toHaveLength(1);
    const content = readFileSync(join(loggingDir, events[0]!), 'latin1');
    for (const tag of ['train/loss', 'train/epoch', 'eval/loss']) expect(content).toContain(tag);
  });

  it.each(['none', ['jsonl'], ['tensorboard']] as const)(
    'are only what reportTo %j asks for',
    async (reportTo) => {
      const loggingDir = join(folder, `only-${String(reportTo)}`);
      write(loggingDir, reportTo);
      const names = existsSync(loggingDir) ? readdirSync(loggingDir) : [];
      expect(names.map((name) => (name === 'train.jsonl' ? 'jsonl' : 'tensorboard'))).toEqual(
        reportTo === 'none' ? [] : [...reportTo],
      );
    },
  );
});
