import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';

// Plain JavaScript on the addon itself: a worker does not see the test runner's TypeScript.
const program = `
  const { createRequire } = require('node:module');
  const { parentPort, workerData } = require('node:worker_threads');
  const addon = createRequire(workerData.from)(workerData.addon);
  const [m, n, k] = [100, 300, 200];
  const a = Float32Array.from({ length: m * k }, (_, i) => Math.sin(i));
  const b = Float32Array.from({ length: k * n }, (_, i) => Math.cos(i));
  const c = new Float32Array(m * n);
  for (let round = 0; round < 40; round++) {
    addon.batchMatMul(false, false, 1, m, n, k, a, b, c, null, null, null, 0);
  }
  parentPort.postMessage(c);
`;

const run = () =>
  new Promise<Float32Array>((resolve, reject) => {
    const addon = fileURLToPath(new URL('../../build/Release/weft.node', import.meta.url));
    const worker = new Worker(program, { eval: true, workerData: { addon, from: import.meta.url } });
    worker.once('message', resolve);
    worker.once('error', reject);
  });

test('two workers at once give the same bits as one', async () => {
  const alone = await run();
  const together = await Promise.all([run(), run()]);
  for (const result of together) expect(result).toEqual(alone);
  // The addon outlives the workers that loaded it.
  expect(await run()).toEqual(alone);
});
