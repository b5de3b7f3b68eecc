"""Fixtures of packages/t5: seeded checkpoints of two layers, v1.0 (relu, tied) and v1.1 (gated-gelu, untied)."""

import shutil

import torch
from transformers import T5Config, T5ForConditionalGeneration

from common import ROOT, training_run, write_fixture

OUT = ROOT / "packages/t5/fixtures"
BASE = dict(
    vocab_size=80, d_model=32, d_kv=6, d_ff=48, num_layers=2, num_heads=4, relative_attention_num_buckets=8,
    relative_attention_max_distance=20, decoder_start_token_id=0, pad_token_id=0, eos_token_id=1,
    attn_implementation="eager",
)
KINDS = {"v1_0": dict(feed_forward_proj="relu"), "v1_1": dict(feed_forward_proj="gated-gelu", tie_word_embeddings=False)}


def main() -> None:
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
            generated = {
                "greedy": model.generate(ids, attention_mask=mask, max_length=12, do_sample=False).tolist(),
                "beams": model.generate(ids, attention_mask=mask, max_length=12, num_beams=4, num_return_sequences=2).tolist(),
                "never": model.generate(ids, attention_mask=mask, max_length=12, num_beams=3, early_stopping="never", length_penalty=1.5).tolist(),
                "forced": model.generate(ids, attention_mask=mask, max_length=10, num_beams=3, early_stopping=True, forced_eos_token_id=1, forced_bos_token_id=5, no_repeat_ngram_size=2).tolist(),
            }
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
