/**
 * Load on loopback: many clients that each ask for a completion, wait for it and ask again, with batching and
 * without. Writes what it measured to a file.
 *
 *   pnpm --filter @weft/demo-server load [--seconds 120] [--clients 200] [--out load/results/load.json]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import autocannon from 'autocannon';
import { writeRandomModels } from '../dist/random-models.js';
import { metric } from './metric.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    clients: { type: 'string', default: '200' },
    out: { type: 'string', default: join(here, 'results', 'load.json') },
  },
});
const seconds = Number(values.seconds);
const clients = Number(values.clients);

/** A small GPT-2: large enough that sharing a batch pays, small enough for a common machine. */
const SIZES = { width: 256, layers: 4, heads: 4, positions: 256, vocabSize: 400 };
const NEW_TOKENS = 16;
const PROMPTS = [
  'The weaver sets the warp,',
  'A loom stands by the window; the thread is',
  'Who weaves',
  'I love this cloth, it is warm and soft. I do not like that one,',
];

/** One request in four streams; each draws other tokens. */
const requests = PROMPTS.map((prompt, i) => ({
  method: 'POST',
  path: '/v1/completions',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ prompt, max_tokens: NEW_TOKENS, temperature: 0.9, stream: i === 3 }),
}));

const folder = mkdtempSync(join(tmpdir(), 'weft-load-'));
try {
  const [{ source }] = await writeRandomModels(folder, SIZES);
  const runs = {};
  for (const [name, maxBatch] of [
    ['batching', 32],
    ['noBatching', 1],
  ]) {
    process.stderr.write(`${name}: ${clients} clients for ${seconds} s\n`);
    runs[name] = await measure(source, maxBatch);
    process.stderr.write(`${JSON.stringify(runs[name], null, 2)}\n`);
  }
  const { version } = JSON.parse(readFileSync(join(here, '..', 'package.json'), 'utf8'));
  const result = {
    version,
    node: process.version,
    machine: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    loadBefore: Number(loadavg()[0].toFixed(1)),
    clients,
    seconds,
    request: `${NEW_TOKENS} new tokens, GPT-2 of ${SIZES.layers} layers, width ${SIZES.width}; one in four streams`,
    runs,
  };
  mkdirSync(dirname(values.out), { recursive: true });
  writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`);
  process.stderr.write(`written to ${values.out}\n`);
  const wrong = Object.values(runs).some(({ errors, otherStatuses }) => errors > 0 || otherStatuses > 0);
  process.exitCode = wrong ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure(source, maxBatch) {
  const options = { port: 0, models: [source], maxBatch, rateLimit: false, webFolder: false, apiKeys: [] };
  const server = spawn(process.execPath, [join(here, 'server.mjs'), JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = await once(server.stdout, 'data');
    const address = String(line).trim();
    // In a thread of its own: what the load generator does must not look like the server's slowness.
    const watcher = new Worker(new URL('./watch.mjs', import.meta.url), { workerData: address });
    const result = await autocannon({
      url: address,
      connections: clients,
      duration: seconds,
      timeout: 60,
      requests,
    });
    watcher.postMessage('stop');
    const [{ health, memory }] = await once(watcher, 'message');
    const lag = await metric(address, 'nodejs_eventloop_lag_p99_seconds');
    const tokens = await metric(address, 'weft_tokens_total');
    const rows = await metric(address, 'weft_batch_rows_sum');
    const steps = await metric(address, 'weft_batch_rows_count');
    return {
      maxBatch,
      completions: result['2xx'],
      completionsPerSecond: round(result['2xx'] / result.duration),
      tokensPerSecond: round(tokens / result.duration),
      meanBatchRows: round(rows / steps),
      p50Ms: result.latency.p50,
      p99Ms: result.latency.p99,
      tooMany: result.statusCodeStats['429']?.count ?? 0,
      otherStatuses: result.non2xx - (result.statusCodeStats['429']?.count ?? 0),
      errors: result.errors,
      healthMs: { p50: at(health, 0.5), p99: at(health, 0.99), most: at(health, 1) },
      eventLoopLagP99Ms: round(lag * 1000),
      memory: describeMemory(memory),
    };
  } finally {
    server.kill('SIGTERM');
    if (server.exitCode === null) await once(server, 'exit');
  }
}

/**
 * The least of the second and of the last quarter: the first warms up, and garbage that waits to be collected is no
 * growth.
 */
function describeMemory(samples) {
  const quarter = Math.max(1, Math.floor(samples.length / 4));
  const second = Math.min(...samples.slice(quarter, 2 * quarter));
  const last = Math.min(...samples.slice(-quarter));
  const most = Math.max(...samples);
  return {
    secondQuarterMiB: round(second),
    lastQuarterMiB: round(last),
    mostMiB: round(most),
    growth: round(last / second - 1, 3),
  };
}

function at(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]);
}

function round(value, digits = 1) {
  return Number(value.toFixed(digits));
}
