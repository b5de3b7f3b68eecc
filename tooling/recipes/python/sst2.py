"""SST-2 by Hugging Face's Trainer with the settings of src/sst2.ts, to compare accuracy and time.

python sst2.py <encoder folder> <data folder> <output folder> [--steps N] [--threads N]
"""

import argparse
import csv
import json
import time

import numpy as np
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)


class Stop(TrainerCallback):
    def __init__(self, steps):
        self.steps = steps

    def on_step_end(self, args, state, control, **_):
        control.should_training_stop = self.steps is not None and state.global_step >= self.steps


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--threads", type=int, default=2)
    flags = parser.parse_args()
    torch.set_num_threads(flags.threads)
    tokenizer = AutoTokenizer.from_pretrained(flags.model)

    def read(split):
        with open(f"{flags.data}/sst2/phrases_{split}.tsv", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        encoded = tokenizer([row["sentence"] for row in rows], truncation=True, max_length=128)
        return [
            {"input_ids": ids, "attention_mask": mask, "labels": int(row["label"])}
            for ids, mask, row in zip(encoded["input_ids"], encoded["attention_mask"], rows)
        ]

    model = AutoModelForSequenceClassification.from_pretrained(flags.model, num_labels=2)
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=flags.out,
            num_train_epochs=3,
            per_device_train_batch_size=32,
            per_device_eval_batch_size=64,
            learning_rate=5e-5,
            warmup_ratio=0.06,
            weight_decay=0.01,
            group_by_length=True,
            save_strategy="no",
            report_to=[],
            use_cpu=True,
            logging_steps=100,
        ),
        train_dataset=read("train"),
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=lambda p: {"accuracy": float((np.argmax(p.predictions, -1) == p.label_ids).mean())},
        callbacks=[Stop(flags.steps)],
    )
    started = time.perf_counter()
    trainer.train()
    report = {"steps": trainer.state.global_step, "seconds": time.perf_counter() - started}
    if flags.steps is None:
        report["testAccuracy"] = trainer.evaluate(read("test"))["eval_accuracy"]
    print(json.dumps(report))


main()
