"""Fixtures of ByT5's tokenizer: its configuration files, and ids and texts that Python's ByT5Tokenizer gives."""

import json
import random
import tempfile
from pathlib import Path

from transformers import ByT5Tokenizer

from common import ROOT, write_fixture

OUT = ROOT / "packages/tokenizer/fixtures/byt5.safetensors"
TEXTS = [
    "", " ", "Life is like a box of chocolates.", "naïve café – 织布 🧵 e\u0301", "a </s> b", "x <extra_id_0> y", "<pad>a",
    "a<extra_id_3><extra_id_4>b <extra_id_124>", "\u0000\t\r\n\u007f", "\ufffd \ufeff x", "  two  spaces  ", "<extra_id_125>",
    "<unk> unknown", "ﬁ Ⅷ ½ \u200b zero", "👩‍👩‍👧‍👦 family",
]
CHARACTERS = "ab Z9é织🧵\n\u0301<>/"


def main() -> None:
    tokenizer = ByT5Tokenizer()
    draw = random.Random(5)
    texts = TEXTS + ["".join(draw.choice(CHARACTERS) for _ in range(draw.randrange(30))) for _ in range(150)]
    rows = [[draw.randrange(384) for _ in range(draw.randrange(1, 20))] for _ in range(150)]
    rows += [[3 + byte for byte in "é織🧵".encode()[:cut]] for cut in range(1, 10)]
    both = lambda ids: [tokenizer.decode(ids), tokenizer.decode(ids, skip_special_tokens=True)]
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        files = {path.name: json.loads(path.read_text()) for path in Path(folder).iterdir()}
    write_fixture(OUT, {}, {
        "files": files,
        "vocabSize": len(tokenizer),
        "encoded": [[text, tokenizer(text).input_ids] for text in texts],
        "pairs": [[a, b, tokenizer(a, b).input_ids] for a, b in zip(texts, reversed(texts))],
        "decoded": [[ids, *both(ids)] for ids in rows],
        "truncated": tokenizer("naïve café", truncation=True, max_length=7).input_ids,
        "padded": dict(tokenizer(["é", "織布"], padding=True)),
    })


if __name__ == "__main__":
    main()
