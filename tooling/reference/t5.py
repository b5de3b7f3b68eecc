"""Fixtures of packages/t5: seeded checkpoints of two layers, v1.0 (relu, tied) and v1.1 (gated-gelu, untied), and the
configurations of the published models with the number of their parameters."""

import json
import shutil

import torch
from transformers import T5Config, T5EncoderModel, T5ForConditionalGeneration

from common import ROOT, training_run, write_fixture

OUT = ROOT / "packages/t5/fixtures"
BASE = dict(
    vocab_size=80, d_model=32, d_kv=6, d_ff=48, num_layers=2, num_heads=4, relative_attention_num_buckets=8,
    relative_attention_max_distance=20, decoder_start_token_id=0, pad_token_id=0, eos_token_id=1,
    attn_implementation="eager",
)
KINDS = {"v1_0": dict(feed_forward_proj="relu"), "v1_1": dict(feed_forward_proj="gated-gelu", tie_word_embeddings=False)}

# Tokens that a random model says often end the text, so that beams end at different lengths.
ENDS = [1, *range(2, 80, 5)]
EARLY = dict(max_length=14, num_beams=3, eos_token_id=ENDS, min_new_tokens=2)
# What generate() is asked for, beside source and mask.
GENERATED = {
    "greedy": dict(max_length=12, do_sample=False),
    "beams": dict(max_length=12, num_beams=4, num_return_sequences=2),
    "never": dict(max_length=12, num_beams=3, early_stopping="never", length_penalty=1.5),
    "forced": dict(
        max_length=10, num_beams=3, early_stopping=True, forced_eos_token_id=1, forced_bos_token_id=5, no_repeat_ngram_size=2
    ),
    "prompted": dict(max_length=12, decoder_input_ids=[[0, 9, 11], [0, 30, 31], [0, 2, 2]]),
    "promptedBeams": dict(max_new_tokens=6, num_beams=3, decoder_input_ids=[[9, 11], [30, 31], [2, 2]]),
    "early": dict(early_stopping=True, **EARLY),
    "late": dict(early_stopping=False, num_return_sequences=3, **EARLY),
    "latest": dict(early_stopping="never", length_penalty=2.0, num_return_sequences=2, **EARLY),
    "short": dict(early_stopping=False, length_penalty=-1.0, **EARLY),
    "ended": dict(max_length=14, eos_token_id=ENDS),
    "forcedGreedy": dict(max_length=8, forced_bos_token_id=33, forced_eos_token_id=1, repetition_penalty=1.3),
}


def generate(model, ids, mask) -> dict:
    out = {}
    for name, options in GENERATED.items():
        options = dict(options)
        if "decoder_input_ids" in options:
            options["decoder_input_ids"] = torch.tensor(options["decoder_input_ids"])
        out[name] = model.generate(ids, attention_mask=mask, **options).tolist()
    return out


V1_0 = dict(feed_forward_proj="relu", vocab_size=32128, n_positions=512, output_past=True)
V1_1 = dict(feed_forward_proj="gated-gelu", tie_word_embeddings=False, vocab_size=32128, n_positions=512, output_past=True)
BYTES = dict(feed_forward_proj="gated-gelu", tie_word_embeddings=False, vocab_size=384, d_kv=64)
# The sizes that the hub's config.json of each model has.
PUBLISHED = {
    "t5-small": dict(d_model=512, d_ff=2048, num_layers=6, num_heads=8, **V1_0),
    "t5-base": dict(d_model=768, d_ff=3072, num_layers=12, num_heads=12, **V1_0),
    "t5-large": dict(d_model=1024, d_ff=4096, num_layers=24, num_heads=16, **V1_0),
    "t5-3b": dict(d_model=1024, d_ff=16384, d_kv=128, num_layers=24, num_heads=32, **V1_0),
    "flan-t5-small": dict(d_model=512, d_ff=1024, num_layers=8, num_heads=6, **V1_1),
    "flan-t5-base": dict(d_model=768, d_ff=2048, num_layers=12, num_heads=12, **V1_1),
    "flan-t5-large": dict(d_model=1024, d_ff=2816, num_layers=24, num_heads=16, **V1_1),
    "flan-t5-xl": dict(d_model=2048, d_ff=5120, num_layers=24, num_heads=32, **V1_1),
    "byt5-small": dict(d_model=1472, d_ff=3584, num_layers=12, num_decoder_layers=4, num_heads=6, **BYTES),
    "byt5-base": dict(d_model=1536, d_ff=3968, num_layers=18, num_decoder_layers=6, num_heads=12, **BYTES),
    "byt5-large": dict(d_model=1536, d_ff=3840, num_layers=36, num_decoder_layers=12, num_heads=16, **BYTES),
}


def published() -> dict:
    models = {}
    for name, sizes in PUBLISHED.items():
        config = T5Config(decoder_start_token_id=0, architectures=["T5ForConditionalGeneration"], **sizes)
        with torch.device("meta"):
            parameters = sum(each.numel() for each in T5ForConditionalGeneration(config).parameters())
            encoder = sum(each.numel() for each in T5EncoderModel(config).parameters())
        models[name] = {"config": json.loads(config.to_json_string()), "parameters": parameters, "encoderParameters": encoder}
    return models


def main() -> None:
    write_fixture(OUT / "published.safetensors", {}, {"models": published()})
    for name, extra in KINDS.items():
        torch.manual_seed(len(name) + len(extra))
        model = T5ForConditionalGeneration(T5Config(**BASE, **extra)).eval()
        with torch.no_grad():
            for key, parameter in model.named_parameters():
                parameter.mul_(0.5 if parameter.dim() == 2 and "relative" not in key else 1).add_(torch.randn_like(parameter) * 0.05)
        folder = OUT / name
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder)

        ids = torch.randint(2, 80, (3, 9))
        mask = torch.ones_like(ids)
        mask[1, 6:] = 0
        mask[2, 4:] = 0
        ids = ids.masked_fill(mask == 0, 0)
        labels = torch.randint(2, 80, (3, 7))
        labels[1, 5:] = -100
        out = model(ids, attention_mask=mask, labels=labels, output_hidden_states=True, output_attentions=True)
        out.loss.backward()
        tensors = {
            "ids": ids, "mask": mask, "labels": labels, "logits": out.logits, "loss": out.loss.reshape(1),
            **{f"encoderHidden.{i}": each for i, each in enumerate(out.encoder_hidden_states)},
            **{f"decoderHidden.{i}": each for i, each in enumerate(out.decoder_hidden_states)},
            **{f"encoderAttention.{i}": each for i, each in enumerate(out.encoder_attentions)},
            **{f"decoderAttention.{i}": each for i, each in enumerate(out.decoder_attentions)},
            **{f"crossAttention.{i}": each for i, each in enumerate(out.cross_attentions)},
            **{f"grad.{key}": parameter.grad for key, parameter in model.named_parameters()},
        }
        with torch.no_grad():
            generated = generate(model, ids, mask)
        write_fixture(OUT / f"{name}.safetensors", tensors, {"generated": generated})

        trained = T5ForConditionalGeneration.from_pretrained(folder, attn_implementation="eager")
        batches = [{"input_ids": torch.randint(2, 80, (3, 8)), "labels": torch.randint(2, 80, (3, 6))} for _ in range(3)]
        run = training_run(trained, batches, 10)
        write_fixture(
            OUT / f"{name}-training.safetensors",
            {**{f"ids.{i}": each["input_ids"] for i, each in enumerate(batches)},
             **{f"labels.{i}": each["labels"] for i, each in enumerate(batches)},
             **{f"after.{key}": parameter for key, parameter in trained.named_parameters()}},
            run,
        )


if __name__ == "__main__":
    main()
