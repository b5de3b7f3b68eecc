import { Worker } from 'node:worker_threads';
import { RequestError } from '../request-error.js';
import type {
  FromWorker,
  GenerateEvent,
  ModelInfo,
  ToWorker,
  Work,
  WorkerData,
  WorkKind,
} from './protocol.js';
import { RateMeter } from './rate-meter.js';

export type ModelState = 'loading' | 'ready' | 'failed';

export interface HostOptions {
  id: string;
  /** The weights were drawn, not trained. */
  random: boolean;
  workerData: WorkerData;
  /** Requests that a model holds at most, waiting and at work. */
  maxQueue: number;
  /** A worker that does not let go of a cancelled request for so long is replaced. */
  hangMs: number;
  observe: HostObserver;
}

/** What happens at a host, for metrics and logs. */
export interface HostObserver {
  ended(kind: WorkKind, outcome: string, seconds: number): void;
  batch(kind: WorkKind, rows: number, tokens: number): void;
  replaced(reason: string): void;
}

export interface SubmitOptions {
  signal: AbortSignal;
  deadlineMs: number;
  onEvent?: (event: GenerateEvent) => void;
}

interface Pending {
  message: ToWorker;
  kind: WorkKind;
  started: number;
  settle: (outcome: { result?: unknown; error?: Error }, name: string) => void;
  isSettled: boolean;
  onEvent: ((event: GenerateEvent) => void) | undefined;
  watchdog?: NodeJS.Timeout;
}

/** Times that a model may fail to load in a row before it counts as failed. */
const MAX_LOAD_FAILURES = 3;
const MAX_BACKOFF = 10_000;

/**
 * One model in a thread of its own, with a bounded queue. A thread that dies is replaced; what it had in hand gets
 * an error.
 */
export class ModelHost {
  readonly id: string;
  readonly random: boolean;
  readonly created = Math.floor(Date.now() / 1000);
  state: ModelState = 'loading';
  info: ModelInfo | undefined;
  failure: string | undefined;
  lastUsed = Date.now();
  #options: HostOptions;
  #worker: Worker | undefined;
  #pending = new Map<number, Pending>();
  #nextId = 1;
  #loadFailures = 0;
  #isClosed = false;
  #retry: NodeJS.Timeout | undefined;
  #settled: (() => void)[] = [];
  #rate = new RateMeter();

  constructor(options: HostOptions) {
    this.#options = options;
    this.id = options.id;
    this.random = options.random;
    this.#start();
  }

  /** Requests waiting and at work. */
  get depth(): number {
    return this.#pending.size;
  }

  /** The thread, for tests that end it by force. */
  get worker(): Worker | undefined {
    return this.#worker;
  }

  /** Resolves when the model is ready, or failed. */
  async loaded(): Promise<void> {
    while (this.state === 'loading' && !this.#isClosed) {
      await new Promise<void>((resolve) => this.#settled.push(resolve));
    }
  }

  /**
   * Hands work to the model.
   *
   * @throws RequestError when the queue is full, the deadline passes, the thread dies or the request is wrong; the
   * signal's reason when it is aborted
   */
  async submit<K extends WorkKind>(
    kind: K,
    params: Work[K]['params'],
    { signal, deadlineMs, onEvent }: SubmitOptions,
  ): Promise<Work[K]['result']> {
    signal.throwIfAborted();
    this.#checkOpen();
    this.lastUsed = Date.now();
    const id = this.#nextId++;
    return new Promise<Work[K]['result']>((resolve, reject) => {
      const onAbort = (): void => this.#abandon(id, signal.reason as Error, 'cancelled');
      const deadline = setTimeout(() => {
        const late = new RequestError(504, 'deadline_exceeded', `not done within ${deadlineMs} ms`);
        this.#abandon(id, late, 'deadline');
      }, deadlineMs);
      const pending: Pending = {
        message: { type: 'job', id, kind, params } as ToWorker,
        kind,
        started: performance.now(),
        isSettled: false,
        onEvent,
        settle: ({ result, error }, outcome) => {
          if (pending.isSettled) return;
          pending.isSettled = true;
          clearTimeout(deadline);
          signal.removeEventListener('abort', onAbort);
          this.#options.observe.ended(kind, outcome, (performance.now() - pending.started) / 1000);
          if (error) reject(error);
          else resolve(result as Work[K]['result']);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#pending.set(id, pending);
      if (this.state === 'ready') this.#worker!.postMessage(pending.message);
    });
  }

  /** Ends the thread; what is still in hand gets an error. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#failAll(new RequestError(503, 'shutting_down', 'the server is shutting down'), 'shutdown');
    this.#announce();
    await this.#worker?.terminate();
  }

  /** Seconds after which a place in the queue is likely. */
  retryAfter(): number {
    const perSecond = this.#rate.perSecond();
    if (perSecond === 0) return 5;
    return Math.min(30, Math.max(1, Math.ceil((this.depth * 0.25) / perSecond)));
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new RequestError(503, 'shutting_down', 'the server is shutting down');
    if (this.state === 'failed') {
      throw new RequestError(503, 'model_unavailable', `the model ${this.id} could not be loaded`, 'model');
    }
    if (this.depth >= this.#options.maxQueue) {
      const full = new RequestError(
        429,
        'queue_full',
        'too many requests wait for this model; try again later',
      );
      full.retryAfter = this.retryAfter();
      throw full;
    }
  }

  #start(): void {
    // Tests run from the sources, which a thread cannot load: it takes the compiled file either way.
    const isSource = import.meta.url.endsWith('.ts');
    const file = new URL(isSource ? '../../dist/worker/main.js' : '../worker/main.js', import.meta.url);
    const worker = new Worker(file, { workerData: this.#options.workerData, name: `weft ${this.id}` });
    this.#worker = worker;
    let reason = 'the thread ended';
    worker.on('message', (messages: FromWorker[]) => {
      for (const message of messages) {
        // One that was given up may still have something to say.
        if (this.#worker === worker) this.#receive(message);
      }
    });
    worker.on('error', (error) => {
      // While it loads nothing of a user's is in the message.
      reason = this.state === 'loading' ? `${error.name}: ${error.message}` : error.name;
    });
    worker.on('exit', () => {
      if (this.#worker === worker) this.#replace(reason);
    });
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        this.info = message.info;
        this.state = 'ready';
        this.#loadFailures = 0;
        for (const { message: job, isSettled } of this.#pending.values()) {
          if (!isSettled) this.#worker!.postMessage(job);
        }
        this.#announce();
        break;
      case 'failed':
        this.failure = message.message;
        // It knows why: trying again would give the same.
        this.#loadFailures = MAX_LOAD_FAILURES;
        void this.#worker!.terminate();
        break;
      case 'event':
        this.#pending.get(message.id)?.onEvent?.(message.event);
        break;
      case 'end':
        this.#end(message.id, message.result, message.error);
        break;
      case 'batch':
        this.#options.observe.batch(message.kind, message.rows, message.tokens);
        break;
    }
  }

  #end(id: number, result: unknown, wire: (FromWorker & { type: 'end' })['error']): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    clearTimeout(pending.watchdog);
    this.#pending.delete(id);
    this.#rate.count();
    if (!wire) pending.settle({ result }, 'ok');
    else {
      const { status, code, message, param, stack } = wire;
      const error = new RequestError(status, code, message, param);
      if (stack !== undefined) error.stack = stack;
      pending.settle({ error }, code);
    }
  }

  /** The client has its answer at once; the place in the queue is free when the thread lets go. */
  #abandon(id: number, error: Error, outcome: string): void {
    const pending = this.#pending.get(id);
    if (!pending || pending.isSettled) return;
    pending.settle({ error }, outcome);
    if (this.state !== 'ready') {
      this.#pending.delete(id);
      return;
    }
    this.#worker!.postMessage({ type: 'cancel', id } satisfies ToWorker);
    pending.watchdog = setTimeout(() => this.#giveUp(), this.#options.hangMs);
    pending.watchdog.unref();
  }

  /** Ends a thread that hangs, and does not wait for its end: it may be deep in a computation. */
  #giveUp(): void {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#replace('the thread did not let go of a cancelled request');
    void worker?.terminate();
  }

  #replace(reason: string): void {
    if (this.#isClosed) return;
    const wasReady = this.state === 'ready';
    this.state = 'loading';
    if (wasReady) {
      const error = new RequestError(503, 'worker_lost', 'the model stopped while it was at work; try again');
      this.#failAll(error, 'worker_lost');
    } else this.#loadFailures++;
    if (this.#loadFailures >= MAX_LOAD_FAILURES) {
      this.failure ??= reason;
      this.state = 'failed';
      const error = new RequestError(503, 'model_unavailable', `the model ${this.id} could not be loaded`);
      this.#failAll(error, 'unavailable');
      this.#announce();
      return;
    }
    this.#options.observe.replaced(reason);
    const wait = wasReady ? 0 : Math.min(MAX_BACKOFF, 250 * 2 ** this.#loadFailures);
    this.#retry = setTimeout(() => this.#start(), wait);
  }

  #failAll(error: Error, outcome: string): void {
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.watchdog);
      pending.settle({ error }, outcome);
    }
    this.#pending.clear();
  }

  #announce(): void {
    for (const resolve of this.#settled.splice(0)) resolve();
  }
}
