import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixture, weft } from './weft.js';

const tiny = fixture('gpt2/fixtures/tiny');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const text = Array.from(
  { length: 120 },
  (_, i) =>
    `The weaver threw shuttle number ${i % 7} across the loom and sang of the ${['sea', 'hill', 'moon'][i % 3]}.`,
).join('\n\n');

describe('weft as a process', () => {
  it('helps, with examples, and answers --version', async () => {
    const { code, stdout } = await weft(['generate', '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Examples:/);
    expect((await weft(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each([
    [['no-such-verb'], /unknown command/],
    [['generate', '-m', tiny, '--top-k', 'many', 'x'], /whole number/],
    [['tokenize', 'text'], /required option/],
  ])('says how %j is wrong, with exit code 2', async (args, message) => {
    const { code, stderr, stdout } = await weft(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
  });

  it('tells a mistake in four lines without a stack trace', async () => {
    const { code, stderr } = await weft(['inspect', './no-such-folder']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/expected .*\n {2}received .*\n {2}remedy /);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect((await weft(['--debug', 'inspect', './no-such-folder'])).stderr).toMatch(/\n\s+at /);
  });

  it('inspects a checkpoint, for people and for programs', async () => {
    const { stdout } = await weft(['inspect', tiny]);
    expect(stdout).toContain('gpt2 (GPT2LMHeadModel)');
    expect(stdout).not.toContain('\u001b[');
    const { parameters, tensors } = JSON.parse((await weft(['inspect', tiny, '--json'])).stdout) as {
      parameters: number;
      tensors: unknown[];
    };
    expect(tensors).toHaveLength(28);
    expect(parameters).toBeGreaterThan(30_000);
  });

  it('reports on backends', async () => {
    const report = JSON.parse((await weft(['doctor', '--json'])).stdout) as {
      active: string;
      backends: object[];
    };
    expect(report.backends).toHaveLength(4);
    expect(['native', 'wasm']).toContain(report.active);
    const wasm = await weft(['doctor', '--json'], { env: { WEFT_BACKEND: 'wasm' } });
    expect(JSON.parse(wasm.stdout)).toMatchObject({ active: 'wasm' });
    expect((await weft(['doctor'], { env: { WEFT_BACKEND: 'abacus' } })).code).toBe(1);
  });
});

describe('from text to a model that writes', () => {
  const pretrain = (out: string, ...more: string[]): string[] => [
    ...[
      'pretrain',
      '--data',
      join(folder, 'text.txt'),
      '--output-dir',
      join(folder, out),
      '--vocab-size',
      '300',
    ],
    ...['--layers', '1', '--width', '32', '--heads', '2', '--context', '32', '--held-out', '0.1', ...more],
  ];
  beforeAll(() => writeFileSync(join(folder, 'text.txt'), text));

  it('pretrains, tokenizes there and back, generates by seed and streams', async () => {
    const trained = await weft([
      ...pretrain('out', '--max-steps', '30', '--learning-rate', '0.01', '--json'),
    ]);
    expect(trained.stderr).toMatch(/step \d+\/30/);
    const { heldOutLoss, unigramLoss } = JSON.parse(trained.stdout) as Record<string, number>;
    expect(heldOutLoss).toBeLessThan(unigramLoss!);
    const out = join(folder, 'out');
    expect(readdirSync(out)).toEqual(
      expect.arrayContaining(['config.json', 'model.safetensors', 'tokenizer.json']),
    );

    const ids = (await weft(['tokenize', '-t', out, '--ids', 'The weaver sang.'])).stdout.trim();
    expect(ids).toMatch(/^\d+( \d+)+$/);
    expect((await weft(['tokenize', '-t', out, '--decode'], { input: ids })).stdout).toBe(
      'The weaver sang.\n',
    );

    const args = ['generate', '-m', out, '-n', '12', '--seed', '3', 'The weaver'];
    const first = JSON.parse((await weft([...args, '--json'])).stdout) as { text: string };
    const again = JSON.parse((await weft([...args, '--json'])).stdout) as { text: string };
    expect(first.text).toBe(again.text);
    expect(first.text.startsWith('The weaver')).toBe(true);
    const streamed = await weft(args);
    expect(streamed.stdout).toBe(`${first.text}\n`);
    expect(streamed.stderr).toMatch(/12 tokens in .* tokens\/s/);
  }, 120_000);

  it('saves at Ctrl-C, says how to go on, and goes on', async () => {
    const args = pretrain('stopped', '--max-steps', '3000', '--logging-steps', '5');
    const stopped = await weft(args, { interruptAt: /step 10\// });
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain('--resume');
    const checkpoint = readdirSync(join(folder, 'stopped')).find((name) => name.startsWith('checkpoint-'));
    expect(checkpoint).toBeDefined();
    const step = Number(checkpoint!.split('-')[1]);
    const more = pretrain('stopped', '--max-steps', String(step + 5), '--logging-steps', '1', '--resume');
    const resumed = await weft(more);
    expect(resumed.code).toBe(0);
    expect(resumed.stderr).toContain(`step ${step + 1}/`);
    expect(resumed.stderr).not.toContain(`step ${step - 1}/`);
    expect(existsSync(join(folder, 'stopped', 'model.safetensors'))).toBe(true);
  }, 120_000);
});
