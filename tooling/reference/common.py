"""What all generators share: fixtures are safetensors files with a JSON value under the metadata key "weft"."""

import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[2]


def write_fixture(path: Path, tensors: dict[str, torch.Tensor], meta: dict) -> None:
    """Writes one fixture; float64 becomes float32, int64 becomes int32."""
    path.parent.mkdir(parents=True, exist_ok=True)
    narrowed = {}
    for name, tensor in tensors.items():
        tensor = tensor.detach().contiguous().clone()
        if tensor.dtype == torch.float64:
            tensor = tensor.float()
        if tensor.dtype in (torch.int64, torch.bool):
            tensor = tensor.int()
        narrowed[name] = tensor
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    save_file(narrowed, path, metadata={"weft": json.dumps({**meta, "versions": versions})})


def training_run(model, batches: list[dict], steps: int, lr: float = 1e-3) -> dict:
    """Losses and final parameters of `steps` AdamW steps without dropout, clipped to norm 1."""
    model.eval()  # no dropout; gradients flow all the same
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    losses = []
    for step in range(steps):
        loss = model(**batches[step % len(batches)]).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return {"losses": losses}
