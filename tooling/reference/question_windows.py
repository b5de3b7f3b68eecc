"""Fixtures of apps/cli: questions as windows with the places of their answers, and answers out of logits."""

import json

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from common import ROOT, write_fixture

OUT = ROOT / "apps" / "cli" / "fixtures"
LENGTH, STRIDE = 28, 8

STORIES = [
    (
        "The boat",
        "Mira rowed the green boat \U0001f6f6 from the mill to the lighthouse before noon, and left a basket of plums "
        "with the keeper; in the evening she rowed home against the wind while her brother Anselm held the lamp.",
        [
            ("Who rowed the boat?", "Mira"),
            ("What did she leave with the keeper?", "a basket of plums"),
            ("Who held the lamp?", "her brother Anselm"),
            ("When did she row home?", "in the evening"),
            ("What colour was the oar?", None),
        ],
    ),
    (
        "The clock",
        "The clock on the square stopped at seven minutes past four. Nobody minded but Père Lucas, who wound it.",
        [("When did the clock stop?", "seven minutes past four"), ("Who minded?", "Père Lucas")],
    ),
]


def tokenizer() -> PreTrainedTokenizerFast:
    inner = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    inner.normalizer = normalizers.BertNormalizer(lowercase=True)
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    texts = [context for _, context, _ in STORIES] + [q for _, _, asked in STORIES for q, _ in asked]
    inner.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=110, special_tokens=special))
    ids = {name: inner.token_to_id(name) for name in special}
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=inner, **names)


def windows(fast: PreTrainedTokenizerFast, questions: list[dict]) -> tuple[dict, list[dict]]:
    """As run_qa of transformers' examples prepares training features."""
    encoded = fast(
        [q["question"] for q in questions],
        [q["context"] for q in questions],
        truncation="only_second",
        max_length=LENGTH,
        stride=STRIDE,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_token_type_ids=True,
    )
    rows = []
    for i, offsets in enumerate(encoded["offset_mapping"]):
        sample = encoded["overflow_to_sample_mapping"][i]
        ids = encoded["input_ids"][i]
        sequence = encoded.sequence_ids(i)
        cls = ids.index(fast.cls_token_id)
        start = end = cls
        answer = questions[sample]["answer"]
        if answer is not None:
            first = sequence.index(1)
            last = len(ids) - 1 - sequence[::-1].index(1)
            if offsets[first][0] <= answer["start"] and offsets[last][1] >= answer["end"]:
                while first < len(offsets) and offsets[first][0] <= answer["start"]:
                    first += 1
                while offsets[last][1] >= answer["end"]:
                    last -= 1
                start, end = first - 1, last + 1
        rows.append(
            {
                "question": sample,
                "inputIds": ids,
                "tokenTypeIds": encoded["token_type_ids"][i],
                "start": start,
                "end": end,
            }
        )
    return encoded, rows


def answers(encoded: dict, questions: list[dict], rng: np.random.Generator, none_allowed: bool) -> dict:
    """As utils_qa of transformers' examples reads answers out of logits, on drawn ones."""
    logits = [rng.normal(size=(2, len(ids))).round(4) for ids in encoded["input_ids"]]
    if none_allowed:
        for rows in logits:
            rows[:, 0] += 2.2  # else [CLS] never wins in all windows
    found = []
    for q, question in enumerate(questions):
        candidates, null = [], None
        for w, sample in enumerate(encoded["overflow_to_sample_mapping"]):
            if sample != q:
                continue
            sequence = encoded.sequence_ids(w)
            offsets = [place if sequence[t] == 1 else None for t, place in enumerate(encoded["offset_mapping"][w])]
            start, end = logits[w]
            null = start[0] + end[0] if null is None else min(null, start[0] + end[0])
            for a in np.argsort(start)[::-1][:20]:
                for b in np.argsort(end)[::-1][:20]:
                    if offsets[a] is None or offsets[b] is None or b < a or b - a + 1 > 30:
                        continue
                    candidates.append((start[a] + end[b], question["context"][offsets[a][0] : offsets[b][1]]))
        best = max(candidates, key=lambda candidate: candidate[0])
        found.append("" if none_allowed and null > best[0] else best[1])
    return {"logits": [rows.tolist() for rows in logits], "noneAllowed": none_allowed, "answers": found}


if __name__ == "__main__":
    fast = tokenizer()
    questions = []
    for title, context, asked in STORIES:
        for question, text in asked:
            start = -1 if text is None else context.index(text)
            answer = None if text is None else {"text": text, "start": start, "end": start + len(text)}
            questions.append({"title": title, "context": context, "question": question, "answer": answer})
    encoded, rows = windows(fast, questions)
    rng = np.random.default_rng(8)
    cases = [answers(encoded, questions, rng, allowed) for allowed in (False, True)]
    write_fixture(
        OUT / "question-windows.safetensors",
        {"none": torch.zeros(1)},
        {
            "tokenizer": json.loads(fast.backend_tokenizer.to_str()),
            "length": LENGTH,
            "stride": STRIDE,
            "questions": questions,
            "windows": rows,
            "cases": cases,
        },
    )
    print(len(rows), "windows;", sum(a == "" for case in cases for a in case["answers"]), "without an answer")
