"""Fixtures of packages/pipelines: small seeded checkpoints, and what the pipelines of transformers answer with them."""

import sys
import warnings

import torch
import transformers

from common import ROOT
from pipelines_checkpoints import CHECKPOINTS, write_checkpoint
from pipelines_cases import CASES

OUT = ROOT / "packages/pipelines/fixtures"


def main() -> None:
    """All of it, or the checkpoints and tasks that the arguments name."""
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    wanted = sys.argv[1:]
    for name in CHECKPOINTS:
        if not wanted or name in wanted:
            write_checkpoint(name, OUT / "models" / name)
    for name, write in CASES.items():
        if not wanted or name in wanted:
            write(OUT / "models", OUT / f"{name}.safetensors")


if __name__ == "__main__":
    main()
