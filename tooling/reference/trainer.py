"""Fixtures of packages/trainer: schedules, loss curves of Hugging Face's Trainer with a recorded order, metrics."""

import io
import json
import random
import tempfile
from pathlib import Path
from unittest import mock

import sacrebleu
import torch
from rouge_score import rouge_scorer
from sacrebleu.metrics import CHRF
from sklearn import metrics as sk
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from torch.utils.data import SequentialSampler
from transformers import (
    DataCollatorForLanguageModeling,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
    Trainer,
    TrainerCallback,
    TrainerState,
    TrainingArguments,
    get_scheduler,
)
from transformers.data.metrics import squad_metrics
from transformers.trainer_pt_utils import get_length_grouped_indices

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
            self.logs.append({name: logs[name] for name in ("loss", "grad_norm", "learning_rate", "epoch")})


def run(data, collator=None, **arguments):
    model = GPT2LMHeadModel.from_pretrained(MODEL, attn_implementation="eager", resid_pdrop=0, embd_pdrop=0, attn_pdrop=0)
    losses = Losses()
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(
            folder, logging_steps=1, save_strategy="no", report_to=[], use_cpu=True, disable_tqdm=True, **arguments
        )
        trainer = InOrder(
            model=model, args=args, train_dataset=data, eval_dataset=data[:5], data_collator=collator, callbacks=[losses]
        )
        output = trainer.train()
        evaluation = trainer.evaluate()
    return {
        "logs": losses.logs,
        "trainLoss": output.training_loss,
        "evalLoss": evaluation["eval_loss"],
        "norms": {name: parameter.norm().item() for name, parameter in model.named_parameters()},
        "decayed": trainer.get_decay_parameter_names(model),
        "arguments": arguments,
    }


def length_groups() -> list[dict]:
    """The sampler's order from a recorded permutation."""
    cases = []
    for count, batch in ((50, 4), (9, 4), (210, 1)):
        torch.manual_seed(count)
        lengths = torch.randint(1, 12, (count,)).tolist()
        order = torch.randperm(count)
        with mock.patch("torch.randperm", return_value=order):
            expected = get_length_grouped_indices(lengths, batch)
        cases.append({"lengths": lengths, "batchSize": batch, "order": order.tolist(), "expected": expected})
    return cases


def spans() -> list[dict]:
    """Span corruption, written from 3.1.4 of the T5 paper: one sentinel a span, a last one at the end of the target."""
    cases = []
    for noise in ("00110001", "0100101", "011111110", "00000001", "1100"):
        ids = [10 + i for i in range(len(noise))]
        pieces = []  # (is noise, ids)
        for id, flag in zip(ids, noise):
            if pieces and pieces[-1][0] == flag:
                pieces[-1][1].append(id)
            else:
                pieces.append((flag, [id]))
        sentinels = iter(range(99, 80, -1))
        source, target = [], []
        for flag, piece in pieces:
            if flag == "0":
                source += piece
            else:
                sentinel = next(sentinels)
                source.append(sentinel)
                target += [sentinel, *piece]
        target.append(next(sentinels))
        cases.append({"ids": ids, "noise": [flag == "1" for flag in noise], "source": source, "target": target})
    return cases


HYPOTHESES = [
    "The weaver lifts one thread, and the pattern changes.",
    "A loom costs 1,250.50 in the market; yarn is 3-4 times cheaper!",
    "",
    "two two two two",
    'She said: "wool &amp; linen" (both) aren\'t cheap.',
    "Der Weber über dem Fluss webt weiße Tücher.",
    "no word in common here",
    "\u7e54\u7269 are woven, \U0001f9f6 too.\u00a0Naïve  tabs\tand\u2003spaces ",
    "first line of cloth\nsecond line of thread\nthird",
    "x",
]
REFERENCES = [
    ["The weaver lifts a thread and the pattern changes.", "One thread is lifted by the weaver, and everything changes."],
    ["In the market, a loom costs 1,250.50; yarn is 3-4 times as cheap!", "A loom is dear."],
    ["Something was expected.", "Or nothing."],
    ["two threads two looms", "two two two"],
    ["She said: \"wool & linen\" (both) are not cheap.", "Both aren't cheap, she said."],
    ["Der Weber am Fluss webt weiße Tücher.", "Weiße Tücher webt der Weber über dem Fluss."],
    ["entirely different sentence", "another"],
    ["\u7e54\u7269 is woven; \U0001f9f6 too. Naive tabs and spaces", "cloth"],
    ["second line of cloth\nfirst line of thread", "third line\nof cloth and thread"],
    ["x", "y"],
]


def state_json() -> str:
    with tempfile.TemporaryDirectory() as folder:
        TrainerState().save_to_json(folder + "/state.json")
        return Path(folder, "state.json").read_text()


def event_file() -> str:
    """The bytes that TensorBoard's own writer makes of a version and two scalars."""
    stream = io.BytesIO()
    writer = RecordWriter(stream)
    for event in (
        Event(wall_time=1.5, file_version="brain.Event:2"),
        Event(wall_time=2.25, step=300, summary=Summary(value=[Summary.Value(tag="train/loss", simple_value=2.5)])),
        Event(wall_time=3.0, step=70000, summary=Summary(value=[Summary.Value(tag="eval/größe", simple_value=-1e-7)])),
    ):
        writer.write(event.SerializeToString())
    writer.flush()
    return stream.getvalue().hex()


def metrics() -> dict:
    streams = [list(stream) for stream in zip(*REFERENCES)]
    bleus = []
    for count in (10, 2, 1):
        score = sacrebleu.corpus_bleu(HYPOTHESES[-count:], [stream[-count:] for stream in streams])
        bleus.append({"count": count, "score": score.score, "precisions": score.precisions, "bp": score.bp, "lengths": [score.sys_len, score.ref_len]})
    chrfs = []
    for options in ({}, {"word_order": 2}, {"beta": 1, "lowercase": True}):
        chrfs.append({"options": options, "score": CHRF(**options).corpus_score(HYPOTHESES, streams).score})
    types = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    scorer = rouge_scorer.RougeScorer(types)
    rouges = [
        {type: list(score) for type, score in scorer.score_multi(references, hypothesis).items()}
        for hypothesis, references in zip(HYPOTHESES, REFERENCES)
    ]
    generator = random.Random(0)
    classes = []
    for count, size in ((2, 60), (4, 80), (3, 7)):
        labels = [generator.randrange(count) for _ in range(size)]
        predictions = [label if generator.random() < 0.6 else generator.randrange(count) for label in labels]
        scores = {}
        for average in ("binary", "macro", "micro", "weighted"):
            if average == "binary" and count != 2:
                continue
            precision, recall, f1, _ = sk.precision_recall_fscore_support(labels, predictions, average=average, zero_division=0)
            scores[average] = [precision, recall, f1]
        classes.append({
            "labels": labels, "predictions": predictions, "scores": scores,
            "accuracy": sk.accuracy_score(labels, predictions), "matthews": sk.matthews_corrcoef(labels, predictions),
        })
    answers = [
        ("The Eiffel Tower", "eiffel tower"), ("in 1889.", "1889"), ("", ""), ("", "a"), ("the", ""), ("naïve a bée", "naïve bée"),
        ("éa the cat", "éa cat"), ("the the cat sat", "cat cat sat"), ("U.S.A.", "usa"), ("no", "yes"),
    ]
    squad = [[prediction, answer, squad_metrics.compute_exact(answer, prediction), squad_metrics.compute_f1(answer, prediction)] for prediction, answer in answers]
    return {
        "hypotheses": HYPOTHESES, "references": REFERENCES, "bleu": bleus, "chrf": chrfs, "rouge": rouges,
        "classes": classes, "squad": squad,
        "tools": {"sacrebleu": sacrebleu.__version__},
    }


def main() -> None:
    torch.manual_seed(0)
    rows = torch.randint(0, 95, (24, 12))
    order = [(i * 7 + 3) % 24 for i in range(24)]
    data = [{"input_ids": row, "labels": row} for row in rows[torch.tensor(order)]]
    # Texts of 3 to 12 tokens, so that the batches of a window differ in how many labels count.
    ragged = [{"input_ids": row[: 3 + (i * 5) % 10].tolist()} for i, row in enumerate(rows[torch.tensor(order)])]
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel({"<pad>": 95, "<unk>": 0})), pad_token="<pad>")
    padding = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    common = dict(per_device_train_batch_size=4, learning_rate=1e-3, weight_decay=0.01)
    runs = {
        "linear": run(data, num_train_epochs=4, warmup_steps=5, max_steps=20, **common),
        "accumulated": run(data, num_train_epochs=5, gradient_accumulation_steps=4, lr_scheduler_type="cosine", max_grad_norm=0.3, **common),
        "smoothed": run(data, max_steps=6, label_smoothing_factor=0.1, lr_scheduler_type="constant", **common),
    }
    runs["ragged"] = run(
        ragged, padding, num_train_epochs=2, per_device_train_batch_size=2, gradient_accumulation_steps=5,
        learning_rate=5e-3, weight_decay=0.5, warmup_ratio=0.3, lr_scheduler_type="inverse_sqrt", adam_beta1=0.8, adam_beta2=0.95, adam_epsilon=1e-6,
    )
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
    write_fixture(
        OUT / "trainer.safetensors",
        {"rows": rows},
        {"order": order, "ragged": [each["input_ids"] for each in ragged], "runs": runs, "schedules": schedules, "lengthGroups": length_groups(), "spans": spans(), "events": event_file(), "stateKeys": sorted(json.loads(state_json()))},
    )
    write_fixture(OUT / "metrics.safetensors", {"none": torch.zeros(1)}, metrics())


if __name__ == "__main__":
    main()
