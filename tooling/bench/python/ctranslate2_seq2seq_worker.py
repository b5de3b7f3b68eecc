import json

import ctranslate2

from serve import models, serve, threads

translator = ctranslate2.Translator(
    f"{models}/t5-small-ct2", device="cpu", intra_threads=threads, inter_threads=1, compute_type="float32"
)
with open(f"{models}/t5-small-ct2/shared_vocabulary.json", encoding="utf-8") as file:
    vocabulary = json.load(file)


def prepare(workload):
    count, new = workload["sentences"], workload["tokens"]
    rows = [[vocabulary[2 + (b * 40 + t) * 7919 % 32000] for t in range(20 + b * 7 % 21)] for b in range(count)]

    def run():
        results = translator.translate_batch(
            rows, max_batch_size=count, beam_size=workload["beams"], min_decoding_length=new, max_decoding_length=new
        )
        assert all(len(result.hypotheses[0]) == new for result in results)

    return run


serve(prepare)
