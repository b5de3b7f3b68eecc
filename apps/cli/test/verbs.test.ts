import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from '@weft/pipelines';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run as inProcess } from './support.js';
import { bin, fixture, quiet, weft } from './weft.js';

const model = (name: string): string => fixture(`pipelines/fixtures/models/${name}`);
const lines = (text: string): string[] => text.split('\n').slice(0, -1);
const parsed = <T>(text: string): T[] => lines(text).map((line) => JSON.parse(line) as T);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-verbs-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const texts = ['A long day by the sea.', 'Two dogs run.', 'What a dull film it was, and how long!'];

// What the pipelines answer is compared with transformers in their own package; here, that it comes through whole.
describe('verbs over pipelines', () => {
  it('classify: a class a text, the k likeliest, all of them', async () => {
    using pipe = await pipeline('text-classification', model('sentiment'));
    const expected = await pipe(texts, { topK: null });
    const all = await inProcess('classify', '-m', model('sentiment'), '-k', '0', '--json', ...texts);
    const found = parsed<{ text: string; classes: { label: string; score: number }[] }>(all.stdout);
    expect(found.map(({ text }) => text)).toEqual(texts);
    for (const [i, { classes }] of found.entries()) {
      expect(classes.map(({ label }) => label)).toEqual(expected[i]!.map(({ label }) => label));
      for (const [c, { score }] of classes.entries()) expect(score).toBeCloseTo(expected[i]![c]!.score, 6);
    }
    const best = await inProcess('classify', '-m', model('sentiment'), ...texts);
    for (const [i, line] of lines(best.stdout).entries()) {
      const [{ label, score }] = expected[i]! as [{ label: string; score: number }];
      expect(line).toBe(`${label}  ${score.toFixed(4)}  ${texts[i]}`);
    }
  });

  it('classify --labels: classes of one’s own', async () => {
    const args = ['-m', model('nli'), '--labels', 'sport, politics', '--labels', 'science', texts[0]!];
    const { stdout, code } = await inProcess('classify', ...args);
    expect(code).toBe(0);
    expect(lines(stdout)).toHaveLength(3);
    const json = await inProcess('classify', ...args, '--json', '--multi-label', '-k', '2');
    const [{ classes }] = parsed<{ classes: { label: string; score: number }[] }>(json.stdout) as [
      { classes: { label: string; score: number }[] },
    ];
    expect(classes).toHaveLength(2);
    expect(classes[0]!.score).toBeGreaterThanOrEqual(classes[1]!.score);
    const alone = await inProcess('classify', '-m', model('nli'), '--multi-label', 'x');
    expect(alone).toMatchObject({ code: 2, stdout: '' });
  });

  it('answer: questions about one text, and from a file of JSON lines', async () => {
    const context = 'Ida rows to the harbour. Tomas waits at the quarry.';
    using pipe = await pipeline('question-answering', model('reader-bert'));
    const questions = ['Who rows?', 'Where does Tomas wait?'];
    const expected = await pipe(questions.map((question) => ({ question, context })));
    const asked = questions.flatMap((question) => ['-q', question]);
    const { stdout } = await inProcess('answer', '-m', model('reader-bert'), ...asked, context);
    for (const [i, line] of lines(stdout).entries()) {
      const { answer, score, start, end } = expected[i]!;
      expect(line).toBe(`${answer}  ${score.toFixed(4)}  ${start}-${end}  ${questions[i]}`);
    }
    const file = join(folder, 'questions.jsonl');
    writeFileSync(file, questions.map((question) => JSON.stringify({ question, context })).join('\n'));
    const json = await inProcess('answer', '-m', model('reader-bert'), '-f', file, '--json', '-k', '2');
    const rows = parsed<{ question: string; answers: { answer: string }[] }>(json.stdout);
    expect(rows.map(({ question }) => question)).toEqual(questions);
    expect(rows[0]!.answers).toHaveLength(2);
    expect(rows[0]!.answers[0]!.answer).toBe(expected[0]!.answer);
  });

  it('answer says what is wrong with a line', async () => {
    const file = join(folder, 'bad.jsonl');
    writeFileSync(file, '{"question": "a", "context": "b c"}\n{"question": "a"}\n');
    const { code, stderr } = await inProcess('answer', '-m', model('reader-bert'), '-f', file);
    expect(code).toBe(1);
    expect(stderr).toMatch(/line 2: \{"question":"a"\}/);
    expect((await inProcess('answer', '-m', model('reader-bert'), 'no question')).code).toBe(2);
  });

  it('ner: names with their places', async () => {
    using pipe = await pipeline('token-classification', model('tagger-bert'));
    const expected = await pipe(texts[1]!, { aggregationStrategy: 'simple' });
    const args = ['ner', '-m', model('tagger-bert'), texts[1]!];
    const { stdout } = await inProcess(...args);
    expect(lines(stdout).slice(0, -1)).toEqual(
      expected.map(({ entityGroup, score, start, end }) =>
        [entityGroup, score.toFixed(4), `${start}-${end}`, texts[1]!.slice(start, end)].join('\t'),
      ),
    );
    const [{ entities }] = parsed<{ entities: unknown[] }>((await inProcess(...args, '--json')).stdout) as [
      { entities: unknown[] },
    ];
    expect(entities).toHaveLength(expected.length);
  });

  it('embed: a vector of length 1 a text', async () => {
    const { stdout } = await inProcess('embed', '-m', model('masked-bert'), ...texts);
    const vectors = lines(stdout).map((line) => line.split(' ').map(Number));
    expect(vectors).toHaveLength(texts.length);
    for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
    const raw = await inProcess(
      'embed',
      '-m',
      model('masked-bert'),
      '--no-normalize',
      '--pooling',
      'cls',
      '--json',
      'a',
    );
    const [{ embedding }] = parsed<{ embedding: number[] }>(raw.stdout) as [{ embedding: number[] }];
    expect(Math.hypot(...embedding)).not.toBeCloseTo(1, 3);
  });

  it('translate, summarize, text2text: what the pipeline writes', async () => {
    using pipe = await pipeline('translation_en_to_de', model('translator'));
    const expected = await pipe(texts, { maxNewTokens: 6 });
    const args = ['-m', model('translator'), '-n', '6', '--json'];
    const translated = await inProcess('translate', '--from', 'en', '--to', 'de', ...args, ...texts);
    expect(parsed(translated.stdout)).toEqual(
      texts.map((text, i) => ({ text, result: expected[i]!.translationText })),
    );
    for (const verb of ['summarize', 'text2text']) {
      const { stdout, code } = await inProcess(verb, ...args, ...texts);
      expect(code).toBe(0);
      expect(lines(stdout)).toHaveLength(3);
    }
    const half = await inProcess('translate', '--from', 'en', ...args, 'x');
    expect(half).toMatchObject({ code: 2, stdout: '' });
    expect(translated.stderr).not.toMatch(/no language pair/);
    const none = await inProcess('translate', '--from', 'en', '--to', 'xx', ...args, 'x');
    expect(none.code).toBe(1);
    expect(none.stderr).toMatch(/translation_en_to_de/);
  });

  it('summarize takes a file as one text, and its lines with --lines', async () => {
    const file = join(folder, 'article.txt');
    writeFileSync(file, texts.join('\n'));
    const args = ['summarize', '-m', model('translator'), '-n', '4', '-f', file];
    expect(lines((await inProcess(...args)).stdout)).toHaveLength(1);
    expect(lines((await inProcess(...args, '--lines')).stdout)).toHaveLength(3);
  });

  it('say when there is no model', async () => {
    const { code, stderr } = await weft(['classify', 'x'], { env: { HF_HOME: folder } });
    // With the small models at hand, one of them answers.
    if (code === 0) expect(stderr).toMatch(/answers/);
    else expect(stderr).toMatch(/name a folder or an id of the hub/);
  });
});

describe('pipes', () => {
  it('a line in, a line out: empty ones keep their place', async () => {
    const { stdout, code, stderr } = await weft(['classify', '-m', model('sentiment')], {
      input: `one\n\n\ntwo words\r\nthree`,
    });
    expect(code).toBe(0);
    expect(lines(stdout).map((line) => line.split('  ').at(-1))).toEqual([
      'one',
      '',
      '',
      'two words',
      'three',
    ]);
    expect(stderr).toMatch(/^5 texts in /m);
    const json = await weft(['embed', '-m', model('masked-bert'), '--json'], { input: '\na\n' });
    expect(parsed<{ embedding: unknown }>(json.stdout)[0]).toEqual({ text: '', embedding: null });
  });

  it('files one after the other, standard input among them; a file that is not there is said', async () => {
    const file = join(folder, 'two.txt');
    writeFileSync(file, 'first\nsecond\n');
    const args = ['embed', '-m', model('masked-bert'), '--json'];
    const { stdout } = await weft([...args, '-f', file, '-f', '-'], { input: 'third' });
    expect(parsed<{ text: string }>(stdout).map(({ text }) => text)).toEqual(['first', 'second', 'third']);
    const missing = await inProcess(...args, '-f', join(folder, 'none.txt'));
    expect(missing).toMatchObject({ code: 1, stdout: '' });
    expect(missing.stderr).toMatch(/expected {2}a file[\s\S]*none\.txt|none\.txt[\s\S]*expected {2}a file/);
    const latin = join(folder, 'latin.txt');
    writeFileSync(latin, Buffer.from([0x66, 0xfc, 0x72, 0x0a]));
    expect((await inProcess(...args, '-f', latin)).stderr).toMatch(/text in UTF-8/);
  });

  it('answers come while the input goes on, no more of it read than is answered, and Ctrl-C ends it', async () => {
    const child = spawn(process.execPath, [bin, 'classify', '-m', model('sentiment'), '--batch-size', '4'], {
      env: { ...process.env, ...quiet },
    });
    let answered = 0;
    let offered = 0;
    let feeding = true;
    // Nobody reads at first: everything must come to a stop instead of piling up.
    const feed = (): void => {
      while (feeding && child.stdin.write(`line ${offered} ${'of many words '.repeat(40)}\n`)) offered++;
    };
    child.stdin.on('drain', feed);
    child.stdin.on('error', () => undefined);
    feed();
    const settled = async (): Promise<number> => {
      for (let before = -1; before !== offered; ) {
        before = offered;
        await new Promise((resolve) => setTimeout(resolve, 1500));
      }
      return offered;
    };
    const stalled = await settled();
    expect(stalled).toBeLessThan(5000);
    child.stdout.on('data', (chunk: Buffer) => {
      answered += chunk.toString().split('\n').length - 1;
      if (answered > stalled + 200 && feeding) {
        feeding = false;
        child.kill('SIGINT');
      }
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(answered).toBeGreaterThan(stalled);
    expect(code).toBe(130);
  }, 60_000);
});

describe('weft serve', () => {
  it('serves a model until it is told to stop', async () => {
    const child = spawn(process.execPath, [bin, 'serve', '-m', model('sentiment'), '--port', '0'], {
      env: { ...process.env, ...quiet },
    });
    let [stdout, stderr] = ['', ''];
    const ready = new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        stdout += chunk.toString();
      });
      child.stderr.on('data', (chunk: Buffer) => {
        stderr += chunk.toString();
        if (stderr.includes('ready: sentiment')) resolve();
      });
      child.on('exit', (code) => reject(new Error(`exit code ${code}: ${stderr}`)));
    });
    await ready;
    const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(stdout)!;
    const response = await fetch(`${address}/v1/models`);
    expect(await response.json()).toMatchObject({ data: [{ id: 'sentiment' }] });
    child.removeAllListeners('exit');
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  }, 60_000);

  it('keeps to this machine unless keys are set', async () => {
    const { code, stderr } = await weft(['serve', '--host', '0.0.0.0', '-m', model('sentiment')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/WEFT_API_KEYS/);
  });
});
