import { afterEach, describe, expect, it, vi } from 'vitest';
import { askEvents, askJson, type ServerEvent } from './http.js';

afterEach(() => vi.unstubAllGlobals());

const answers = (body: string | ReadableStream<Uint8Array>, init: ResponseInit = {}) => {
  const fetching = vi.fn(async () => new Response(body, init));
  vi.stubGlobal('fetch', fetching);
  return fetching;
};

async function all(events: AsyncGenerator<ServerEvent>): Promise<ServerEvent[]> {
  const list: ServerEvent[] = [];
  for await (const event of events) list.push(event);
  return list;
}

describe('asking for JSON', () => {
  it('posts where there is a body', async () => {
    const fetching = answers('{"a":1}');
    expect(await askJson('x', { body: { b: 2 } })).toEqual({ a: 1 });
    expect(fetching).toHaveBeenCalledWith('x', expect.objectContaining({ method: 'POST', body: '{"b":2}' }));
  });

  it('throws what the server says', async () => {
    answers('{"error":{"message":"too long","code":"context_length_exceeded"}}', { status: 400 });
    await expect(askJson('x')).rejects.toMatchObject({ message: 'Too long.', status: 400 });
  });

  it('throws that nobody answers', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('fetch failed')));
    await expect(askJson('x')).rejects.toThrow('The server does not answer.');
  });
});

describe('server-sent events', () => {
  it('come in order however the bytes are cut', async () => {
    const bytes = new TextEncoder().encode(
      ': quiet\n\nevent: token\ndata: {"text":"ä🧶"}\n\ndata: {"n":2}\n\ndata: [DONE]\n\ndata: {"n":3}\n\n',
    );
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += 3) controller.enqueue(bytes.slice(at, at + 3));
        controller.close();
      },
    });
    answers(stream);
    expect(await all(askEvents('x'))).toEqual([
      { event: 'token', data: { text: 'ä🧶' } },
      { event: 'message', data: { n: 2 } },
    ]);
  });

  it('throw where an event is an error', async () => {
    answers(
      'data: {"n":1}\n\nevent: error\ndata: {"error":{"message":"worker lost","code":"worker_lost"}}\n\n',
    );
    await expect(all(askEvents('x'))).rejects.toThrow('Worker lost.');
  });

  it('tell the server when nobody listens any more', async () => {
    const cancelled = vi.fn();
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('data: {"n":1}\n\n')),
      cancel: cancelled,
    });
    answers(stream);
    for await (const _ of askEvents('x')) break;
    await vi.waitFor(() => expect(cancelled).toHaveBeenCalled());
  });
});
