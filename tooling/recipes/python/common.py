"""What the recipes share: their options, Hugging Face's settings for them, timing."""

import argparse
import time

import torch
from transformers import DataCollatorWithPadding, Trainer, TrainerCallback, TrainingArguments


class Stop(TrainerCallback):
    def __init__(self, steps):
        self.steps = steps

    def on_step_end(self, args, state, control, **_):
        control.should_training_stop = self.steps is not None and state.global_step >= self.steps


def options(*folders):
    parser = argparse.ArgumentParser()
    for folder in folders:
        parser.add_argument(folder)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--threads", type=int, default=2)
    flags = parser.parse_args()
    torch.set_num_threads(flags.threads)
    return flags


def train(model, tokenizer, dataset, flags, *, epochs, batch_size, learning_rate, dev=None):
    """Trains, judging the model on `dev` after each epoch, and gives the trainer and what it took."""
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=flags.out,
            num_train_epochs=flags.epochs or epochs,
            per_device_train_batch_size=batch_size,
            per_device_eval_batch_size=64,
            learning_rate=learning_rate,
            warmup_ratio=0.06,
            weight_decay=0.01,
            group_by_length=True,
            save_strategy="no",
            eval_strategy="no" if dev is None else "epoch",
            report_to=[],
            use_cpu=True,
            logging_steps=100,
        ),
        train_dataset=dataset,
        eval_dataset=dev,
        data_collator=DataCollatorWithPadding(tokenizer),
        callbacks=[Stop(flags.steps)],
    )
    started = time.perf_counter()
    trainer.train()
    return trainer, {"steps": trainer.state.global_step, "seconds": time.perf_counter() - started}
