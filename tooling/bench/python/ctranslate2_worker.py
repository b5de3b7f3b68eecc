import time

import ctranslate2

from serve import models, serve, threads, token_ids

loaded = {}


def prepare(workload):
    name = "gpt2-ct2-int8" if workload["int8"] else "gpt2-ct2"
    if name not in loaded:
        loaded[name] = ctranslate2.Generator(
            f"{models}/{name}", device="cpu", intra_threads=threads, inter_threads=1,
            compute_type="int8" if workload["int8"] else "float32",
        )
    generator = loaded[name]
    with open(f"{models}/{name}/vocabulary.json", encoding="utf-8") as file:
        import json

        vocabulary = json.load(file)
    count = workload["length"] if workload["kind"] == "gpt2-prompt" else workload["prompt"]
    tokens = [vocabulary[i] for i in token_ids(count, 50257)]

    def generate(new):
        started = time.perf_counter()
        results = generator.generate_batch(
            [tokens], max_length=new, min_length=new, beam_size=1, sampling_topk=1,
            include_prompt_in_result=False, end_token=[],
        )
        seconds = time.perf_counter() - started
        assert len(results[0].sequences_ids[0]) == new, len(results[0].sequences_ids[0])
        return seconds

    if workload["kind"] == "gpt2-prompt":
        return lambda: generate(1)

    def rest():
        first = generate(1)
        return generate(workload["tokens"] + 1) - first

    return rest


serve(prepare)
