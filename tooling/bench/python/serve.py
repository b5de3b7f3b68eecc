"""The loop of a contender in Python: the same protocol as src/serve.ts."""

import json
import os
import resource
import sys
import time

models = os.environ.get("WEFT_BENCH_MODELS", "models")
threads = int(os.environ.get("WEFT_BENCH_THREADS", "2"))


def token_ids(count, vocab_size):
    return [(i * 7919 + 13) % (vocab_size - 1) for i in range(count)]


def serve(prepare):
    run = None
    for line in sys.stdin:
        message = json.loads(line)
        try:
            if "prepare" in message:
                run = prepare(message["prepare"])
                run()
                reply = {"ready": True}
            else:
                seconds, runs = 0.0, 0
                while seconds < 0.1:
                    started = time.perf_counter()
                    own = run()
                    seconds += own if own is not None else time.perf_counter() - started
                    runs += 1
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
                reply = {"seconds": seconds / runs, "peakBytes": peak}
        except Exception as error:  # the orchestrator tells it
            reply = {"skip": f"{type(error).__name__}: {error}"}
        print(json.dumps({"bench": reply}, separators=(",", ":")), flush=True)
