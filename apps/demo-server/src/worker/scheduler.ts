import { setImmediate as breathe, setTimeout as sleep } from 'node:timers/promises';
import type { FromWorker, WorkerData, WorkKind } from '../pool/protocol.js';
import { Cohort, type PreparedRequest, takeCohort } from './cohort.js';
import { embedTogether, type Pass } from './embedding.js';
import { attentionOf, occlude, tokenizeText } from './explain.js';
import type { Job } from './job.js';
import type { PipelineRunner } from './pipeline-runner.js';
import { prepareRequest } from './prepare.js';
import type { ServedModel } from './served-model.js';

/** Cohorts that are decoded in turn: a request that came late starts before those before it have ended. */
const MAX_COHORTS = 2;

/** Work that goes on in small steps; the event loop of the worker takes messages between them. */
interface Task {
  kind: WorkKind;
  jobs: readonly Job[];
  steps: Iterator<Pass, void>;
}

/**
 * Does the work of one model: gathers what can be done together, and goes on with everything a step at a time, so
 * that cancelling takes effect within one.
 */
export class Scheduler {
  #waiting: Job[] = [];
  #prepared: PreparedRequest[] = [];
  #cohorts: Cohort[] = [];
  #task: Task | undefined;
  #wake: (() => void) | undefined;

  constructor(
    private readonly served: ServedModel,
    private readonly pipelines: PipelineRunner,
    private readonly settings: Pick<WorkerData, 'batching' | 'limits'>,
    private readonly send: (message: FromWorker) => void,
  ) {}

  add(job: Job): void {
    if (job.kind === 'pipeline') this.pipelines.add(job as unknown as Job<'pipeline'>);
    else {
      this.#waiting.push(job);
      this.#wake?.();
    }
  }

  /** Works for ever. */
  async run(): Promise<never> {
    const { windowMs, maxBatch } = this.settings.batching;
    for (;;) {
      if (this.#isIdle()) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
        if (windowMs > 0 && maxBatch > 1 && this.#waiting.length < maxBatch) await sleep(windowMs);
      }
      this.#begin();
      this.#stepCohorts();
      this.#stepTask();
      await breathe();
    }
  }

  #isIdle(): boolean {
    return (
      this.#waiting.length === 0 &&
      this.#prepared.length === 0 &&
      this.#cohorts.length === 0 &&
      this.#task === undefined
    );
  }

  /** Starts what can start. */
  #begin(): void {
    const { maxBatch } = this.settings.batching;
    this.#waiting = this.#waiting.filter((job) => {
      if (job.cancelled) job.drop();
      return !job.ended;
    });
    for (const job of this.#takeAll('generate')) {
      this.#guard([job], () => this.#prepared.push(prepareRequest(this.served, job)));
    }
    this.#prepared = this.#prepared.filter(({ job }) => {
      if (job.cancelled) job.drop();
      return !job.ended;
    });
    if (this.#prepared.length > 0 && this.#cohorts.length < MAX_COHORTS) this.#beginCohort();
    for (const job of this.#takeAll('tokenize')) {
      this.#guard([job], () => job.succeed(tokenizeText(this.served, job)));
    }
    this.#task ??= this.#nextTask(maxBatch);
  }

  #takeAll<K extends WorkKind>(kind: K, limit = Infinity): Job<K>[] {
    const taken = new Set(this.#waiting.filter((job) => job.kind === kind).slice(0, limit));
    if (taken.size > 0) this.#waiting = this.#waiting.filter((job) => !taken.has(job));
    return [...taken] as unknown as Job<K>[];
  }

  #beginCohort(): void {
    const { generative, tokenizer } = this.served;
    const { maxBatch } = this.settings.batching;
    const requests = takeCohort(this.#prepared, { maxBatch, maxPositions: generative!.maxPositions });
    this.#prepared = this.#prepared.filter((request) => !requests.includes(request));
    const { padTokenId, eosTokenId, decoderStartTokenId } = generative!.generationDefaults;
    this.#guard(
      requests.map(({ job }) => job),
      () => {
        const pad = padTokenId ?? tokenizer.padTokenId ?? [eosTokenId ?? 0].flat()[0]!;
        this.#cohorts.push(
          new Cohort(generative!, requests, { padTokenId: pad, decoderStart: decoderStartTokenId }),
        );
      },
    );
  }

  #stepCohorts(): void {
    this.#cohorts = this.#cohorts.filter((cohort) => {
      const { rows } = cohort;
      try {
        const isDone = cohort.step();
        if (rows > 0) this.send({ type: 'batch', kind: 'generate', rows, tokens: rows });
        if (isDone) cohort.dispose();
        return !isDone;
      } catch (error) {
        cohort.fail(error);
        cohort.dispose();
        return false;
      }
    });
  }

  #stepTask(): void {
    const task = this.#task;
    if (!task) return;
    this.#guard(task.jobs, () => {
      const { done, value } = task.steps.next();
      if (done) this.#task = undefined;
      else this.send({ type: 'batch', kind: task.kind, ...value });
    });
    // An error ends the task too.
    if (task.jobs.every(({ ended }) => ended)) this.#task = undefined;
  }

  #nextTask(maxBatch: number): Task | undefined {
    const [first] = this.#waiting;
    if (first?.kind === 'embed') {
      const jobs = this.#takeAll('embed', maxBatch);
      return { kind: 'embed', jobs, steps: embedTogether(this.served, jobs, maxBatch) };
    }
    if (!first) return undefined;
    this.#waiting = this.#waiting.filter((job) => job !== first);
    if (first.kind === 'sentiment') {
      const job = first as unknown as Job<'sentiment'>;
      const steps = occlude(this.served, job, this.settings.limits, Math.max(8, maxBatch));
      return { kind: 'sentiment', jobs: [job], steps };
    }
    const job = first as unknown as Job<'attention'>;
    this.#guard([job], () => job.succeed(attentionOf(this.served, job, this.settings.limits)));
    return undefined;
  }

  #guard(jobs: readonly Job[], work: () => void): void {
    try {
      work();
    } catch (error) {
      for (const job of jobs) job.fail(error);
    }
  }
}
