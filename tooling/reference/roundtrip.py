"""What weft trained and saved, loaded by transformers: equal outputs to 1e-4. Needs the packages built (pnpm build)."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import transformers

HERE = Path(__file__).resolve().parent
LIMIT = 1e-4


def snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda letter: "_" + letter.group().lower(), name)


def check(folder: Path) -> float:
    """The greatest difference of all outputs of one saved model."""
    expected = json.loads((folder / "expected.json").read_text())
    architecture = json.loads((folder / "config.json").read_text())["architectures"][0]
    model, info = getattr(transformers, architecture).from_pretrained(folder, output_loading_info=True, attn_implementation="eager")
    unclean = {kind: keys for kind, keys in info.items() if keys}
    if unclean:
        raise SystemExit(f"{folder.name}: transformers says {unclean}")
    inputs = {snake(name): torch.tensor(rows) for name, rows in expected["inputs"].items()}
    with torch.no_grad():
        out = model.eval()(**inputs)
    return max((out[snake(name)] - torch.tensor(value)).abs().max().item() for name, value in expected["outputs"].items())


def main() -> None:
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, transformers {transformers.__version__}", flush=True)
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["node", HERE / "roundtrip.mjs", folder], check=True)
        for each in sorted(Path(folder).iterdir()):
            difference = check(each)
            worst = max(worst, difference)
            print(f"{each.name:40} {difference:.2e}")
    print(f"greatest difference {worst:.2e}, limit {LIMIT:.0e}")
    sys.exit(worst > LIMIT)


if __name__ == "__main__":
    main()
