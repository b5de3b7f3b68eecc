"""SST-2 by Hugging Face's Trainer with the settings of src/sst2.ts, to compare accuracy and time.

python sst2.py <encoder folder> <data folder> <output folder> [--epochs N] [--steps N] [--threads N]
"""

import csv
import json

import numpy as np
from common import options, train
from transformers import AutoModelForSequenceClassification, AutoTokenizer


def main():
    flags = options("model", "data", "out")
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
    settings = {"epochs": 3, "batch_size": 32, "learning_rate": 5e-5, "dev": read("dev")}
    trainer, report = train(model, tokenizer, read("train"), flags, **settings)
    if flags.steps is None:
        found = trainer.predict(read("test"))
        report["testAccuracy"] = float((np.argmax(found.predictions, -1) == found.label_ids).mean())
    print(json.dumps(report))


main()
