import type { FastifyReply } from 'fastify';
import type { ModelHost } from '../pool/model-host.js';
import type { GenerateEvent, GenerateResult } from '../pool/protocol.js';
import { bodyOf, type ErrorBody } from './errors.js';
import { EventStream } from './event-stream.js';

/** How an answer that comes piece by piece is written. */
export interface LiveWriter {
  event(stream: EventStream, event: GenerateEvent, host: ModelHost): void;
  end(stream: EventStream, result: GenerateResult, host: ModelHost): void;
  error(stream: EventStream, body: ErrorBody): void;
}

/** A generation on its way to the client as server-sent events. */
export class LiveAnswer {
  #stream = new EventStream();
  /** What came before it was known who answers. */
  #early: GenerateEvent[] = [];
  #host: ModelHost | undefined;
  #started!: () => void;
  #start = new Promise<void>((resolve) => {
    this.#started = resolve;
  });

  constructor(private readonly writer: LiveWriter) {}

  take(event: GenerateEvent): void {
    if (!this.#host) {
      this.#early.push(event);
      return;
    }
    this.writer.event(this.#stream, event, this.#host);
    this.#started();
  }

  /** Begins the answer with the model's first event. A failure before that is thrown; a later one is sent. */
  async reply(reply: FastifyReply, host: ModelHost, result: Promise<GenerateResult>): Promise<FastifyReply> {
    this.#host = host;
    for (const event of this.#early.splice(0)) this.take(event);
    let hasBegun = false;
    const done = result.then(
      (value) => {
        this.writer.end(this.#stream, value, host);
        this.#stream.end();
      },
      (error: unknown) => {
        if (!hasBegun) throw error;
        this.writer.error(this.#stream, bodyOf(error).body);
        this.#stream.end();
      },
    );
    await Promise.race([this.#start, done]);
    hasBegun = true;
    return this.#stream.reply(reply);
  }
}
