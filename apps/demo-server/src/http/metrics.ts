import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { HostObserver } from '../pool/model-host.js';
import type { ModelPool, PoolObserver } from '../pool/model-pool.js';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What Prometheus reads. No label holds anything that a user wrote. */
export class Metrics implements PoolObserver {
  readonly registry = new Registry();
  #http = new Histogram({
    name: 'weft_http_request_duration_seconds',
    help: 'Time to answer, by route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: SECONDS,
    registers: [this.registry],
  });
  #jobs = new Histogram({
    name: 'weft_model_request_duration_seconds',
    help: 'Time of a request at its model, waiting included, by outcome',
    labelNames: ['model', 'kind', 'outcome'],
    buckets: SECONDS,
    registers: [this.registry],
  });
  #rows = new Histogram({
    name: 'weft_batch_rows',
    help: 'Rows that went through a model together',
    labelNames: ['model', 'kind'],
    buckets: [1, 2, 4, 8, 16, 32, 64],
    registers: [this.registry],
  });
  #tokens = new Counter({
    name: 'weft_tokens_total',
    help: 'Tokens generated or read, by kind of work',
    labelNames: ['model', 'kind'],
    registers: [this.registry],
  });
  #replaced = new Counter({
    name: 'weft_worker_replaced_total',
    help: 'Threads of models that died and were replaced',
    labelNames: ['model'],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Reads the pool whenever Prometheus asks. */
  watch(pool: () => ModelPool): void {
    new Gauge({
      name: 'weft_queue_depth',
      help: 'Requests waiting and at work',
      labelNames: ['model'],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const { id, depth } of pool().hosts) this.set({ model: id }, depth);
      },
    });
    new Gauge({
      name: 'weft_model_ready',
      help: '1 when the model is loaded',
      labelNames: ['model'],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const { id, state } of pool().hosts) this.set({ model: id }, state === 'ready' ? 1 : 0);
      },
    });
  }

  answered(method: string, route: string, status: number, seconds: number): void {
    this.#http.observe({ method, route, status: String(status) }, seconds);
  }

  of(model: string): HostObserver {
    return {
      ended: (kind, outcome, seconds) => this.#jobs.observe({ model, kind, outcome }, seconds),
      batch: (kind, rows, tokens) => {
        this.#rows.observe({ model, kind }, rows);
        this.#tokens.inc({ model, kind }, tokens);
      },
      replaced: () => this.#replaced.inc({ model }),
    };
  }
}
