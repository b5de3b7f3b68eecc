// The loop of a contender from npm; the same protocol as ../src/serve.ts, apart because the peers are
// installed outside the workspace.
import { createInterface } from 'node:readline';

/** `prepare(workload)` gives a function that runs it once, and may give its own seconds. */
export async function serve(prepare) {
  let run;
  for await (const line of createInterface({ input: process.stdin })) {
    const message = JSON.parse(line);
    let reply;
    try {
      if (message.prepare) {
        run = await prepare(message.prepare);
        await run();
        reply = { ready: true };
      } else {
        let seconds = 0;
        let runs = 0;
        while (seconds < 0.1) {
          const started = performance.now();
          const own = await run();
          seconds += own ?? (performance.now() - started) / 1000;
          runs++;
        }
        reply = { seconds: seconds / runs, peakBytes: process.resourceUsage().maxRSS * 1024 };
      }
    } catch (error) {
      reply = { skip: String(error?.message ?? error) };
    }
    process.stdout.write(`${JSON.stringify({ bench: reply })}\n`);
  }
}

export const models = process.env.WEFT_BENCH_MODELS ?? 'models';
export const threads = Number(process.env.WEFT_BENCH_THREADS ?? 2);

/** Token ids that every contender uses: spread over the vocabulary, the same for all. */
export function tokenIds(count, vocabSize) {
  return Array.from({ length: count }, (_, i) => (i * 7919 + 13) % (vocabSize - 1));
}
