import { setBackend } from '@weft/backend';
import { AutoModelForSequenceClassification, SentenceEncoder } from '@weft/bert';
import { GPT2LMHeadModel } from '@weft/gpt2';
import { closeTo, expectClose } from '@weft/testing';
import { AutoTokenizer } from '@weft/tokenizer';
import OpenAI, { BadRequestError, NotFoundError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Models, type Running, smallModels, start, temporaryFolder } from './support.js';

const folder = temporaryFolder();
let models: Models;
let running: Running;
let client: OpenAI;

beforeAll(async () => {
  await setBackend('native').catch(() => setBackend('auto'));
  models = await smallModels(folder);
  running = await start({ models: [models.writer, models.sorter] });
  client = new OpenAI({ baseURL: `${running.address}/v1`, apiKey: 'not-needed', maxRetries: 0 });
});
afterAll(() => running.server.close());

const prompt = 'The weaver sets the';

/** What the model itself writes, without the server. */
async function written(text: string, maxNewTokens: number): Promise<string> {
  const tokenizer = await AutoTokenizer.fromPretrained(models.writer.source);
  using model = await GPT2LMHeadModel.fromPretrained(models.writer.source);
  const { inputIds } = tokenizer.encodeBatch([text]);
  const [ids] = await model.generate(inputIds, { maxNewTokens, doSample: false });
  return tokenizer.decode(ids!.slice(inputIds[0]!.length), { skipSpecialTokens: true });
}

describe('the openai client, unchanged', () => {
  it('lists models', async () => {
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id)).toEqual(['random-gpt2', 'random-sentiment']);
    expect((await client.models.retrieve('random-gpt2')).owned_by).toBe('weft');
    await expect(client.models.retrieve('none')).rejects.toThrow(NotFoundError);
  });

  it('completes as the model itself does, alone and in company', async () => {
    const ask = (text: string) =>
      client.completions.create({ model: 'random-gpt2', prompt: text, max_tokens: 12, temperature: 0 });
    const texts = [prompt, 'A loom', 'Who weaves the cloth? The weaver weaves it', 'One'];
    const together = await Promise.all(texts.map(ask));
    for (const [i, completion] of together.entries()) {
      expect(completion.choices[0]!.text).toBe(await written(texts[i]!, 12));
      expect(completion.choices[0]!.finish_reason).toBe('length');
      expect(completion.usage!.completion_tokens).toBe(12);
    }
    // They were one batch, not four.
    expect(await running.metric('weft_batch_rows_bucket', { kind: 'generate', le: '1' })).toBeLessThan(
      await running.metric('weft_batch_rows_count', { kind: 'generate' }),
    );
  });

  it('streams the same text, with the usage at the end', async () => {
    const stream = await client.completions.create({
      model: 'random-gpt2',
      prompt,
      max_tokens: 12,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let finish: string | null = null;
    let usage: unknown;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.text ?? '';
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    expect(text).toBe(await written(prompt, 12));
    expect(finish).toBe('length');
    expect(usage).toMatchObject({ completion_tokens: 12 });
  });

  it('draws the same with the same seed, whoever else is in the batch', async () => {
    const ask = (seed: number) =>
      client.completions.create({ model: 'random-gpt2', prompt, max_tokens: 10, top_p: 0.9, seed, n: 2 });
    const [first, second, other] = await Promise.all([ask(7), ask(7), ask(8)]);
    const texts = (completion: typeof first) => completion.choices.map(({ text }) => text);
    expect(texts(first)).toEqual(texts(second));
    expect(texts(first)).not.toEqual(texts(other));
    expect(texts(first)[0]).not.toBe(texts(first)[1]);
    expect(texts(await ask(7))).toEqual(texts(first));
  });

  it('ends before a stop string, streamed or not', async () => {
    const whole = await written(prompt, 12);
    const stop = whole.slice(4, 7);
    const expected = whole.slice(0, whole.indexOf(stop));
    const request = { model: 'random-gpt2', prompt, max_tokens: 12, temperature: 0, stop } as const;
    const [choice] = (await client.completions.create(request)).choices;
    expect(choice!.text).toBe(expected);
    expect(choice!.finish_reason).toBe('stop');
    let streamed = '';
    for await (const chunk of await client.completions.create({ ...request, stream: true })) {
      streamed += chunk.choices[0]?.text ?? '';
    }
    expect(streamed).toBe(expected);
  });

  it('tells log-probabilities, biases tokens and echoes', async () => {
    const { choices } = await client.completions.create({
      model: 'random-gpt2',
      prompt,
      max_tokens: 4,
      temperature: 0,
      logprobs: 3,
    });
    const {
      tokens,
      token_logprobs: values,
      top_logprobs: tops,
      text_offset: offsets,
    } = choices[0]!.logprobs!;
    expect(tokens).toHaveLength(4);
    expect(offsets![1]).toBe(tokens![0]!.length);
    // The likeliest was taken: no other is above it.
    for (const [i, top] of tops!.entries()) {
      expect(Math.max(...Object.values(top))).toBeCloseTo(values![i]!, 6);
    }
    const biased = await client.completions.create({
      model: 'random-gpt2',
      prompt,
      max_tokens: 3,
      logit_bias: { '40': 100 },
      echo: true,
    });
    const tokenizer = await AutoTokenizer.fromPretrained(models.writer.source);
    expect(biased.choices[0]!.text).toBe(prompt + tokenizer.decode([40]).repeat(3));
  });

  it('embeds as the model itself does', async () => {
    const input = ['I love this cloth', 'it is thin'];
    const { data, usage } = await client.embeddings.create({ model: 'random-sentiment', input });
    const tokenizer = await AutoTokenizer.fromPretrained(models.sorter.source);
    using model = await AutoModelForSequenceClassification.fromPretrained(models.sorter.source);
    const own = new SentenceEncoder((model as unknown as { bert: never }).bert).encode(input, { tokenizer });
    for (const [i, { embedding }] of data.entries()) expectClose(embedding, own[i]!, closeTo.models);
    expect(usage.prompt_tokens).toBe(tokenizer.encodeBatch(input).inputIds.flat().length);
    const ids = tokenizer.encode(input[0]!).inputIds;
    const fromIds = await client.embeddings.create({
      model: 'random-sentiment',
      input: ids,
      encoding_format: 'float',
    });
    expectClose(fromIds.data[0]!.embedding, own[0]!, closeTo.models);
  });

  it('gets errors as its own classes', async () => {
    const ask = (more: object) =>
      client.completions.create({ model: 'random-gpt2', prompt, max_tokens: 4, ...more });
    await expect(ask({ model: 'gpt-9' })).rejects.toThrow(NotFoundError);
    await expect(ask({ model: 'random-sentiment' })).rejects.toThrow(/does not write texts/);
    await expect(ask({ max_tokens: 300 })).rejects.toThrow(/at most 256 tokens/);
    await expect(ask({ max_tokens: 100_000 })).rejects.toThrow(BadRequestError);
    await expect(ask({ suffix: 'end' })).rejects.toThrow(/suffix/);
    await expect(ask({ prompt: [999_999] })).rejects.toThrow(/not a token id/);
    await expect(ask({ stream: true, max_tokens: 300 })).rejects.toThrow(BadRequestError);
    await expect(client.embeddings.create({ model: 'random-gpt2', input: 'a' })).rejects.toThrow(
      /does not embed/,
    );
    const long = 'cloth '.repeat(400);
    await expect(client.embeddings.create({ model: 'random-sentiment', input: long })).rejects.toThrow(
      /at most 256/,
    );
  });
});
