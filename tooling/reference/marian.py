"""Fixtures of packages/marian: a seeded checkpoint of two layers, and what transformers makes of it."""

import shutil

import torch
from transformers import MarianConfig, MarianMTModel

from common import ROOT, training_run, write_fixture

OUT = ROOT / "packages/marian/fixtures"
VOCAB, PAD, EOS = 80, 79, 0
ENDS = [EOS, *range(2, 78, 5)]
EARLY = dict(max_length=14, num_beams=3, eos_token_id=ENDS, min_new_tokens=2)
GENERATED = {
    "greedy": dict(max_length=12, num_beams=1, do_sample=False),
    # As the hub's models have it: beams, and padding forbidden.
    "beams": dict(max_length=12, num_beams=4, num_return_sequences=2),
    "allowed": dict(max_length=12, num_beams=4, bad_words_ids=None),
    "early": dict(early_stopping=True, **EARLY),
    "late": dict(early_stopping=False, num_return_sequences=3, **EARLY),
    "latest": dict(early_stopping="never", length_penalty=2.0, **EARLY),
    "prompted": dict(max_new_tokens=6, num_beams=3, decoder_input_ids=[[9, 11], [30, 31], [2, 2]]),
}


def generate(model, ids, mask) -> dict:
    out = {}
    for name, options in GENERATED.items():
        options = dict(options)
        if "decoder_input_ids" in options:
            options["decoder_input_ids"] = torch.tensor(options["decoder_input_ids"])
        out[name] = model.generate(ids, attention_mask=mask, **options).tolist()
    return out


def main() -> None:
    torch.manual_seed(4)
    config = MarianConfig(
        vocab_size=VOCAB, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=48, decoder_ffn_dim=48, activation_function="swish",
        max_position_embeddings=40, scale_embedding=True, pad_token_id=PAD, eos_token_id=EOS, bos_token_id=None,
        decoder_start_token_id=PAD, forced_eos_token_id=EOS, bad_words_ids=[[PAD]], attn_implementation="eager",
    )
    model = MarianMTModel(config).eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "embed_positions" not in key:
                parameter.add_(torch.randn_like(parameter) * (0.2 if parameter.dim() == 2 else 0.1))
        model.final_logits_bias.copy_(torch.randn(1, VOCAB) * 0.3)
    folder = OUT / "tiny"
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)

    ids = torch.randint(1, PAD, (3, 9))
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    mask[2, 4:] = 0
    ids = ids.masked_fill(mask == 0, PAD)
    labels = torch.randint(1, PAD, (3, 7))
    labels[1, 5:] = -100
    out = model(input_ids=ids, attention_mask=mask, labels=labels, output_hidden_states=True, output_attentions=True)
    out.loss.backward()
    trained_keys = {key: each for key, each in model.named_parameters() if each.requires_grad}
    write_fixture(
        OUT / "tiny.safetensors",
        {
            "ids": ids, "mask": mask, "labels": labels, "logits": out.logits, "loss": out.loss.reshape(1),
            **{f"encoderHidden.{i}": each for i, each in enumerate(out.encoder_hidden_states)},
            **{f"decoderHidden.{i}": each for i, each in enumerate(out.decoder_hidden_states)},
            **{f"encoderAttention.{i}": each for i, each in enumerate(out.encoder_attentions)},
            **{f"decoderAttention.{i}": each for i, each in enumerate(out.decoder_attentions)},
            **{f"crossAttention.{i}": each for i, each in enumerate(out.cross_attentions)},
            **{f"grad.{key}": each.grad for key, each in trained_keys.items()},
        },
        {"generated": generate(model, ids, mask)},
    )
    trained = MarianMTModel.from_pretrained(folder, attn_implementation="eager")
    batches = [{"input_ids": torch.randint(1, PAD, (3, 8)), "labels": torch.randint(1, PAD, (3, 6))} for _ in range(3)]
    run = training_run(trained, batches, 10)
    write_fixture(
        OUT / "tiny-training.safetensors",
        {**{f"ids.{i}": each["input_ids"] for i, each in enumerate(batches)},
         **{f"labels.{i}": each["labels"] for i, each in enumerate(batches)},
         **{f"after.{key}": each for key, each in trained.named_parameters() if each.requires_grad}},
        run,
    )


if __name__ == "__main__":
    main()
