"""Question answering by Hugging Face's Trainer on the files and with the settings of src/question-answering.ts.

python question_answering.py <encoder folder> <folder of the recipe's run> <output folder> [--steps N] [--threads N]
"""

import argparse
import json
import re
import string
import time
from collections import Counter

import torch
from transformers import (
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    pipeline,
)


class Stop(TrainerCallback):
    def __init__(self, steps):
        self.steps = steps

    def on_step_end(self, args, state, control, **_):
        control.should_training_stop = self.steps is not None and state.global_step >= self.steps


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
    answer = pipeline("question-answering", model=model, tokenizer=tokenizer, device="cpu")
    exact, overlap, count = 0.0, 0.0, 0
    for question, context, answers in questions(path):
        found = answer(question=question, context=context, max_seq_len=256, doc_stride=64)["answer"]
        exact += max(normalize(found) == normalize(each["text"]) for each in answers)
        overlap += max(f1(found, each["text"]) for each in answers)
        count += 1
    return {"exactMatch": 100 * exact / count, "f1": 100 * overlap / count}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("run")
    parser.add_argument("out")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--threads", type=int, default=2)
    flags = parser.parse_args()
    torch.set_num_threads(flags.threads)
    tokenizer = AutoTokenizer.from_pretrained(flags.model)
    model = AutoModelForQuestionAnswering.from_pretrained(flags.model)
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=flags.out,
            num_train_epochs=2,
            per_device_train_batch_size=16,
            learning_rate=1e-4,
            warmup_ratio=0.06,
            weight_decay=0.01,
            group_by_length=True,
            save_strategy="no",
            report_to=[],
            use_cpu=True,
            logging_steps=20,
        ),
        train_dataset=list(features(tokenizer, f"{flags.run}/train.json")),
        data_collator=DataCollatorWithPadding(tokenizer),
        callbacks=[Stop(flags.steps)],
    )
    started = time.perf_counter()
    trainer.train()
    report = {"steps": trainer.state.global_step, "seconds": time.perf_counter() - started}
    if flags.steps is None:
        report["heldOut"] = judge(model, tokenizer, f"{flags.run}/heldOut.json")
        report["tales"] = judge(model, tokenizer, f"{flags.run}/tales.json")
    print(json.dumps(report))


main()
