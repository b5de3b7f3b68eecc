import { EventSourceParserStream } from 'eventsource-parser/stream';
import { failureFrom, unreachable } from './failure.js';

const keyName = 'weft-api-key';

/** The API key of this tab; servers on loopback need none. */
export const apiKey = {
  get(): string | undefined {
    try {
      return sessionStorage.getItem(keyName) ?? undefined;
    } catch {
      return undefined;
    }
  },
  set(value: string): void {
    try {
      sessionStorage.setItem(keyName, value);
    } catch {
      // Without storage the key would be asked for again; nothing is lost but comfort.
    }
  },
};

interface RequestOptions {
  body?: unknown;
  signal?: AbortSignal | undefined;
  accept?: string;
}

async function request(path: string, { body, signal, accept }: RequestOptions): Promise<Response> {
  const headers: Record<string, string> = { accept: accept ?? 'application/json' };
  const key = apiKey.get();
  if (key) headers.authorization = `Bearer ${key}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(path, {
      method: body === undefined ? 'GET' : 'POST',
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unreachable();
  }
  if (response.ok) return response;
  const text = await response.text();
  throw failureFrom(parsed(text), response.status, response.headers.get('retry-after'));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** Asks for JSON; with a body it is a POST. Failures are {@link Failure}. */
export async function askJson<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const response = await request(path, options);
  return (await response.json()) as T;
}

export interface ServerEvent {
  event: string;
  data: unknown;
}

/** Server-sent events with a request body and headers, which the browser's EventSource cannot send. */
export async function* askEvents(path: string, options: RequestOptions = {}): AsyncGenerator<ServerEvent> {
  const response = await request(path, { ...options, accept: 'text/event-stream' });
  if (!response.body) return;
  const events = response.body
    .pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array<ArrayBuffer>>)
    .pipeThrough(new EventSourceParserStream());
  const reader = events.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      if (value.data === '[DONE]') return;
      const data = parsed(value.data);
      if (value.event === 'error' || hasError(data)) throw failureFrom(data, 0);
      yield { event: value.event ?? 'message', data };
    }
  } finally {
    await reader.cancel().catch(() => undefined); // tells the server that nobody listens any more
  }
}

const hasError = (data: unknown): boolean => typeof data === 'object' && data !== null && 'error' in data;
