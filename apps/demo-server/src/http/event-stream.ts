import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/** Server-sent events, written as they come. What a slow client has not read waits here; answers are bounded. */
export class EventStream {
  #readable = new Readable({ read() {} });

  /** One event with JSON as its data; without a name, a plain `data:` line as OpenAI has them. */
  send(data: unknown, name?: string): void {
    this.raw(`${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`);
  }

  raw(text: string): void {
    if (!this.#readable.destroyed && !this.#readable.readableEnded) this.#readable.push(text);
  }

  end(): void {
    if (!this.#readable.destroyed) this.#readable.push(null);
  }

  /** Begins the answer. */
  reply(reply: FastifyReply): FastifyReply {
    return reply
      .type('text/event-stream; charset=utf-8')
      .header('cache-control', 'no-store')
      .header('x-accel-buffering', 'no')
      .send(this.#readable);
  }
}
