import time

import torch
from transformers import BertForSequenceClassification, BertModel, GPT2LMHeadModel

from serve import models, serve, threads, token_ids

torch.set_num_threads(threads)


def ids(batch, length, vocab):
    return torch.tensor(token_ids(batch * length, vocab)).view(batch, length)


def training_step(model, batch):
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, fused=True)

    def run():
        model(**batch).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return run


def prepare(workload):
    kind = workload["kind"]
    if kind == "sgemm":
        m, k, n = workload["m"], workload["k"], workload["n"]
        a = torch.rand(m, k) - 0.5
        b = torch.rand(n, k) - 0.5 if workload["transposeB"] else torch.rand(k, n) - 0.5
        out = torch.empty(m, n)
        other = b.T if workload["transposeB"] else b

        def multiply():
            torch.mm(a, other, out=out)

        return multiply
    if kind == "bert-forward":
        model = BertModel.from_pretrained(f"{models}/bert").eval()
        inputs = ids(workload["batch"], workload["length"], 30522)

        def forward():
            with torch.inference_mode():
                model(inputs)

        return forward
    if kind == "bert-step":
        model = BertForSequenceClassification.from_pretrained(f"{models}/bert-classifier")
        batch, length = workload["batch"], workload["length"]
        labels = torch.tensor([i % 2 for i in range(batch)])
        return training_step(model, {"input_ids": ids(batch, length, 30522), "labels": labels})
    model = GPT2LMHeadModel.from_pretrained(f"{models}/gpt2")
    if kind == "gpt2-step":
        inputs = ids(workload["batch"], workload["length"], 50257)
        return training_step(model, {"input_ids": inputs, "labels": inputs})
    model.eval()
    count = workload["length"] if kind == "gpt2-prompt" else workload["prompt"]
    prompt = ids(1, count, 50257)

    def generate(new):
        with torch.inference_mode():
            out = model(prompt, use_cache=True, logits_to_keep=1)
            token = out.logits[:, -1].argmax(-1, keepdim=True)
            started = time.perf_counter()
            for _ in range(new - 1):
                out = model(token, past_key_values=out.past_key_values, use_cache=True)
                token = out.logits[:, -1].argmax(-1, keepdim=True)
            return time.perf_counter() - started

    if kind == "gpt2-prompt":

        def first_token():
            started = time.perf_counter()
            generate(1)
            return time.perf_counter() - started

        return first_token
    return lambda: generate(workload["tokens"] + 1)


serve(prepare)
