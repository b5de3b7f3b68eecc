import torch
from transformers import T5ForConditionalGeneration

from serve import models, serve, threads

torch.set_num_threads(threads)


def prepare(workload):
    batch, length = workload["batch"], workload["length"]
    model = T5ForConditionalGeneration.from_pretrained(f"{models}/t5-small", dropout_rate=0.0).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, fused=True)

    def rows(seed):
        return torch.tensor([[2 + (seed + b * length + t) * 7919 % 32000 for t in range(length)] for b in range(batch)])

    inputs = {"input_ids": rows(0), "labels": rows(batch * length)}

    def run():
        model(**inputs).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return run


serve(prepare)
