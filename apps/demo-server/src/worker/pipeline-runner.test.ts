import { InputError } from '@weft/errors';
import { describe, expect, it } from 'vitest';
import type { FromWorker, PipelineParams } from '../pool/protocol.js';
import { Job } from './job.js';
import { type AnyPipeline, PipelineRunner } from './pipeline-runner.js';

const TASKS = ['text-classification', 'text-generation'];

function setUp(pipe: AnyPipeline) {
  const calls: unknown[] = [];
  const runner = new PipelineRunner(
    TASKS,
    async () => (inputs, options) => {
      calls.push(inputs);
      return pipe(inputs, options);
    },
    8,
    () => {},
  );
  let next = 0;
  const ask = (params: Partial<PipelineParams>) => {
    let done!: (message: FromWorker & { type: 'end' }) => void;
    const ended = new Promise<FromWorker & { type: 'end' }>((resolve) => {
      done = resolve;
    });
    const full = { task: 'text-classification', inputs: 'a', parameters: {}, ...params };
    const job = new Job(next++, 'pipeline', full, (message) => message.type === 'end' && done(message));
    runner.add(job);
    return { job, ended };
  };
  return { calls, ask };
}

/** Answers each input with itself, and refuses 'bad'. */
const echo: AnyPipeline = async (inputs) => {
  const list = [inputs].flat();
  if (list.includes('bad')) {
    throw new InputError({ operation: 'test', expected: 'good', received: 'bad', remedy: 'be good' });
  }
  return Array.isArray(inputs) ? list : [inputs];
};

describe('PipelineRunner', () => {
  it('asks once for requests that are alike, and gives each its own', async () => {
    const { calls, ask } = setUp(echo);
    const asked = [
      ask({ inputs: 'first' }),
      ask({ inputs: 'a' }),
      ask({ inputs: ['b', 'c'] }),
      ask({ inputs: 'd' }),
    ];
    const other = ask({ inputs: 'e', parameters: { topK: 2 } });
    const ended = await Promise.all([...asked, other].map(({ ended: promise }) => promise));
    expect(ended.map(({ result }) => result)).toEqual([['first'], ['a'], ['b', 'c'], ['d'], ['e']]);
    // The first two calls: those that were there, then what came while they ran; other options never join.
    expect(calls.flat()).toEqual(['first', 'a', 'b', 'c', 'd', 'e']);
    expect(calls.length).toBeLessThan(5);
  });

  it('lets nobody fail for the fault of another', async () => {
    const { ask } = setUp(echo);
    const asked = [ask({ inputs: 'x' }), ask({ inputs: 'a' }), ask({ inputs: 'bad' }), ask({ inputs: 'c' })];
    const ended = await Promise.all(asked.map(({ ended: promise }) => promise));
    expect(ended.map(({ result, error }) => error?.status ?? result)).toEqual([['x'], ['a'], 400, ['c']]);
  });

  it('never merges what is written', async () => {
    const { calls, ask } = setUp(echo);
    const asked = [1, 2, 3].map(() => ask({ task: 'text-generation' }));
    await Promise.all(asked.map(({ ended }) => ended));
    expect(calls).toEqual(['a', 'a', 'a']);
  });

  it('drops what nobody waits for, and stops a call when nobody is left', async () => {
    const signals: AbortSignal[] = [];
    const { calls, ask } = setUp(async (_inputs, { signal }) => {
      signals.push(signal as AbortSignal);
      await new Promise((_, reject) =>
        (signal as AbortSignal).addEventListener('abort', () => reject(new Error('gone'))),
      );
    });
    const running = ask({});
    const waiting = ask({});
    await new Promise((resolve) => setImmediate(resolve));
    waiting.job.controller.abort();
    running.job.controller.abort();
    expect(await running.ended).toEqual({ type: 'end', id: 0 });
    expect(await waiting.ended).toEqual({ type: 'end', id: 1 });
    expect(calls).toHaveLength(1);
    expect(signals[0]!.aborted).toBe(true);
  });

  it('refuses tasks that the model does not do', async () => {
    const { ask } = setUp(echo);
    const { error } = await ask({ task: 'translation' }).ended;
    expect(error).toMatchObject({ status: 400, code: 'wrong_model' });
  });

  it('tells nothing of a failure that is no fault of the request', async () => {
    const { ask } = setUp(async (inputs) => {
      throw new TypeError(`a secret: ${String(inputs)}`);
    });
    const { error } = await ask({ inputs: 'xylophone' }).ended;
    expect(error).toMatchObject({ status: 500, code: 'internal_error' });
    expect(JSON.stringify(error)).not.toMatch(/xylophone|a secret/);
    expect(error!.stack).toContain('pipeline-runner');
  });
});
