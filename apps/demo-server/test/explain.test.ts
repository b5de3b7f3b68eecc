import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setBackend } from '@weft/backend';
import { pipeline } from '@weft/pipelines';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, events, type Models, type Running, smallModels, start, temporaryFolder } from './support.js';

const folder = temporaryFolder();
const logs = join(folder, 'training', 'moby', 'logs');
let models: Models;
let running: Running;

beforeAll(async () => {
  await setBackend('auto');
  models = await smallModels(folder);
  mkdirSync(logs, { recursive: true });
  writeFileSync(
    join(logs, 'train.jsonl'),
    '{"loss":5.5,"learning_rate":0.001,"grad_norm":1,"epoch":0.1,"step":5}\n',
  );
  running = await start({
    models: [models.writer, models.sorter, models.reader],
    watch: join(folder, 'training'),
  });
});
afterAll(() => running.server.close());

async function ask<T>(path: string, body: unknown): Promise<T> {
  const response = await running.post(path, body);
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}

interface Token {
  start: number;
  end: number;
  special: boolean;
  attribution: number;
}

describe('explanations', () => {
  it('show each token with what else was likely', async () => {
    const response = await running.post('/explain/generate', {
      prompt: 'The weaver',
      maxTokens: 6,
      temperature: 0,
      alternatives: 3,
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const all: { event: string; data: Record<string, unknown> }[] = [];
    for await (const { event, data } of events(response)) all.push({ event, data: JSON.parse(data) });
    expect(all.map(({ event }) => event)).toEqual(['start', ...Array(6).fill('token'), 'done']);
    expect(all[0]!.data).toMatchObject({ model: 'random-gpt2', random: true });
    const token = all[1]!.data as {
      id: number;
      probability: number;
      alternatives: { id: number; probability: number }[];
    };
    expect(token.alternatives).toHaveLength(3);
    // Without temperature the likeliest is taken.
    expect(token.alternatives[0]).toMatchObject({ id: token.id, probability: token.probability });
    expect(all.at(-1)!.data).toMatchObject({ finishReason: 'length', completionTokens: 6 });
  });

  it('attribute a sentiment to tokens', async () => {
    const text = 'I love this cloth 😀';
    const { labels, target, tokens } = await ask<{
      labels: { label: string; score: number }[];
      target: string;
      tokens: Token[];
    }>('/explain/sentiment', { text });
    using classify = await pipeline('text-classification', models.sorter.source);
    const [best] = await classify(text);
    expect(target).toBe(best!.label);
    expect(labels[0]!.score).toBeCloseTo(best!.score, 5);
    expect(labels[0]!.score + labels[1]!.score).toBeCloseTo(1, 5);
    expect(tokens.map(({ start, end }) => text.slice(start, end))).toEqual(
      expect.arrayContaining(['love', 'cloth']),
    );
    expect(tokens.some(({ attribution, special }) => !special && attribution !== 0)).toBe(true);
    expect(tokens.filter(({ special }) => special).every(({ attribution }) => attribution === 0)).toBe(true);
    // Towards the other label everything counts the other way round.
    const other = await ask<{ tokens: Token[] }>('/explain/sentiment', { text, target: labels[1]!.label });
    for (const [i, { attribution }] of other.tokens.entries()) {
      expect(attribution).toBeCloseTo(-tokens[i]!.attribution, 5);
    }
    const wrong = await running.post('/explain/sentiment', { text, target: 'NEITHER' });
    expect(await codeOf(wrong)).toBe('unknown_label');
  });

  it.each(['random-gpt2', 'random-sentiment', 'random-answers'])(
    'show the attention of %s',
    async (model) => {
      const found = await ask<{
        layers: number;
        heads: number;
        causal: boolean;
        tokens: unknown[];
        attentions: number[][][][];
      }>('/explain/attention', { model, text: 'the old loom' });
      expect(found.attentions).toHaveLength(found.layers);
      expect(found.attentions[0]).toHaveLength(found.heads);
      for (const row of found.attentions[1]![2]!) {
        expect(row).toHaveLength(found.tokens.length);
        expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 2);
      }
      expect(found.attentions[0]![0]![0]![1]! === 0).toBe(found.causal);
    },
  );

  it('refuse texts that are too long to look at', async () => {
    const response = await running.post('/explain/attention', {
      model: 'random-answers',
      text: 'loom '.repeat(200),
    });
    expect(response.status).toBe(400);
    expect(await codeOf(response)).toBe('context_length_exceeded');
  });

  it('cut a text as the tokenizer does', async () => {
    const text = 'Zoë weaves';
    const { tokens } = await ask<{ tokens: { text: string; start: number; end: number }[] }>(
      '/explain/tokenize',
      { text, model: 'random-gpt2' },
    );
    for (const token of tokens) expect(text.slice(token.start, token.end)).toBe(token.text);
    expect(tokens.at(-1)!.end).toBe(text.length);
  });
});

describe('pipelines', () => {
  it('answer as they do without the server, alone and in company', async () => {
    using classify = await pipeline('text-classification', models.sorter.source);
    const texts = ['I love it', 'thin and rough', 'a ship'];
    const answers = await Promise.all(
      texts.map((inputs) =>
        ask<{ model: string; result: unknown }>('/pipelines/sentiment-analysis', { inputs }),
      ),
    );
    for (const [i, { model, result }] of answers.entries()) {
      expect(model).toBe('random-sentiment');
      const [own] = await classify(texts[i]!);
      expect(result).toEqual([{ label: own!.label, score: expect.closeTo(own!.score, 5) }]);
    }
    const { result } = await ask<{ result: unknown[] }>('/pipelines/text-classification', { inputs: texts });
    expect(result).toHaveLength(3);
  });

  it('answer questions with places in the text', async () => {
    const context = 'Who knows? 😀 The weaver weaves it.';
    const { result } = await ask<{ result: { start: number; end: number; answer: string } }>(
      '/pipelines/question-answering',
      { inputs: { question: 'Who weaves?', context } },
    );
    expect(context.slice(result.start, result.end)).toBe(result.answer);
  });

  it('tell what is wrong with a request, and to whom it belongs', async () => {
    const bad = await running.post('/pipelines/question-answering', { inputs: { question: 'Who?' } });
    expect(bad.status).toBe(400);
    const name = await running.post('/pipelines/text-classification', {
      inputs: 'a',
      parameters: { tpoK: 2 },
    });
    expect(name.status).toBe(400);
    expect(((await name.json()) as { error: { message: string } }).error.message).toContain('topK');
    const model = await running.post('/pipelines/text-classification', { inputs: 'a', model: 'random-gpt2' });
    expect(await codeOf(model)).toBe('wrong_model');
    // One that is wrong does not spoil the others of its batch.
    const [good, wrong] = await Promise.all([
      running.post('/pipelines/text-classification', { inputs: 'a' }),
      running.post('/pipelines/text-classification', { inputs: { text: 5 } }),
    ]);
    expect([good.status, wrong.status]).toEqual([200, 400]);
  });
});

describe('training', () => {
  it('lists runs and follows one', async () => {
    const { runs } = (await (await fetch(`${running.address}/training/runs`)).json()) as { runs: object[] };
    expect(runs).toMatchObject([{ id: 'moby/logs', entries: 1, step: 5, loss: 5.5, active: true }]);
    const controller = new AbortController();
    const response = await fetch(`${running.address}/training/events?run=moby/logs`, {
      signal: controller.signal,
    });
    const lines = ['', '{"loss":5.1,"step":10,"epoch":0.2}', '{"eval_loss":5.2,"step":12}'];
    const seen: { event: string; data: { step: number; stepsPerSecond: number } }[] = [];
    for await (const { event, data } of events(response)) {
      seen.push({ event, data: JSON.parse(data) });
      const next = lines.shift();
      if (event !== 'run' && next !== undefined) appendFileSync(join(logs, 'train.jsonl'), `${next}\n`);
      if (seen.length === 4) break;
    }
    controller.abort();
    expect(seen.map(({ event }) => event)).toEqual(['run', 'history', 'entry', 'entry']);
    expect(seen[2]!.data).toMatchObject({ step: 10, loss: 5.1, learningRate: null });
    expect(seen[3]!.data).toMatchObject({ step: 12, metrics: { eval_loss: 5.2 } });
    expect(seen[3]!.data.stepsPerSecond).toBeGreaterThan(0);
  });

  it('follows nothing outside the folder', async () => {
    for (const run of ['..', '../..', 'moby', '/etc']) {
      const response = await fetch(`${running.address}/training/events?run=${encodeURIComponent(run)}`);
      expect(response.status).toBe(404);
    }
  });
});
