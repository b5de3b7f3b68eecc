"""Fixtures of packages/checkpoint: files that Python's safetensors wrote, and what torch makes of them."""

import hashlib
import json

import numpy
import safetensors
import torch
from safetensors.torch import save_file

from common import ROOT

OUT = ROOT / "packages/checkpoint/fixtures"

# Values that rounding, widening and sign extension can get wrong.
EDGES = [
    0.0, -0.0, 1.0, -1.0, 1 / 3, -2.5, 65504.0, 65520.0, 65519.996, 1e9, -1e9, 6.1e-5, 5.96e-8, 2.98e-8, 2.9803e-8,
    -5.5e-8, 1e-10, 3.3895e38, float("inf"), float("-inf"), 1.00048828125, 1.0009765625, 1.00390625, 1.01171875, 1.1754944e-38, 1e-45,
]


def main() -> None:
    torch.manual_seed(0)
    OUT.mkdir(parents=True, exist_ok=True)
    edges = torch.tensor(EDGES, dtype=torch.float32)
    floats = torch.cat([edges, torch.randn(64), torch.randn(64) * 1e-6])
    tensors = {
        "F32": floats,
        "F16": floats.half(),
        "BF16": floats.bfloat16(),
        "F64": floats.double(),
        "I64": torch.tensor([[0, -1, 2**53 - 1], [-(2**40), 7, 1]]),
        "I32": torch.tensor([0, -1, 2**31 - 1, -(2**31)], dtype=torch.int32),
        "I16": torch.tensor([0, -1, 32767], dtype=torch.int16),
        "I8": torch.tensor([0, -1, 127, -128], dtype=torch.int8),
        "U8": torch.tensor([0, 1, 255], dtype=torch.uint8),
        "BOOL": torch.tensor([[True, False], [False, True]]),
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 4),
        "naïve 名前": torch.ones(2),
    }
    versions = {"torch": torch.__version__, "safetensors": safetensors.__version__}
    save_file(tensors, OUT / "dtypes.safetensors", metadata={"format": "pt", "weft": json.dumps({"versions": versions})})
    # Every half there is, widened by torch: too many to store, so their hash (nan counts as 0).
    halves = torch.from_numpy(numpy.arange(65536, dtype=numpy.uint16).view(numpy.int16))
    widened = {
        name: hashlib.sha256(halves.view(dtype).float().nan_to_num(0, float("inf"), float("-inf")).numpy().tobytes()).hexdigest()
        for name, dtype in {"F16": torch.float16, "BF16": torch.bfloat16}.items()
    }
    expected = {
        name: {
            "shape": list(tensor.shape),
            "dtype": str(tensor.dtype),
            "float32": [repr(x) for x in tensor.float().flatten().tolist()],
        }
        for name, tensor in tensors.items()
    }
    (OUT / "dtypes.json").write_text(json.dumps({"versions": versions, "halves": widened, "tensors": expected}, indent=1) + "\n")


if __name__ == "__main__":
    main()
