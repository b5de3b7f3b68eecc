import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { csv, json, reviews, run, scratch, smallBert } from './support.js';

const { path, write } = scratch();
beforeAll(async () => {
  const bert = await smallBert(path('bert'));
  write('reviews.csv', csv(reviews));
  const args = [
    '--output-dir',
    path('model'),
    '--learning-rate',
    '0.01',
    '--num-train-epochs',
    '3',
    '--disable-progress',
  ];
  const { code, stderr } = await run('finetune', '-m', bert, '--train', path('reviews.csv'), ...args);
  if (code !== 0) throw new Error(stderr);
});

describe('weft evaluate', () => {
  // Eight texts, of which the labels of two are turned round: what the model gets right is then known.
  const judged = (): string => {
    const rows = reviews
      .slice(0, 8)
      .map(({ text, label }, i) => ({ text, label: i === 1 || i === 3 ? 'bad' : label }));
    return write('judged.csv', csv(rows));
  };

  it('counts, class by class, and says whether the model is as right as it is sure', async () => {
    const found = json<{
      task: string;
      examples: number;
      metrics: Record<string, number>;
      classes: Record<string, Record<string, number>>;
      confusion: number[][];
      calibration: { bins: { count: number }[] };
    }>(await run('evaluate', '-m', path('model'), '--data', judged(), '--charts', path('charts'), '--json'));
    expect(found).toMatchObject({
      task: 'classification',
      examples: 8,
      confusion: [
        [4, 2],
        [0, 2],
      ],
    });
    expect(found.metrics.accuracy).toBe(0.75);
    expect(found.classes.good).toMatchObject({ precision: 0.5, recall: 1, support: 2 });
    expect(found.calibration.bins.reduce((sum, { count }) => sum + count, 0)).toBe(8);
    // The model is sure of all eight and right about six.
    expect(found.metrics.expected_calibration_error).toBeGreaterThan(0.15);
    expect(readdirSync(path('charts')).sort()).toEqual(['confusion.svg', 'reliability.svg']);
  });

  it('prints tables for people', async () => {
    const { stdout } = await run('evaluate', '-m', path('model'), '--data', judged());
    expect(stdout).toMatch(/8 examples\n/);
    expect(stdout).toMatch(/accuracy +0\.7500/);
    expect(stdout).toMatch(/class +precision +recall +f1 +examples/);
    expect(stdout).toMatch(/bad +4 +2\ngood +0 +2\n/);
    expect(stdout).toMatch(/reliability/);
  });

  it('reads files without a header', async () => {
    const file = write('bare.tsv', reviews.map(({ text, label }) => `${text}\t${label}`).join('\n'));
    const names = ['--column-names', 'text', 'label'];
    const { metrics } = json<{ metrics: Record<string, number> }>(
      await run('evaluate', '-m', path('model'), '--data', file, ...names, '--json'),
    );
    expect(metrics.accuracy).toBe(1);
  });
});

describe('weft predict', () => {
  it('puts the prediction behind each row, in order, in each format', async () => {
    const rows = [...reviews].reverse().map((row, id) => ({ id, ...row }));
    write('rows.csv', csv(rows));
    const args = ['predict', '-m', path('model'), '--data', path('rows.csv'), '--batch-size', '4'];
    const lines = (await run(...args)).stdout.trim().split('\n');
    const told = lines.map(
      (line) => JSON.parse(line) as { id: string; label: string; prediction: string; score: number },
    );
    expect(told.map(({ id }) => Number(id))).toEqual(rows.map(({ id }) => id));
    expect(told.every(({ label, prediction, score }) => label === prediction && score > 0.5)).toBe(true);

    await run(...args, '--all-scores', '-o', path('told.csv'));
    const [header, first] = readFileSync(path('told.csv'), 'utf8').split('\n');
    expect(header).toBe('id,text,label,prediction,score,scores');
    expect(first).toMatch(/^0,.*,good,good,0\.\d+,"\{""bad"":/);
    await run(...args, '-o', path('told.tsv'));
    expect(readFileSync(path('told.tsv'), 'utf8').split('\n')[1]!.split('\t')).toHaveLength(5);
  });

  it('leaves the file as it was at Ctrl-C', async () => {
    const lines = Array.from({ length: 40_000 }, (_, i) => reviews[i % reviews.length]!.text);
    const [file, out] = [write('many.txt', lines.join('\n')), write('kept.jsonl', 'before\n')];
    const bin = new URL('../dist/bin.js', import.meta.url).pathname;
    const args = [bin, 'predict', '-m', path('model'), '--data', file, '-o', out];
    const env = { ...process.env, HF_HUB_OFFLINE: '1' };
    const child = execFile(process.execPath, args, { env });
    let told = '';
    child.stderr!.on('data', (chunk: string) => {
      told += chunk;
    });
    // Its temporary file shows that it is writing.
    while (!readdirSync(path()).some((name) => /^kept\.jsonl\..*tmp$/.test(name)))
      await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGINT');
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect([code, readFileSync(out, 'utf8')]).toEqual([130, 'before\n']);
    expect(told).toContain('is as it was before');
    expect(readdirSync(path()).filter((name) => name.startsWith('kept'))).toEqual(['kept.jsonl']);
  }, 180_000);

  it('stands in a pipe', async () => {
    const bin = new URL('../dist/bin.js', import.meta.url).pathname;
    const lines = reviews.slice(0, 3).map(({ text }) => text);
    const answer = await new Promise<string>((resolve, reject) => {
      const args = [bin, 'predict', '-m', path('model')];
      const child = execFile(
        process.execPath,
        args,
        { env: { ...process.env, HF_HUB_OFFLINE: '1' } },
        (error, stdout) => (error ? reject(error) : resolve(stdout)),
      );
      child.stdin!.end(lines.join('\n'));
    });
    const told = answer
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(told.map(({ text }) => text)).toEqual(lines);
    expect(told.map(({ prediction }) => prediction)).toEqual(['bad', 'good', 'bad']);
  });
});

describe('weft pretrain --objective mlm', () => {
  it('learns words under masks, which fill-mask then tells', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weft-cli-'));
    try {
      const text = Array.from(
        { length: 400 },
        (_, i) => `The ${['otter', 'heron'][i % 2]} likes ${['rivers', 'marshes'][i % 2]} in summer.`,
      ).join('\n\n');
      const out = join(folder, 'bert');
      const ran = await run(
        ...[
          'pretrain',
          '--objective',
          'mlm',
          '--whole-word-mask',
          '--data',
          write('text.txt', text),
          '--output-dir',
          out,
        ],
        ...[
          '--vocab-size',
          '60',
          '--layers',
          '1',
          '--width',
          '32',
          '--heads',
          '2',
          '--context',
          '16',
          '--dropout',
          '0',
        ],
        ...['--learning-rate', '0.01', '--num-train-epochs', '6', '--disable-progress', '--json'],
      );
      const { heldOutLoss, unigramLoss } = json<Record<string, number>>(ran);
      expect(heldOutLoss).toBeLessThan(unigramLoss! / 2);
      expect(existsSync(join(out, 'loss.svg'))).toBe(true);

      const { masks } = json<{ masks: { tokenStr: string; score: number; sequence: string }[][] }>(
        await run('fill-mask', '-m', out, 'The otter likes [MASK] in summer.', '-k', '2', '--json'),
      );
      expect(masks).toHaveLength(1);
      expect(masks[0]![0]).toMatchObject({
        tokenStr: 'rivers',
        sequence: 'the otter likes rivers in summer.',
      });
      expect(masks[0]![0]!.score).toBeGreaterThan(masks[0]![1]!.score);
      const two = await run('fill-mask', '-m', out, 'The [MASK] likes [MASK] .');
      expect(two.stdout).toMatch(/mask 1\n0\.\d{4} +\S+ +.*\[MASK\]/);
      const none = await run('fill-mask', '-m', out, 'The otter');
      expect([none.code, none.stderr]).toEqual([1, expect.stringMatching(/\[MASK\] in each text/)]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 180_000);
});
