import { isDeepStrictEqual } from 'node:util';
import type { FromWorker } from '../pool/protocol.js';
import { RequestError } from '../request-error.js';
import type { Job } from './job.js';

/** A pipeline of @weft/pipelines, whichever its task. */
export type AnyPipeline = (inputs: unknown, options: Record<string, unknown>) => Promise<unknown>;

/** Tasks whose inputs are answered one by one: those of several requests may go through the model together. */
const mergeable = new Set([
  'text-classification',
  'question-answering',
  'fill-mask',
  'token-classification',
  'feature-extraction',
]);

/** Runs pipelines, one call at a time; requests that ask for the same with other inputs share a call. */
export class PipelineRunner {
  #waiting: Job<'pipeline'>[] = [];
  #loaded = new Map<string, Promise<AnyPipeline>>();
  #isRunning = false;

  constructor(
    private readonly tasks: readonly string[],
    private readonly load: (task: string) => Promise<AnyPipeline>,
    private readonly maxBatch: number,
    private readonly send: (message: FromWorker) => void,
  ) {}

  add(job: Job<'pipeline'>): void {
    this.#waiting.push(job);
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const alike = this.#takeAlike();
      const open = alike.filter((job) => {
        if (job.cancelled) job.drop();
        return !job.ended;
      });
      if (open.length > 0) await this.#answer(open);
    }
    this.#isRunning = false;
  }

  #takeAlike(): Job<'pipeline'>[] {
    const first = this.#waiting[0]!;
    const { task, parameters } = first.params;
    const alike = mergeable.has(task)
      ? this.#waiting
          .filter(({ params }) => params.task === task && isDeepStrictEqual(params.parameters, parameters))
          .slice(0, this.maxBatch)
      : [first];
    this.#waiting = this.#waiting.filter((job) => !alike.includes(job));
    return alike;
  }

  async #answer(jobs: readonly Job<'pipeline'>[]): Promise<void> {
    const { task, parameters } = jobs[0]!.params;
    try {
      const pipe = await this.#pipelineOf(task);
      if (jobs.length === 1) return await this.#one(pipe, jobs[0]!);
      await this.#together(pipe, jobs, parameters);
    } catch (error) {
      for (const job of jobs) job.fail(error);
    }
  }

  async #one(pipe: AnyPipeline, job: Job<'pipeline'>): Promise<void> {
    const { inputs, parameters } = job.params;
    try {
      const options = { batchSize: this.maxBatch, ...parameters, signal: job.controller.signal };
      job.succeed(await pipe(inputs, options));
      this.send({ type: 'batch', kind: 'pipeline', rows: countOf(inputs), tokens: 0 });
    } catch (error) {
      if (job.cancelled) job.drop();
      else job.fail(error);
    }
  }

  /** One call for the inputs of all; where it fails, each is tried alone, so that none fails for another's fault. */
  async #together(
    pipe: AnyPipeline,
    jobs: readonly Job<'pipeline'>[],
    parameters: Record<string, unknown>,
  ): Promise<void> {
    const inputs = jobs.flatMap((job) => [job.params.inputs].flat());
    const controller = new AbortController();
    // The work goes on as long as anybody waits for it.
    const abandon = (): void => {
      if (jobs.every(({ cancelled }) => cancelled)) controller.abort();
    };
    for (const job of jobs) job.controller.signal.addEventListener('abort', abandon);
    try {
      const options = { batchSize: this.maxBatch, ...parameters, signal: controller.signal };
      const results = (await pipe(inputs, options)) as unknown[];
      this.send({ type: 'batch', kind: 'pipeline', rows: inputs.length, tokens: 0 });
      let at = 0;
      for (const job of jobs) {
        const count = countOf(job.params.inputs);
        const own = results.slice(at, at + count);
        at += count;
        if (job.cancelled) job.drop();
        else job.succeed(Array.isArray(job.params.inputs) ? own : alone(own[0], job));
      }
    } catch {
      for (const job of jobs) {
        if (job.cancelled) job.drop();
        else await this.#one(pipe, job);
      }
    } finally {
      for (const job of jobs) job.controller.signal.removeEventListener('abort', abandon);
    }
  }

  #pipelineOf(task: string): Promise<AnyPipeline> {
    if (!this.tasks.includes(task)) {
      const message = `this model does ${this.tasks.join(', ') || 'no task of a pipeline'}, not ${task}`;
      throw new RequestError(400, 'wrong_model', message, 'model');
    }
    const loaded = this.#loaded.get(task) ?? this.load(task);
    this.#loaded.set(task, loaded);
    // A failure is not kept: the next request tries again.
    loaded.catch(() => this.#loaded.delete(task));
    return loaded;
  }
}

const countOf = (inputs: unknown): number => (Array.isArray(inputs) ? inputs.length : 1);

/** The form that an input's result has when it is asked for alone. */
function alone(result: unknown, { params }: Job<'pipeline'>): unknown {
  const { task, inputs, parameters } = params;
  const isListed =
    task === 'text-classification' && typeof inputs === 'string' && parameters.topK === undefined;
  return isListed ? [result] : result;
}
