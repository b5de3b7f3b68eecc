/** The thread of one model: loads it, then does what the server asks. */
import { getPriority, setPriority } from 'node:os';
import { platform } from 'node:process';
import { parentPort, workerData } from 'node:worker_threads';
import type { BackendName } from '@weft/backend';
import { setBackend, setThreads } from '@weft/backend';
import type { FromWorker, ToWorker, WorkerData } from '../pool/protocol.js';
import { Job } from './job.js';
import { loadPipeline } from './load-pipeline.js';
import { PipelineRunner } from './pipeline-runner.js';
import { Scheduler } from './scheduler.js';
import { loadServedModel } from './served-model.js';

const port = parentPort!;
const data = workerData as WorkerData;

/** What a step has to say goes out together: each message of its own would wake the server's thread anew. */
let outbox: FromWorker[] = [];
const send = (message: FromWorker): void => {
  if (outbox.push(message) > 1) return;
  queueMicrotask(() => {
    port.postMessage(outbox);
    outbox = [];
  });
};

/**
 * Lets the server's own thread go first where cores are scarce, so that it answers at once however busy the models
 * are. Linux alone has a priority a thread, which the threads of the native kernels, started from here, inherit;
 * elsewhere this would slow the whole process down.
 */
function standBack(): void {
  if (platform === 'linux') setPriority(Math.min(19, getPriority() + 10));
}

async function load(): Promise<Scheduler> {
  const { source, batching, backend, threads, revision, localFilesOnly } = data;
  await setBackend(backend as BackendName);
  if (threads !== undefined) setThreads(threads);
  const served = await loadServedModel(source, {
    ...(revision === undefined ? {} : { revision }),
    ...(localFilesOnly === undefined ? {} : { localFilesOnly }),
  });
  const pipelineOf = (task: string) => loadPipeline(task, served);
  const pipelines = new PipelineRunner(served.info.tasks, pipelineOf, batching.maxBatch, send);
  const scheduler = new Scheduler(served, pipelines, data, send);
  const jobs = new Map<number, Job>();
  port.on('message', (message: ToWorker) => {
    if (message.type === 'cancel') {
      jobs.get(message.id)?.controller.abort();
      return;
    }
    const job = new Job(message.id, message.kind, message.params, (answer) => {
      if (answer.type === 'end') jobs.delete(message.id);
      send(answer);
    });
    jobs.set(message.id, job);
    scheduler.add(job);
  });
  send({ type: 'ready', info: served.info });
  return scheduler;
}

let scheduler: Scheduler | undefined;
standBack();
try {
  scheduler = await load();
} catch (error) {
  // The server decides what becomes of a model that cannot be loaded; texts of users are not in such messages.
  const message = error instanceof Error ? error.message : String(error);
  port.postMessage([{ type: 'failed', message }] satisfies FromWorker[]);
  port.close();
}
// An error here is a mistake in this program: it ends the thread, and the server starts another.
await scheduler?.run();
