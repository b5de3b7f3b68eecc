import { isWeftError } from '@weft/errors';
import type { FromWorker, WireError, Work, WorkKind } from '../pool/protocol.js';
import { RequestError } from '../request-error.js';

/** What a client is told of an error: mistakes in the request in full, everything else not at all. */
export function toWire(error: unknown): WireError {
  if (error instanceof RequestError) {
    const { status, code, message, param } = error;
    return { status, code, message, ...(param === undefined ? {} : { param }) };
  }
  const asked = ['WEFT_INPUT', 'WEFT_GENERATION', 'WEFT_TOKENIZER', 'WEFT_SHAPE', 'WEFT_DATA'];
  if (isWeftError(error) && asked.includes(error.code)) {
    return { status: 400, code: error.code, message: error.message };
  }
  const stack = error instanceof Error ? `${error.name}\n${framesOf(error)}` : '';
  return { status: 500, code: 'internal_error', message: 'the model failed on this request', stack };
}

const framesOf = ({ stack = '' }: Error): string =>
  stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');

/** One request as the worker sees it. It ends once, whatever comes after. */
export class Job<K extends WorkKind = WorkKind> {
  readonly controller = new AbortController();
  readonly arrived = performance.now();
  #ended = false;

  constructor(
    readonly id: number,
    readonly kind: K,
    readonly params: Work[K]['params'],
    private readonly send: (message: FromWorker) => void,
  ) {}

  get cancelled(): boolean {
    return this.controller.signal.aborted;
  }

  get ended(): boolean {
    return this.#ended;
  }

  event(event: Work['generate']['event']): void {
    if (!this.#ended && !this.cancelled) this.send({ type: 'event', id: this.id, event });
  }

  succeed(result: Work[K]['result']): void {
    this.#end({ result });
  }

  fail(error: unknown): void {
    this.#end({ error: toWire(error) });
  }

  /** The client is gone: nobody waits for an answer, only for the end. */
  drop(): void {
    this.#end({});
  }

  #end(outcome: { result?: unknown; error?: WireError }): void {
    if (this.#ended) return;
    this.#ended = true;
    this.send({ type: 'end', id: this.id, ...outcome });
  }
}
