"""Fixtures of packages/trainer: schedules, and loss curves of Hugging Face's Trainer with a recorded order."""

import tempfile

import torch
from torch.utils.data import SequentialSampler
from transformers import (
    GPT2LMHeadModel,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    get_scheduler,
)

from common import ROOT, write_fixture

OUT = ROOT / "packages/trainer/fixtures"
MODEL = ROOT / "packages/gpt2/fixtures/tiny"


class InOrder(Trainer):
    def _get_train_sampler(self, *args, **kwargs):
        return SequentialSampler(self.train_dataset)


class Losses(TrainerCallback):
    def __init__(self):
        self.logs = []

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" in logs:
            self.logs.append({name: logs[name] for name in ("loss", "grad_norm", "learning_rate")})


def run(rows, batches, **arguments):
    model = GPT2LMHeadModel.from_pretrained(MODEL, attn_implementation="eager", resid_pdrop=0, embd_pdrop=0, attn_pdrop=0)
    data = [{"input_ids": row, "labels": row} for row in rows[torch.tensor(batches).flatten()]]
    losses = Losses()
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(
            folder, logging_steps=1, save_strategy="no", report_to=[], use_cpu=True, disable_tqdm=True, **arguments
        )
        trainer = InOrder(model=model, args=args, train_dataset=data, callbacks=[losses])
        output = trainer.train()
    return {"logs": losses.logs, "trainLoss": output.training_loss, "arguments": arguments}


def main() -> None:
    torch.manual_seed(0)
    rows = torch.randint(0, 95, (24, 12))
    order = [(i * 7 + 3) % 24 for i in range(24)]
    common = dict(per_device_train_batch_size=4, learning_rate=1e-3, weight_decay=0.01)
    runs = {
        "linear": run(rows, order, num_train_epochs=4, warmup_steps=5, max_steps=20, **common),
        "accumulated": run(rows, order, num_train_epochs=5, gradient_accumulation_steps=4, lr_scheduler_type="cosine", max_grad_norm=0.3, **common),
        "smoothed": run(rows, order, max_steps=6, label_smoothing_factor=0.1, lr_scheduler_type="constant", **common),
    }
    schedules = {}
    for name, extra in {
        "constant": {}, "constant_with_warmup": {}, "linear": {}, "cosine": {}, "polynomial": {"power": 2.0, "lr_end": 1e-5},
        "inverse_sqrt": {}, "cosine_with_restarts": {"num_cycles": 2},
    }.items():
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)
        scheduler = get_scheduler(name, optimizer, num_warmup_steps=4, num_training_steps=20, scheduler_specific_kwargs=extra or None)
        rates = []
        for _ in range(22):
            rates.append(scheduler.get_last_lr()[0])
            optimizer.step()
            scheduler.step()
        schedules[name] = rates
    write_fixture(OUT / "trainer.safetensors", {"rows": rows}, {"order": order, "runs": runs, "schedules": schedules})


if __name__ == "__main__":
    main()
