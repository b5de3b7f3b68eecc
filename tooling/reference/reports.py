"""Fixtures of packages/trainer: reports on classifiers, calibration, entities."""

import numpy as np
import torch
from seqeval.metrics import classification_report
from seqeval.metrics.sequence_labeling import get_entities
from scipy import stats
from sklearn import metrics as sk

from common import ROOT, write_fixture

OUT = ROOT / "packages" / "trainer" / "fixtures"


def report(rng: np.random.Generator, classes: int, count: int, absent: int | None = None) -> dict:
    labels = rng.integers(0, classes, count)
    if absent is not None:
        labels[labels == absent] = (absent + 1) % classes
    predictions = np.where(rng.random(count) < 0.6, labels, rng.integers(0, classes, count))
    ids = list(range(classes))
    per_class = sk.precision_recall_fscore_support(labels, predictions, labels=ids, zero_division=0)
    mean = lambda average: sk.precision_recall_fscore_support(labels, predictions, average=average, zero_division=0)[:3]
    return {
        "predictions": predictions.tolist(),
        "labels": labels.tolist(),
        "classes": classes,
        "accuracy": float(sk.accuracy_score(labels, predictions)),
        "perClass": np.stack(per_class[:3], 1).tolist(),
        "support": per_class[3].tolist(),
        "macro": [float(value) for value in mean("macro")],
        "weighted": [float(value) for value in mean("weighted")],
        "confusion": sk.confusion_matrix(labels, predictions, labels=ids).tolist(),
    }


def calibration(rng: np.random.Generator, count: int = 300, bins: int = 10) -> dict:
    confidences = np.concatenate([rng.random(count) * 0.6 + 0.35, [0.0, 0.1, 0.5, 0.5, 1.0, 1.0]])
    correct = rng.random(len(confidences)) < confidences**1.3
    edges = np.linspace(0, 1, bins + 1)
    which = np.clip(np.ceil(confidences * bins).astype(int) - 1, 0, bins - 1)
    table, ece, mce = [], 0.0, 0.0
    for b in range(bins):
        inside = which == b
        n = int(inside.sum())
        confidence = float(confidences[inside].mean()) if n else 0.0
        accuracy = float(correct[inside].mean()) if n else 0.0
        table.append({"count": n, "confidence": confidence, "accuracy": accuracy})
        ece += n / len(confidences) * abs(confidence - accuracy)
        mce = max(mce, abs(confidence - accuracy))
    return {
        "confidences": confidences.tolist(),
        "correct": correct.tolist(),
        "bins": len(edges) - 1,
        "ece": ece,
        "mce": mce,
        "table": table,
    }


def regression(rng: np.random.Generator, count: int) -> dict:
    labels = np.round(rng.normal(size=count), 1)  # with ties
    predictions = np.round(labels * 0.7 + rng.normal(size=count) * 0.5, 1)
    return {
        "predictions": predictions.tolist(),
        "labels": labels.tolist(),
        "mse": float(sk.mean_squared_error(labels, predictions)),
        "mae": float(sk.mean_absolute_error(labels, predictions)),
        "r2": float(sk.r2_score(labels, predictions)),
        "pearson": float(stats.pearsonr(labels, predictions).statistic),
        "spearman": float(stats.spearmanr(labels, predictions).statistic),
    }


def entities(rng: np.random.Generator, tags: list[str], texts: int) -> dict:
    labels = [[tags[i] for i in rng.integers(0, len(tags), rng.integers(1, 12))] for _ in range(texts)]
    predictions = [[tag if rng.random() < 0.7 else tags[rng.integers(len(tags))] for tag in row] for row in labels]
    found = classification_report(labels, predictions, output_dict=True, zero_division=0)
    scores = lambda entry: [float(entry[name]) for name in ("precision", "recall", "f1-score")]
    averages = {"micro avg", "macro avg", "weighted avg"}
    return {
        "predictions": predictions,
        "labels": labels,
        "micro": scores(found["micro avg"]),
        "macro": scores(found["macro avg"]),
        "spans": [[[kind, start, end + 1] for kind, start, end in get_entities(row)] for row in labels],
        "types": {name: scores(entry) for name, entry in found.items() if name not in averages},
    }


if __name__ == "__main__":
    rng = np.random.default_rng(5)
    write_fixture(
        OUT / "reports.safetensors",
        {"none": torch.zeros(1)},
        {
            "reports": [report(rng, 2, 60), report(rng, 5, 120), report(rng, 4, 40, absent=2)],
            "calibration": calibration(rng),
            "regression": regression(rng, 50),
            "entities": [
                entities(rng, ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"], 30),
                entities(rng, ["O", "B-A", "I-A", "E-A", "S-A", "B-B", "I-B", "E-B", "S-B"], 30),
            ],
        },
    )
