"""Fixtures of packages/gpt2: a seeded checkpoint of two layers with its outputs, gradients, training and ids."""

import shutil

import torch
from transformers import GPT2Config, GPT2ForSequenceClassification, GPT2LMHeadModel

from common import ROOT, training_run, write_fixture

OUT = ROOT / "packages/gpt2/fixtures"
CONFIG = dict(
    vocab_size=96, n_positions=48, n_embd=32, n_layer=2, n_head=4,
    bos_token_id=95, eos_token_id=95, attn_implementation="eager",
)


def main() -> None:
    torch.manual_seed(0)
    config = GPT2Config(**CONFIG)
    model = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # Away from zeros and ones, so that every parameter matters.
            parameter.add_(torch.randn_like(parameter) * (0.1 if parameter.dim() == 1 else 0.15))
    folder = OUT / "tiny"
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)

    ids = torch.randint(0, 95, (3, 11))
    mask = torch.ones_like(ids)
    mask[1, :4] = 0
    mask[2, :1] = 0
    positions = (mask.cumsum(-1) - 1).masked_fill(mask == 0, 1)
    labels = ids.masked_fill(mask == 0, -100)
    # A padded position predicts nothing: what its row attends to is a matter of convention.
    labels[1, 4] = labels[2, 1] = -100
    out = model(ids, attention_mask=mask, position_ids=positions, labels=labels, output_hidden_states=True, output_attentions=True)
    out.loss.backward()
    tensors = {
        "ids": ids, "mask": mask, "positions": positions, "labels": labels, "logits": out.logits, "loss": out.loss.reshape(1),
        **{f"hidden.{i}": each for i, each in enumerate(out.hidden_states)},
        **{f"attention.{i}": each for i, each in enumerate(out.attentions)},
        **{f"grad.{name}": parameter.grad for name, parameter in model.named_parameters()},
    }
    plain = model(ids)
    tensors["plain.logits"] = plain.logits

    def generate(inputs, **options):
        return model.generate(inputs, pad_token_id=95, **options).tolist()

    prompt = ids[:1, :5]
    padded = ids[:, :6].clone()
    padded_mask = torch.ones_like(padded)
    padded[1, :2], padded_mask[1, :2] = 95, 0
    padded[2, :4], padded_mask[2, :4] = 95, 0
    generated = {
        "greedy": generate(prompt, max_length=30, do_sample=False),
        "batch": generate(padded, attention_mask=padded_mask, max_length=24, do_sample=False),
        "beams": generate(prompt, max_length=24, num_beams=4, num_return_sequences=3, length_penalty=0.8, no_repeat_ngram_size=3),
        "beamsBatch": generate(padded, attention_mask=padded_mask, max_length=24, num_beams=3, early_stopping=True),
        "penalties": generate(prompt, max_length=30, do_sample=False, repetition_penalty=1.4, no_repeat_ngram_size=2, min_length=20),
        "lookup": generate(prompt, max_length=30, do_sample=False, prompt_lookup_num_tokens=4),
    }
    meta = {"generated": generated, "prompt": prompt.tolist(), "padded": padded.tolist(), "paddedMask": padded_mask.tolist()}
    write_fixture(OUT / "lm.safetensors", tensors, meta)

    trained = GPT2LMHeadModel.from_pretrained(folder, attn_implementation="eager")
    batches = [{"input_ids": part, "labels": part} for part in torch.randint(0, 95, (4, 4, 12))]
    run = training_run(trained, batches, 10)
    write_fixture(
        OUT / "training.safetensors",
        {**{f"batch.{i}": each["input_ids"] for i, each in enumerate(batches)},
         **{f"after.{name}": parameter for name, parameter in trained.named_parameters()}},
        run,
    )

    torch.manual_seed(1)
    classifier = GPT2ForSequenceClassification.from_pretrained(folder, num_labels=3, pad_token_id=95, attn_implementation="eager").eval()
    right = ids.masked_fill(mask.flip(-1) == 0, 95)
    out = classifier(right, labels=torch.tensor([0, 2, 1]))
    out.loss.backward()
    write_fixture(
        OUT / "classifier.safetensors",
        {"ids": right, "labels": torch.tensor([0, 2, 1]), "logits": out.logits, "loss": out.loss.reshape(1),
         "score": classifier.score.weight, "grad.score": classifier.score.weight.grad, "grad.wte": classifier.transformer.wte.weight.grad},
        {},
    )


if __name__ == "__main__":
    main()
