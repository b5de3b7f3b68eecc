// Asks for health as somebody's monitor would, and reads the server's memory, until it is told to stop.
import { setTimeout as sleep } from 'node:timers/promises';
import { workerData as address, parentPort } from 'node:worker_threads';
import { metric } from './metric.mjs';

const health = [];
const memory = [];
let isStopped = false;
parentPort.once('message', () => {
  isStopped = true;
});

for (let i = 0; !isStopped; i++) {
  const started = performance.now();
  await (await fetch(`${address}/healthz`)).text();
  health.push(performance.now() - started);
  if (i % 4 === 0) memory.push((await metric(address, 'process_resident_memory_bytes')) / 2 ** 20);
  await sleep(250);
}
parentPort.postMessage({ health, memory });
