import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import type { Kind, Workload } from './workloads.js';

/** How a contender is started and what it can run. */
export interface ContenderSpec {
  name: string;
  command: string;
  args: readonly string[];
  kinds: readonly Kind[];
  /** Kinds that it runs in float32 only. */
  float32Only?: boolean;
  environment?: Readonly<Record<string, string>>;
  /** Far slower than the rest: measured once, after them, and stopped where its limit is sure to be kept. */
  slow?: boolean;
}

export interface Reply {
  /** Seconds of one run. */
  seconds?: number;
  /** Why this contender does not run this workload. */
  skip?: string;
  ready?: boolean;
  /** Peak resident bytes of the process so far. */
  peakBytes?: number;
}

/** A contender's process: answers one JSON line to each JSON line, and sleeps in between. */
export class Contender {
  readonly name: string;
  #child: ChildProcess;
  #lines: Interface;
  #waiting: ((reply: Reply) => void) | undefined;
  #errors = '';

  constructor(spec: ContenderSpec, environment: NodeJS.ProcessEnv) {
    this.name = spec.name;
    this.#child = spawn(spec.command, spec.args, {
      env: { ...environment, ...spec.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#lines = createInterface({ input: this.#child.stdout! });
    this.#lines.on('line', (line) => {
      // Libraries print what they like; only lines of the protocol begin so.
      if (!line.startsWith('{"bench":')) return;
      this.#settle((JSON.parse(line) as { bench: Reply }).bench);
    });
    this.#child.stderr!.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-4000);
    });
    this.#child.on('error', (error) => this.#settle({ skip: error.message }));
    this.#child.on('exit', (code) =>
      this.#settle({ skip: `ended with ${code}: ${this.#errors.trim().split('\n').slice(-3).join(' | ')}` }),
    );
  }

  /** Loads what the workload needs, and runs it once unless `cold`. */
  prepare(workload: Workload, { cold = false } = {}): Promise<Reply> {
    return this.#ask({ prepare: workload, cold });
  }

  run(): Promise<Reply> {
    return this.#ask({ run: true });
  }

  stop(): void {
    this.#child.kill();
  }

  #ask(message: unknown): Promise<Reply> {
    if (this.#child.exitCode !== null) return Promise.resolve({ skip: `ended with ${this.#child.exitCode}` });
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.#child.stdin!.write(`${JSON.stringify(message)}\n`);
    });
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(reply);
  }
}
