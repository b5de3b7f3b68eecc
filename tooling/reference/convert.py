"""
What `weft convert` writes, loaded by transformers. Makes a small GPT-2, has weft convert it, loads each result,
compares every weight with torch's own rounding, and records which files it loaded by their sha256: the fixtures of
packages/checkpoint/src/convert.test.ts. Needs the packages built (pnpm build).
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import transformers
from transformers import GPT2Config, GPT2LMHeadModel

from common import ROOT

OUT = ROOT / "packages/checkpoint/fixtures/convert"

# In this order: the third goes back from what the first wrote.
CASES = {
    "float16": {"dtype": "float16"},
    "bfloat16": {"dtype": "bfloat16", "maxShardSize": 6000},
    "back": {"dtype": "float32", "from": "float16"},
    "sharded": {"maxShardSize": 12000},
}

CONVERT = """
import { convertCheckpoint } from '@weft/checkpoint';
const [source, outputDir, options] = process.argv.slice(1);
await convertCheckpoint(source, { outputDir, ...JSON.parse(options) });
"""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def convert(source: Path, target: Path, options: dict) -> None:
    arguments = ["node", "--input-type=module", "-e", CONVERT, "--", str(source), str(target), json.dumps(options)]
    subprocess.run(arguments, check=True, cwd=ROOT / "tooling/reference")


def check(folder: Path, wanted: dict[str, torch.Tensor]) -> dict:
    """Loads one result as a user does; its weights must be torch's, bit for bit."""
    model, info = GPT2LMHeadModel.from_pretrained(folder, torch_dtype="auto", output_loading_info=True)
    unclean = {kind: keys for kind, keys in info.items() if keys}
    state = model.state_dict()
    wrong = [name for name, tensor in wanted.items() if state[name].dtype != tensor.dtype or not torch.equal(state[name], tensor)]
    if unclean or wrong:
        sys.exit(f"{folder.name}: transformers says {unclean}; other weights in {wrong}")
    loaded = {path.name: sha256(path.read_bytes()) for path in sorted(folder.glob("model*"))}
    bits = {
        name: sha256(tensor.contiguous().view(torch.uint8).numpy().tobytes())
        for name, tensor in wanted.items()
        if name != "lm_head.weight"
    }
    return {"dtype": str(model.dtype).removeprefix("torch."), "files": loaded, "tensors": bits}


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    config = GPT2Config(vocab_size=40, n_positions=16, n_embd=16, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0)
    model = GPT2LMHeadModel(config)
    OUT.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(OUT)
    original = model.state_dict()
    cases = {}
    with tempfile.TemporaryDirectory() as temporary:
        for name, options in CASES.items():
            options = dict(options)
            source = options.pop("from", None)
            convert(Path(temporary) / source if source else OUT, Path(temporary) / name, options)
            through = {"back": torch.float16}.get(name, torch.float32)
            dtype = getattr(torch, options.get("dtype", "float32"))
            wanted = {key: tensor.to(through).to(dtype) for key, tensor in original.items()}
            cases[name] = {**CASES[name], "loaded": check(Path(temporary) / name, wanted)}
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    (OUT / "loaded.json").write_text(json.dumps({"versions": versions, "cases": cases}, indent=1) + "\n")
    print(f"{len(cases)} conversions load in transformers {transformers.__version__}")


if __name__ == "__main__":
    main()
