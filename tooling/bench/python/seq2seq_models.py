"""Writes the encoder-decoder that the benchmark's peers run: T5-small's size, random weights, one seed, as transformers,
CTranslate2 and ONNX want it. Usage: python seq2seq_models.py OUT (a folder, about 1.5 GB)."""

import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from peers import export

VOCABULARY = 32128


def filler_tokenizer() -> PreTrainedTokenizerFast:
    """The peers want a tokenizer beside the weights; the benchmark passes ids, so any words will do."""
    words = ["<pad>", "</s>", "<unk>", *(f"word{i}" for i in range(3, VOCABULARY))]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


def main(out: Path) -> None:
    folder = out / "t5-small"
    if not (folder / "model.safetensors").exists():
        torch.manual_seed(3)
        model = T5ForConditionalGeneration(T5Config(vocab_size=VOCABULARY, decoder_start_token_id=0, pad_token_id=0, eos_token_id=1))
        # No end token, so that every peer writes as many tokens as it is asked for.
        model.generation_config.eos_token_id = None
        model.save_pretrained(folder)
        filler_tokenizer().save_pretrained(folder)
    onnx = out / "t5-small-onnx"
    export(folder, onnx / "onnx", "text2text-generation-with-past")
    for file in ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"):
        if (onnx / "onnx" / file).exists():
            (onnx / file).write_bytes((onnx / "onnx" / file).read_bytes())
    if not (out / "t5-small-ct2" / "model.bin").exists():
        from ctranslate2.converters import TransformersConverter

        TransformersConverter(str(folder)).convert(str(out / "t5-small-ct2"), force=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
