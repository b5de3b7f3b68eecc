import { createInterface } from 'node:readline';
import type { Reply } from './contender.js';
import type { Workload } from './workloads.js';

/** One timed run of a prepared workload; may give its own seconds where a part of the run is not to count. */
export type Run = () => Promise<number | undefined> | number | undefined;

/** The loop of a contender written in TypeScript: prepares a workload, then runs it whenever it is asked to. */
export async function serve(prepare: (workload: Workload) => Promise<Run> | Run): Promise<void> {
  let run: Run | undefined;
  for await (const line of createInterface({ input: process.stdin })) {
    const message = JSON.parse(line) as { prepare?: Workload; cold?: boolean; run?: true };
    let reply: Reply;
    try {
      if (message.prepare) {
        run = await prepare(message.prepare);
        if (!message.cold) await run();
        reply = { ready: true };
      } else {
        reply = await timed(run!);
      }
    } catch (error) {
      reply = { skip: error instanceof Error ? error.message : String(error) };
    }
    process.stdout.write(`${JSON.stringify({ bench: reply })}\n`);
  }
}

async function timed(run: Run): Promise<Reply> {
  // Short runs are repeated until a tenth of a second is full, so that the clock does not decide.
  let seconds = 0;
  let runs = 0;
  while (seconds < 0.1) {
    const started = performance.now();
    const own = await run();
    seconds += own ?? (performance.now() - started) / 1000;
    runs++;
  }
  return { seconds: seconds / runs, peakBytes: process.resourceUsage().maxRSS * 1024 };
}
