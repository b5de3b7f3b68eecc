import { afterEach, expect, it, vi } from 'vitest';
import { branched, nothingWritten, textOf, type Writing, writeOn } from './generation.js';

afterEach(() => vi.unstubAllGlobals());

const token = (id: number, text: string, probability: number) => ({ id, text, probability });
const written: Writing = {
  ...nothingWritten,
  state: 'done',
  prompt: 'The',
  tokens: [
    { ...token(1, ' cat', 0.4), alternatives: [token(1, ' cat', 0.4), token(2, ' dog', 0.3)] },
    { ...token(3, ' sat', 0.9), alternatives: [token(3, ' sat', 0.9)] },
  ],
};
const options = { model: 'm', prompt: '', maxTokens: 4, temperature: 1, topP: 1 };

it('takes another road: what stood after it goes', () => {
  const other = branched(written, 0, 1);
  expect(textOf(other.tokens)).toBe(' dog');
  expect(other.tokens[0]).toMatchObject({ id: 2, taken: true });
  expect(other.tokens[0]!.alternatives).toHaveLength(2);
});

it('writes on from all that stands, and tells of each step', async () => {
  const events = [
    'event: start\ndata: {"model":"small","random":true}',
    'event: token\ndata: {"id":4,"text":" ran","probability":0.5,"alternatives":[]}',
    'event: done\ndata: {"finishReason":"length","seconds":1}',
  ];
  const fetching = vi.fn(
    async (_path: string, _init: RequestInit) => new Response(`${events.join('\n\n')}\n\n`),
  );
  vi.stubGlobal('fetch', fetching);
  const told: Writing[] = [];
  await writeOn(branched(written, 0, 1), options, new AbortController().signal, (step) => told.push(step));
  expect(JSON.parse(String(fetching.mock.calls[0]![1].body))).toMatchObject({
    prompt: 'The dog',
    maxTokens: 4,
  });
  expect(told.map(({ state, tokens }) => `${state} ${textOf(tokens)}`)).toEqual([
    'writing  dog',
    'writing  dog',
    'writing  dog ran',
    'done  dog ran',
  ]);
  expect(told.at(-1)).toMatchObject({ model: 'small', random: true });
});

it('keeps what was written when it is stopped or fails', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('gone')));
  const told: Writing[] = [];
  const controller = new AbortController();
  await writeOn(written, options, controller.signal, (step) => told.push(step));
  expect(told.at(-1)).toMatchObject({ state: 'failed', tokens: written.tokens });
  controller.abort();
  await writeOn(told.at(-1)!, options, controller.signal, (step) => told.push(step));
  expect(told.at(-1)).toMatchObject({ state: 'stopped', tokens: written.tokens });
  expect(told.at(-1)).not.toHaveProperty('failure');
});
