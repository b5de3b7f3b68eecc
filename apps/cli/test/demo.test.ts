import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { miniModels } from '@weft/mini-models';
import { afterAll, describe, expect, it } from 'vitest';
import { sparkline } from '../src/demo/pretraining.js';
import { films, heldOut, toLearn } from '../src/demo/sentences.js';
import { lit, wrap } from '../src/demo/stage.js';
import { weft } from './weft.js';

const folder = mkdtempSync(join(tmpdir(), 'weft-demo-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const titles = [
  '1. Writing',
  '2. Translating',
  '3. Answering questions',
  '4. Telling praise from blame',
  '5. Filling gaps',
  '6. Fine-tuning',
  '7. A glimpse of pre-training',
  'Go on',
];

it('runs to its end without a network, naming each model', async () => {
  const out = join(folder, 'out');
  const { code, stdout, stderr } = await weft(['demo', '--seconds', '1', '--output-dir', out]);
  expect(stderr).not.toContain('error');
  expect(code).toBe(0);
  expect(stdout.split('\n').filter((line) => titles.includes(line))).toEqual(titles);
  for (const { name } of miniModels()) expect(stdout).toContain(`${name} answers`);
  // Nothing of a terminal reaches a pipe.
  expect(stdout).not.toContain('\u001b');

  expect(stdout).toMatch(/Once upon a time there was a\S* \S+/);
  expect(stdout).toMatch(/\[[^\]]+\]/);
  const [, before, after] = /engineers, learnt from\s+(\d+) of 96\s+(\d+) of 96/.exec(stdout)!;
  expect(Number(after)).toBeGreaterThan(Number(before));
  const [, first, last] = /^loss ([\d.]+) \S+ ([\d.]+)$/m.exec(stdout)!;
  expect(Number(last)).toBeLessThan(Number(first));
  for (const model of ['sentiment', 'moby-dick']) {
    expect(readdirSync(join(out, model))).toEqual(
      expect.arrayContaining(['config.json', 'model.safetensors', 'tokenizer.json']),
    );
    expect(stdout).toContain(join(out, model));
  }

  const judged = await weft(['classify', '-m', join(out, 'sentiment'), toLearn[0]!.text]);
  expect(judged.stdout).toContain('POSITIVE');
}, 240_000);

describe('stopped', () => {
  it.each([
    ['fine-tunes', /step 20\/\d+/],
    ['pre-trains', /passes over the book/],
  ])(
    'ends with 130 at Ctrl-C while it %s, and leaves nothing behind',
    async (_, interruptAt) => {
      const mine = mkdtempSync(join(folder, 'tmp-'));
      const { code, stdout, stderr } = await weft(['demo', '--seconds', '600'], {
        interruptAt,
        env: { TMPDIR: mine },
      });
      expect(stderr).toContain('stopping');
      expect(code).toBe(130);
      expect(stdout).not.toContain('Go on');
      expect(
        existsSync(mine) ? readdirSync(mine).filter((name) => name.startsWith('weft-demo')) : [],
      ).toEqual([]);
    },
    240_000,
  );
});

it('has as many sentences of praise as of blame, and judges by none that were learnt', () => {
  for (const set of [toLearn, heldOut, films]) {
    expect(set.filter(({ isPraise }) => isPraise)).toHaveLength(set.length / 2);
  }
  const learnt = new Set(toLearn.map(({ text }) => text));
  expect(heldOut.filter(({ text }) => learnt.has(text))).toEqual([]);
});

it('draws, marks and wraps', () => {
  expect(sparkline([3, 2, 1])).toBe('█▅▁');
  expect(sparkline([1, 1])).toBe('▁▁');
  expect(lit('here')).toContain('here');
  expect(wrap('one two three', 8)).toBe('one two\nthree');
});
