import * as tf from '@tensorflow/tfjs';
import { BackendError, InputError } from '@weft/errors';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { BackendName } from './names.js';
import { backendReport } from './report.js';
import { setBackend } from './set-backend.js';
import { setThreads } from './threads.js';

afterEach(async () => {
  vi.unstubAllEnvs();
  await setBackend('native');
});

describe('setBackend', () => {
  test('takes native by itself where no CUDA device answers', async () => {
    vi.stubEnv('WEFT_BACKEND', '');
    expect(await setBackend()).toBe('native');
    expect(tf.getBackend()).toBe('native');
  });

  test('follows WEFT_BACKEND, but not against an explicit name', async () => {
    vi.stubEnv('WEFT_BACKEND', 'cpu');
    expect(await setBackend('auto')).toBe('cpu');
    expect(await setBackend('wasm')).toBe('wasm');
  });

  test('moves the data of tensors from one backend to the next', async () => {
    const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const sums: number[][] = [];
    for (const name of ['native', 'wasm', 'cpu', 'native'] as const) {
      await setBackend(name);
      sums.push(Array.from(tf.tidy(() => tf.matMul(x, x).dataSync())));
    }
    expect(sums).toEqual(Array.from({ length: 4 }, () => [7, 10, 15, 22]));
    x.dispose();
  });

  test('refuses an unknown name, wherever it comes from', async () => {
    await expect(setBackend('gpu' as BackendName)).rejects.toThrow(InputError);
    vi.stubEnv('WEFT_BACKEND', 'cuda');
    await expect(setBackend()).rejects.toThrow(/WEFT_BACKEND: expected one of auto, native/);
  });

  test('says why tensorflow is not to be had', async () => {
    const { backends } = await backendReport();
    const tensorflow = backends.find(({ name }) => name === 'tensorflow')!;
    if (tensorflow.available) return;
    const error = await setBackend('tensorflow').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BackendError);
    expect((error as BackendError).received).toContain('@tensorflow/tfjs-node-gpu');
    expect(tf.getBackend()).toBe('native');
  });
});

describe('backendReport', () => {
  test('tells of every backend, the threads, the instruction set and the memory', async () => {
    const { active, backends, native } = await backendReport();
    expect(active).toBe('native');
    expect(backends.map(({ name }) => name)).toEqual(['tensorflow', 'native', 'wasm', 'cpu']);
    for (const { reason } of backends) expect(reason).not.toBe('');
    expect(native?.instructionSets).toContain(native?.instructionSet);
    expect(native?.instructionSets[0]).toBe('portable');
    expect(native?.memory?.poolPeakBytes).toBeGreaterThanOrEqual(0);
  });
});

describe('setThreads', () => {
  test('holds for the process', async () => {
    const before = (await backendReport()).native!.threads;
    setThreads(1);
    expect((await backendReport()).native!.threads).toBe(1);
    setThreads(before);
  });

  test.each([0, -1, 1.5, 1000, Number.NaN])('refuses %s', (count) => {
    expect(() => setThreads(count)).toThrow(InputError);
  });
});
