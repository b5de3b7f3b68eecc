import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { follow } from './follow.js';

const folder = mkdtempSync(join(tmpdir(), 'weft-follow-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('gives what stands there, then what is appended, whole lines only, and tells when it begins anew', async () => {
  const file = join(folder, 'train.jsonl');
  writeFileSync(file, '{"step":1,"loss":3}\nnot json\n{"step":2,"lo');
  const controller = new AbortController();
  const seen: unknown[] = [];
  const stages: (() => void)[] = [
    () => appendFileSync(file, 'ss":2.5}\n'),
    () => appendFileSync(file, '{"step":4,"loss":2,"eval_loss":2.25}\n'),
    () => writeFileSync(file, '{"step":1}\n'),
    () => {},
    () => controller.abort(),
  ];
  for await (const event of follow(file, { signal: controller.signal, everyMs: 5, quietMs: 60_000 })) {
    seen.push(event);
    stages.shift()?.();
  }
  expect(seen).toMatchObject([
    { type: 'history', entries: [{ step: 1, loss: 3 }] },
    { type: 'entry', entry: { step: 2, loss: 2.5 } },
    { type: 'entry', entry: { step: 4, loss: 2, metrics: { eval_loss: 2.25 } } },
    { type: 'reset' },
    { type: 'history', entries: [{ step: 1, loss: null }] },
  ]);
  const speeds = seen
    .slice(1, 3)
    .map((event) => (event as { entry: { stepsPerSecond: number } }).entry.stepsPerSecond);
  expect(speeds[0]).toBeNull();
  expect(speeds[1]).toBeGreaterThan(0);
});

it('says that it is quiet, and survives a file that goes away', async () => {
  const file = join(folder, 'gone.jsonl');
  writeFileSync(file, '');
  const controller = new AbortController();
  const seen: string[] = [];
  for await (const { type } of follow(file, { signal: controller.signal, everyMs: 2, quietMs: 5 })) {
    seen.push(type);
    if (type === 'quiet') controller.abort();
  }
  expect(seen).toEqual(['history', 'quiet']);
});
