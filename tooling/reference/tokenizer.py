"""Trains tokenizers with Python's `tokenizers` on texts made by a rule; weft's trainers are held to them."""

import json
from pathlib import Path

import tokenizers
import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

OUT = Path(__file__).resolve().parents[2] / "packages/tokenizer/fixtures/trained.safetensors"
SYLLABLES = "weft warp loom ing er the an é ß 织 yarn un re ly 12 7 's ❤ tion str a e o st".split()


def texts(count: int = 1500) -> list[str]:
    """The same texts as weft's test makes: a linear congruential generator picks syllables."""
    state = 20231

    def below(limit: int) -> int:
        nonlocal state
        state = (state * 1103515245 + 12345) % 2**31
        return (state >> 16) % limit

    out = []
    for _ in range(count):
        words = []
        for _ in range(2 + below(12)):
            words.append("".join(SYLLABLES[below(len(SYLLABLES))] for _ in range(1 + below(4))))
        out.append(" ".join(words) + (".", "!", "\n", "")[below(4)])
    return out


def byte_level(vocab_size: int, min_frequency: int) -> dict:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts(),
        trainers.BpeTrainer(
            vocab_size=vocab_size,
            min_frequency=min_frequency,
            special_tokens=["<|endoftext|>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    model = json.loads(tokenizer.to_str())["model"]
    return {"vocab": model["vocab"], "merges": model["merges"]}


def word_piece(vocab_size: int) -> list[str]:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=vocab_size, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(texts(), trainer)
    return sorted(tokenizer.get_vocab())


def word_pieces(vocab_size: int, runs: int = 16) -> dict:
    """The library numbers the letters within words by chance and breaks ties by number: what all runs share."""
    vocabs = [set(word_piece(vocab_size)) for _ in range(runs)]
    return {
        "wordPieceAlways": sorted(set.intersection(*vocabs)),
        "wordPieceEver": sorted(set.union(*vocabs)),
    }


def unigram(vocab_size: int) -> list[list]:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=vocab_size, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(texts(), trainer)
    return json.loads(tokenizer.to_str())["model"]["vocab"]


def main() -> None:
    OUT.parent.mkdir(parents=True, exist_ok=True)
    meta = {
        "first": texts()[:3],
        "byteLevel": byte_level(900, 0),
        "byteLevelMinFrequency": byte_level(5000, 20),
        **word_pieces(500),
        "unigram": unigram(300),
        "versions": {
            "tokenizers": tokenizers.__version__,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
    }
    save_file({"none": torch.zeros(1)}, OUT, metadata={"weft": json.dumps(meta)})


if __name__ == "__main__":
    main()
