import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { csv, json, reviews, run, scratch, smallBert, smallMarian, smallT5 } from './support.js';

const { path, write } = scratch();
let bert: string;
beforeAll(async () => {
  bert = await smallBert(path('bert'));
  write('reviews.csv', csv(reviews));
});

interface Result {
  steps: number;
  trainLoss: number;
  metrics: Record<string, number>;
  labels: string[];
}

const quick = ['--learning-rate', '0.01', '--disable-progress', '--json'];
const finetune = (out: string, ...args: string[]): string[] => [
  'finetune',
  '-m',
  bert,
  '--output-dir',
  path(out),
  ...quick,
  ...args,
];

describe('weft finetune', () => {
  it('learns classes, draws the run, saves model and tokenizer', async () => {
    const ran = await run(...finetune('classes', '--train', path('reviews.csv'), '--num-train-epochs', '4'));
    const result = json<Result>(ran);
    expect(ran.stderr).toMatch(/86 examples to learn from, 10 to judge on/);
    expect(result.labels).toEqual(['bad', 'good']);
    expect(result.metrics.eval_accuracy).toBe(1);
    const files = readdirSync(path('classes'));
    for (const name of [
      'model.safetensors',
      'tokenizer.json',
      'loss.svg',
      'learning-rate.svg',
      'accuracy.svg',
    ])
      expect(files).toContain(name);
    const config = JSON.parse(readFileSync(path('classes/config.json'), 'utf8')) as Record<string, unknown>;
    expect(config).toMatchObject({
      architectures: ['BertForSequenceClassification'],
      id2label: { 0: 'bad', 1: 'good' },
      problem_type: 'single_label_classification',
    });
    const checkpoint = files.find((name) => name.startsWith('checkpoint-'))!;
    expect(existsSync(path(`classes/${checkpoint}/tokenizer.json`))).toBe(true);
  });

  it('stops early, and keeps the best', async () => {
    const args = [
      '--train',
      path('reviews.csv'),
      '--num-train-epochs',
      '40',
      '--early-stopping-patience',
      '2',
    ];
    const { steps, metrics } = json<Result>(await run(...finetune('early', ...args)));
    expect(steps).toBeLessThan(40 * 6);
    expect(metrics.eval_accuracy).toBe(1);
  });

  it('learns several labels a text, and numbers', async () => {
    const several = reviews.map(({ text, label }) => ({
      text,
      topics: [label, ...(text.includes('harbour') ? ['sea'] : [])],
    }));
    write('several.jsonl', several.map((row) => JSON.stringify(row)).join('\n'));
    const args = ['--train', path('several.jsonl'), '--label-column', 'topics', '--problem', 'multi-label'];
    const result = json<Result>(await run(...finetune('several', ...args, '--num-train-epochs', '8')));
    expect(result.labels).toEqual(['bad', 'good', 'sea']);
    expect(result.metrics.eval_f1).toBeGreaterThan(0.9);
    const judged = json<{ metrics: Record<string, number>; classes: object }>(
      await run(
        ...['evaluate', '-m', path('several'), '--data', path('several.jsonl')],
        ...['--label-column', 'topics', '--json'],
      ),
    );
    expect(judged.metrics.micro_f1).toBeGreaterThan(0.9);
    expect(Object.keys(judged.classes)).toEqual(['bad', 'good', 'sea']);

    const numbers = reviews.map(({ text, label }) => ({ text, label: label === 'good' ? 1.5 : -0.5 }));
    write('numbers.csv', csv(numbers));
    const regression = ['--train', path('numbers.csv'), '--problem', 'regression', '--num-train-epochs', '8'];
    const { metrics } = json<Result>(await run(...finetune('numbers', ...regression)));
    expect(metrics.eval_pearson).toBeGreaterThan(0.9);
    const [first] = (await run('predict', '-m', path('numbers'), '--data', path('numbers.csv'))).stdout.split(
      '\n',
    );
    expect((JSON.parse(first!) as { prediction: number }).prediction).toBeLessThan(0.5);
  }, 180_000);

  it('learns classes from GPT-2, which has no padding token', async () => {
    write('reviews.txt', reviews.map(({ text }) => text).join('\n\n'));
    const sizes = [
      '--layers',
      '1',
      '--width',
      '32',
      '--heads',
      '2',
      '--context',
      '32',
      '--vocab-size',
      '300',
    ];
    const begun = ['--data', path('reviews.txt'), '--output-dir', path('gpt2'), ...sizes, '--dropout', '0'];
    expect((await run('pretrain', ...begun, ...quick, '--max-steps', '5')).code).toBe(0);
    const args = ['-m', path('gpt2'), '--train', path('reviews.csv'), '--num-train-epochs', '4'];
    const { metrics } = json<Result>(await run(...finetune('gpt2-classes', ...args)));
    expect(metrics.eval_accuracy).toBeGreaterThan(0.9);
    const judged = ['evaluate', '-m', path('gpt2-classes'), '--data', path('reviews.csv'), '--json'];
    const found = json<{ metrics: Record<string, number>; labels: string[] }>(await run(...judged));
    expect(found.labels).toEqual(['bad', 'good']);
    expect(found.metrics.accuracy).toBeGreaterThan(0.9);
  }, 180_000);

  it('learns tags of words, from arrays and from words with spaces between', async () => {
    const rows = reviews.map(({ text }) => {
      const tokens = text.split(' ');
      return {
        tokens,
        tags: tokens.map((word) => (/^[A-Z]/.test(word) ? 'B-PER' : word === 'harbour' ? 'B-LOC' : 'O')),
      };
    });
    write('tags.jsonl', rows.map((row) => JSON.stringify(row)).join('\n'));
    write(
      'tags.tsv',
      ['words\ttags', ...rows.map(({ tokens, tags }) => `${tokens.join(' ')}\t${tags.join(' ')}`)].join('\n'),
    );
    const args = ['--task', 'token-classification', '--train', path('tags.jsonl'), '--num-train-epochs', '6'];
    const { metrics, labels } = json<Result>(await run(...finetune('tags', ...args)));
    expect(labels).toEqual(['B-LOC', 'B-PER', 'O']);
    expect(metrics.eval_f1).toBeGreaterThan(0.9);
    const judged = json<{ metrics: Record<string, number>; classes: Record<string, { f1: number }> }>(
      await run('evaluate', '-m', path('tags'), '--data', path('tags.tsv'), '--json'),
    );
    expect(judged.classes.PER!.f1).toBeGreaterThan(0.9);
    const sentences = rows.map(({ tokens, tags }) =>
      tokens.map((word, i) => `${word} NN ${tags[i]}`).join('\n'),
    );
    const conll = write('tags.conll', ['-DOCSTART- -X- O', ...sentences].join('\n\n'));
    expect(json(await run('evaluate', '-m', path('tags'), '--data', conll, '--json'))).toEqual({
      ...judged,
      model: path('tags'),
    });
    const { stdout } = await run(
      'predict',
      '-m',
      path('tags'),
      '--data',
      write('line.txt', 'Ida found the harbour bright'),
    );
    expect((JSON.parse(stdout) as { tags: string[] }).tags).toEqual(['B-PER', 'O', 'O', 'B-LOC', 'O']);
  }, 180_000);

  it('learns to find answers, holding articles out whole', async () => {
    const articles = [...'abcdefgh'].map((title, a) => ({
      title,
      paragraphs: reviews.slice(a * 12, a * 12 + 12).map(({ text }) => ({
        context: `🌊 ${text} . and the meadow`,
        qas: [
          {
            id: text,
            question: 'who ?',
            // Counted in code points: the wave is one of them, and two units of UTF-16.
            answers: [{ text: text.split(' ')[0], answer_start: 2 }],
          },
        ],
      })),
    }));
    write('qa.json', JSON.stringify({ data: articles }));
    const args = [
      '--task',
      'question-answering',
      '--train',
      path('qa.json'),
      '--max-length',
      '24',
      '--doc-stride',
      '6',
    ];
    const ran = await run(...finetune('qa', ...args, '--num-train-epochs', '5'));
    const { metrics } = json<Result>(ran);
    expect(ran.stderr).toMatch(/84 questions in \d+ windows; judged on 12 in/);
    expect(metrics.eval_exact_match).toBeGreaterThan(90);
    const judged = json<{ metrics: Record<string, number> }>(
      await run('evaluate', '-m', path('qa'), '--data', path('qa.json'), '--max-length', '24', '--json'),
    );
    expect(judged.metrics.exact_match).toBeGreaterThan(90);
    const context = '🌊 Olu found the quarry broken at 5 . and the meadow';
    write('ask.jsonl', JSON.stringify({ question: 'who ?', context }));
    const { answer, start, end } = JSON.parse(
      (await run('predict', '-m', path('qa'), '--data', path('ask.jsonl'), '--max-length', '24')).stdout,
    ) as { answer: string; start: number; end: number };
    expect(answer).toBe('Olu');
    expect(context.slice(start, end)).toBe('Olu');
  }, 180_000);

  it.each([
    ['T5', smallT5],
    ['Marian', smallMarian],
  ])(
    'learns to write a text for a text: %s',
    async (name, make) => {
      const pairs = reviews.map(({ text, label }) => ({
        en: text,
        de: label === 'good' ? 'sehr gut' : 'nicht gut',
      }));
      const model = await make(path(name), [...pairs.flatMap(({ en, de }) => [en, de]), 'translate:']);
      write('pairs.csv', csv(pairs));
      const columns = ['--source-column', 'en', '--target-column', 'de', '--source-prefix', 'translate: '];
      const ran = await run(
        ...[
          'finetune',
          '-m',
          model,
          '--task',
          'translation',
          '--train',
          path('pairs.csv'),
          ...columns,
          ...quick,
        ],
        ...['--output-dir', path(`writes-${name}`), '--num-train-epochs', '12', '--predict-with-generate'],
        // At the others' 0.01 Marian learns one answer for all.
        ...['--learning-rate', '0.003'],
        ...['--max-target-length', '12'],
      );
      expect(json<Result>(ran).metrics.eval_chrf).toBeGreaterThan(80);
      const on = ['-m', path(`writes-${name}`), '--data', path('pairs.csv'), ...columns];
      const judged = json<{ metrics: Record<string, number> }>(
        await run('evaluate', ...on, '--json', '--max-target-length', '12'),
      );
      expect(judged.metrics.exact_match).toBeGreaterThan(0.9);
      const told = await run('predict', ...on, '-o', path(`told-${name}.tsv`));
      expect(told.code).toBe(0);
      expect(readFileSync(path(`told-${name}.tsv`), 'utf8').split('\n')[0]).toBe('en\tde\tprediction');
    },
    180_000,
  );

  it('as a process: saves at Ctrl-C, says how to go on, and goes on', async () => {
    const args = ['--train', path('reviews.csv'), '--eval-strategy', 'no', '--logging-steps', '5'];
    const command = ['finetune', '-m', bert, '--output-dir', path('stopped'), ...args];
    const stopped = await weft([...command, '--max-steps', '3000'], /step 10\//);
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain('--resume');
    const checkpoint = readdirSync(path('stopped')).find((name) => name.startsWith('checkpoint-'))!;
    const step = Number(checkpoint.split('-')[1]);
    const refused = await weft([...command, '--max-steps', '3000']);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('--resume')]);
    const resumed = await weft([
      ...command,
      '--max-steps',
      String(step + 3),
      '--logging-steps',
      '1',
      '--resume',
    ]);
    expect(resumed.code).toBe(0);
    expect(resumed.stderr).toContain(`step ${step + 1}/`);
    expect(resumed.stderr).not.toContain(`step ${step - 1}/`);
    expect(existsSync(path('stopped/model.safetensors'))).toBe(true);
  }, 180_000);
});

/** The command as a process, out of dist/; it gets SIGINT when standard error first matches. */
function weft(args: string[], interruptAt?: RegExp): Promise<{ code: number | null; stderr: string }> {
  const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...args], { env: { ...process.env, HF_HUB_OFFLINE: '1' } });
    let stderr = '';
    let interrupted = false;
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      if (!interruptAt?.test(stderr) || interrupted) return;
      interrupted = true;
      child.kill('SIGINT');
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stderr }));
    child.stdin.end();
  });
}
