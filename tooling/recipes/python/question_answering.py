"""Question answering by Hugging Face's Trainer on the files and with the settings of src/question-answering.ts.

python question_answering.py <encoder folder> <folder of the recipe's run> <output folder> [--epochs N] [--steps N] [--threads N]
"""

import json
import re
import string
from collections import Counter

from common import options, train
from transformers import AutoModelForQuestionAnswering, AutoTokenizer, pipeline


def questions(path):
    with open(path, encoding="utf-8") as file:
        data = json.load(file)["data"]
    for article in data:
        for paragraph in article["paragraphs"]:
            for qa in paragraph["qas"]:
                yield qa["question"], paragraph["context"], qa["answers"]


def features(tokenizer, path):
    for question, context, answers in questions(path):
        answer = answers[0]
        first, last = answer["answer_start"], answer["answer_start"] + len(answer["text"])
        encoded = tokenizer(
            question,
            context,
            truncation="only_second",
            max_length=256,
            stride=64,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        for window, offsets in enumerate(encoded["offset_mapping"]):
            in_context = [i for i, part in enumerate(encoded.sequence_ids(window)) if part == 1]
            start = end = 0
            if offsets[in_context[0]][0] <= first and offsets[in_context[-1]][1] >= last:
                start = next(i for i in reversed(in_context) if offsets[i][0] <= first)
                end = next(i for i in in_context if offsets[i][1] >= last)
            yield {
                "input_ids": encoded["input_ids"][window],
                "attention_mask": encoded["attention_mask"][window],
                "token_type_ids": encoded["token_type_ids"][window],
                "start_positions": start,
                "end_positions": end,
            }


def normalize(text):
    text = "".join(c for c in text.lower() if c not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def f1(prediction, answer):
    predicted, actual = normalize(prediction).split(), normalize(answer).split()
    shared = sum((Counter(predicted) & Counter(actual)).values())
    return 2 * shared / (len(predicted) + len(actual)) if shared else float(predicted == actual)


def judge(model, tokenizer, path):
    # The Trainer leaves the model in training mode, and a pipeline takes it as it is.
    answer = pipeline("question-answering", model=model.eval(), tokenizer=tokenizer, device="cpu")
    exact, overlap, count = 0.0, 0.0, 0
    for question, context, answers in questions(path):
        found = answer(question=question, context=context, max_seq_len=256, doc_stride=64)["answer"]
        exact += max(normalize(found) == normalize(each["text"]) for each in answers)
        overlap += max(f1(found, each["text"]) for each in answers)
        count += 1
    return {"exactMatch": 100 * exact / count, "f1": 100 * overlap / count}


def main():
    flags = options("model", "run", "out")
    tokenizer = AutoTokenizer.from_pretrained(flags.model)
    model = AutoModelForQuestionAnswering.from_pretrained(flags.model)
    dataset = list(features(tokenizer, f"{flags.run}/train.json"))
    settings = {"epochs": 2, "batch_size": 16, "learning_rate": 1e-4}
    trainer, report = train(model, tokenizer, dataset, flags, **settings)
    if flags.steps is None:
        trainer.save_model(flags.out)
        report["heldOut"] = judge(model, tokenizer, f"{flags.run}/heldOut.json")
        report["tales"] = judge(model, tokenizer, f"{flags.run}/tales.json")
    print(json.dumps(report))


main()
