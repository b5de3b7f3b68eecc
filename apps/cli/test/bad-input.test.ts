import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { csv, json, type Ran, reviews, run, scratch, smallBert, smallClassifier } from './support.js';

const { path, write } = scratch();
let bert: string;
let classifier: string;
beforeAll(async () => {
  bert = await smallBert(path('bert'));
  classifier = await smallClassifier(path('classifier'));
  write('reviews.csv', csv(reviews));
});

let runs = 0;
const finetune = (...args: string[]): Promise<Ran> =>
  run(
    ...['finetune', '-m', bert, '--output-dir', path(`out-${runs++}`), '--disable-progress', '--json'],
    ...['--num-train-epochs', '1', ...args],
  );
const predict = (...args: string[]): Promise<Ran> => run('predict', '-m', classifier, ...args);

/** A mistake that is told in four lines, and ends with exit code 1. */
function expectRefusal({ code, stderr, stdout }: Ran, ...patterns: RegExp[]): void {
  expect(stderr).toMatch(/error in .*\n {2}expected .*\n {2}received .*\n {2}remedy /);
  for (const pattern of patterns) expect(stderr).toMatch(pattern);
  expect(stderr).not.toContain('not foreseen');
  expect([code, stdout]).toEqual([1, '']);
}

describe('rows that make no sense', () => {
  it.each([
    [
      'a row with too many fields',
      'bad.csv',
      'text,label\na,x\nb,y,z\n',
      [/line 3: 3 fields/, /text, label/],
    ],
    ['a quote that never closes', 'bad.csv', 'text,label\na,x\n"b,y\nc,x\n', [/read bad\.csv/, /quote/i]],
    ['a quote in the middle', 'bad.csv', 'text,label\na "b" c,x\n', [/line \d/, /quote/i]],
    ['columns of one name', 'bad.csv', 'text,text\na,x\n', [/"text" twice/]],
    ['broken JSON', 'bad.jsonl', '{"text":"a","label":"x"}\n\n{"text":', [/line 3: .*JSON/]],
    ['JSON that is no object', 'bad.jsonl', '["a","x"]\n', [/line 1: an array/]],
    ['a missing column', 'bad.csv', 'words,label\na,x\n', [/columns words, label/, /--text-column/]],
    ['an empty text', 'bad.csv', 'text,label\na,x\n"  ",y\n', [/line 3: an empty one/, /--skip-bad-rows/]],
    ['an empty label', 'bad.csv', 'text,label\na,x\nb,\n', [/line 3/, /a label/]],
    ['one label alone', 'bad.csv', 'text,label\na,x\nb,x\n', [/two different labels/, /only "x"/]],
    ['no row', 'bad.csv', 'text,label\n', [/an empty file/]],
    ['a file of no known kind', 'bad.parquet', 'x', [/\.csv, \.tsv, \.jsonl/, /--format/]],
  ])('%s', async (_, name, text, patterns) => {
    expectRefusal(await finetune('--train', write(name, text)), ...patterns);
  });

  it('bytes that are not UTF-8', async () => {
    writeFileSync(path('latin.csv'), Buffer.from('text,label\ncaf\xe9,x\n', 'latin1'));
    expectRefusal(await finetune('--train', path('latin.csv')), /UTF-8/);
  });

  it('a named column that is not there', async () => {
    const args = ['--train', path('reviews.csv'), '--label-column', 'stars'];
    expectRefusal(await finetune(...args), /a column stars/, /columns text, label/);
  });

  it('a label that is no number, for regression', async () => {
    const args = ['--train', path('reviews.csv'), '--problem', 'regression'];
    expectRefusal(await finetune(...args), /line 2: "bad"/, /--problem single-label/);
  });

  it('words and tags of different number', async () => {
    const file = write('tags.jsonl', '{"tokens":["a","b"],"tags":["O"]}');
    const args = ['--task', 'token-classification', '--train', file];
    expectRefusal(await finetune(...args), /line 1: 1 tags/);
  });

  it('a word without a tag', async () => {
    const file = write('tags.conll', 'Ida B-PER\nfound\n');
    const args = ['--task', 'token-classification', '--train', file];
    expectRefusal(await finetune(...args), /line 2: "found"/);
  });

  it('an answer that is not where it is said to be', async () => {
    const answers = [{ text: 'Ida', answer_start: 4 }];
    const qas = [{ id: 'q7', question: 'who ?', answers }];
    const data = [{ title: 'a', paragraphs: [{ context: 'Ida found it', qas }] }];
    const args = ['--task', 'question-answering', '--train', write('qa.json', JSON.stringify({ data }))];
    expectRefusal(await finetune(...args), /question q7/, /"Ida" at character 4/);
    const listless = ['--task', 'question-answering', '--train', write('qa.json', '{"data": 3}')];
    expectRefusal(await finetune(...listless), /no list "data"/);
  });

  it('are left out and counted where that is asked for', async () => {
    const file = write('holes.csv', csv([...reviews, { text: ' ', label: 'good' }]));
    const ran = await finetune('--train', file, '--skip-bad-rows', '--max-steps', '2');
    expect(ran.code).toBe(0);
    expect(ran.stderr).toMatch(/left out 1 bad rows: line 98/);
  });
});

describe('labels', () => {
  it('unknown ones in the file to judge on', async () => {
    const judged = write('judged.csv', csv([reviews[0]!, { text: 'Ida found it', label: 'ugly' }]));
    const args = ['--train', path('reviews.csv'), '--eval-file', judged];
    expectRefusal(await finetune(...args), /judged\.csv/, /labels bad, good/, /line 3: the label "ugly"/);
    expect((await finetune(...args, '--skip-bad-rows', '--max-steps', '2')).code).toBe(0);
  });

  it('a class without an example', async () => {
    const args = ['--train', path('reviews.csv'), '--labels', 'bad', 'good', 'ugly'];
    expectRefusal(await finetune(...args), /none of ugly/, /--allow-empty-classes/);
    const allowed = await finetune(...args, '--allow-empty-classes', '--max-steps', '2');
    expect(json<{ labels: string[] }>(allowed).labels).toEqual(['bad', 'good', 'ugly']);
  });

  it('another number of them than the checkpoint has', async () => {
    const args = ['--train', path('reviews.csv'), '-m', classifier];
    expectRefusal(
      await finetune(...args),
      /3 labels, as the head of the checkpoint has \(red, green, blue\)/,
      /2: bad, good/,
      /--ignore-mismatched-sizes/,
    );
    const drawn = await finetune(...args, '--ignore-mismatched-sizes', '--max-steps', '2');
    expect(json<{ labels: string[] }>(drawn).labels).toEqual(['bad', 'good']);
    expect(drawn.stderr).toContain('classifier.weight');
  });

  it('out of range', async () => {
    const file = write('numbers.csv', 'text,label\nIda found it,2\nOlu found it,7\n');
    const ran = await run('evaluate', '-m', classifier, '--data', file, '--json');
    expectRefusal(ran, /labels red, green, blue/, /line 3: the label "7"/);
  });

  it("given as numbers of the checkpoint's classes", async () => {
    const rows = reviews.map(({ text }, i) => ({ text, label: i % 3 }));
    const file = write('numbered.csv', csv(rows));
    const { labels } = json<{ labels: string[] }>(
      await finetune('-m', classifier, '--train', file, '--max-steps', '2'),
    );
    expect(labels).toEqual(['red', 'green', 'blue']);
  });
});

describe('training that goes wrong', () => {
  it('stops where the loss is not finite, names the step and keeps the last good checkpoint', async () => {
    const out = path('diverged');
    const args = ['--train', path('reviews.csv'), '--output-dir', out, '--eval-strategy', 'no'];
    const rates = [
      '--learning-rate',
      '1e30',
      '--lr-scheduler-type',
      'constant_with_warmup',
      '--warmup-steps',
      '2',
    ];
    const ran = await finetune(...args, ...rates, '--save-strategy', 'steps', '--save-steps', '1');
    expectRefusal(
      ran,
      /a finite/,
      /at step \d+; the parameters are still those of step \d+/,
      /checkpoint-\d+ is the last good/,
    );
    const last = /(checkpoint-\d+) is the last good/.exec(ran.stderr)![1]!;
    expect(readdirSync(out)).toContain(last);
    expect(existsSync(`${out}/model.safetensors`)).toBe(false);
    expect((await run('inspect', `${out}/${last}`)).code).toBe(0);
  });

  it('says so where no checkpoint was written yet', async () => {
    const args = ['--train', path('reviews.csv'), '--learning-rate', '1e30', '--warmup-ratio', '0'];
    expectRefusal(await finetune(...args), /no checkpoint was written yet/);
  });

  it('does not write over another run unasked', async () => {
    const args = ['--train', path('reviews.csv'), '--output-dir', path('mine'), '--max-steps', '2'];
    expect((await finetune(...args)).code).toBe(0);
    const before = statSync(path('mine/model.safetensors')).mtimeMs;
    expectRefusal(await finetune(...args), /one with a model/, /--overwrite-output-dir/);
    expect(statSync(path('mine/model.safetensors')).mtimeMs).toBe(before);
    expect((await finetune(...args, '--overwrite-output-dir')).code).toBe(0);
  });

  it('refuses arguments that make no sense before it reads anything', async () => {
    const ran = await finetune('--train', path('no-such.csv'), '--warmup-ratio', '3');
    expectRefusal(ran, /warmupRatio from 0 to 1/);
    const other = ['--train', path('reviews.csv'), '--metric-for-best-model', 'rouge'];
    expectRefusal(await finetune(...other), /a metric of loss, accuracy, f1/);
    expectRefusal(await finetune('--train', path('reviews.csv'), '--max-length', '4096'), /4 to 64 tokens/);
    expectRefusal(await finetune('--train', path('no-such.csv')), /nothing of that name/);
    expectRefusal(await finetune('--train', path()), /\.csv, \.tsv/);
  });
});

describe('predictions', () => {
  it('leave no half-written file behind', async () => {
    const rows = Array.from({ length: 400 }, (_, i) => `{"text":"Ida found ${i}"}`);
    const file = write('late.jsonl', [...rows, '{"text":""}'].join('\n'));
    expectRefusal(await predict('--data', file, '-o', path('scored.jsonl')), /line 401: an empty one/);
    expect(readdirSync(path()).filter((name) => name.startsWith('scored'))).toEqual([]);

    const skipped = await predict('--data', file, '-o', path('scored.csv'), '--skip-bad-rows');
    expect(skipped.code).toBe(0);
    const lines = readFileSync(path('scored.csv'), 'utf8').trim().split('\n');
    expect(lines).toHaveLength(402);
    expect(lines[0]).toBe('text,prediction,score,error');
    expect(lines.at(-1)).toMatch(/^,,,"?line 401/);
  });

  it('want columns that they can add', async () => {
    const file = write('taken.csv', 'text,score\nIda found it,3\n');
    expectRefusal(await predict('--data', file), /a column "score"/, /rename/);
  });

  it('want a checkpoint with a head', async () => {
    const ran = await run('predict', '-m', bert, '--data', path('reviews.csv'));
    expectRefusal(ran, /BertForMaskedLM/, /weft finetune/);
  });

  it('take a text of 10 MB', async () => {
    const file = write('long.txt', `${'Ida found the harbour lovely at 7 '.repeat(300_000)}\n`);
    const ran = await predict('--data', file, '--output-format', 'csv');
    expect(ran.code).toBe(0);
  }, 180_000);

  it('want a line to end', async () => {
    const file = write('endless.jsonl', `{"text":"${'x'.repeat(66 * 2 ** 20)}`);
    expectRefusal(await predict('--data', file), /line 1/, /64 MB/);
  });
});
