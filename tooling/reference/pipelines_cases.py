"""What is asked of the pipelines of transformers, and what they answer."""

import os

import torch
import transformers

from common import write_fixture
from pipelines_prose import PROSE, story


def load(task: str, models, name: str):
    """The pipeline over the half-precision file, computing in float32."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    return transformers.pipeline(task, model=str(models / name), dtype=torch.float32, device=-1)


def plain(value):
    """Python's answer as JSON: numbers and lists, whatever library they are of."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value.item() if hasattr(value, "item") and not isinstance(value, torch.Tensor) else value


def ask(models, task: str, name: str, cases: list[dict]) -> list[dict]:
    """One model's answers; a case is an input and the keyword arguments, as Python spells them."""
    pipe = load(task, models, name)
    return [{"model": name, **case, "output": plain(pipe(case["input"], **case.get("options", {})))} for case in cases]


def write(path, task: str, cases: list[dict]) -> None:
    write_fixture(path, {}, {"task": task, "cases": cases})


TEXTS = [PROSE[0], PROSE[9], "x", "Café Zoë, Königsbrück!", PROSE[27] + " " + PROSE[3], "🐈 on the loom 🧵"]


def text_classification(models, path) -> None:
    pair = {"text": PROSE[4], "text_pair": PROSE[5]}
    cases = [
        *({"input": text} for text in TEXTS),
        {"input": TEXTS},
        {"input": TEXTS[1], "options": {"top_k": None}},
        {"input": TEXTS[1], "options": {"top_k": 1}},
        {"input": TEXTS, "options": {"top_k": 2}},
        {"input": TEXTS[0], "options": {"function_to_apply": "none"}},
        {"input": TEXTS[0], "options": {"function_to_apply": "sigmoid", "top_k": None}},
    ]
    paired = [{"input": pair}, {"input": [pair, {**pair, "text": "No."}]}]
    answers = [
        *ask(models, "text-classification", "sentiment", cases),
        *ask(models, "text-classification", "topics", cases + paired),
        *ask(models, "text-classification", "grade", cases + paired),
        *ask(models, "text-classification", "gate", cases),
        *ask(models, "text-classification", "gpt2-classifier", cases),
    ]
    write(path, "text-classification", answers)


def feature_extraction(models, path) -> None:
    cases = [{"input": TEXTS[2]}, {"input": TEXTS[3]}, {"input": [TEXTS[2], TEXTS[5]]}]
    answers = []
    for name in ("sentiment", "topics", "grade", "writer"):
        answers += ask(models, "feature-extraction", name, cases)
    for answer in answers:
        answer["output"] = rounded(answer["output"])
    write(path, "feature-extraction", answers)


def rounded(value):
    return [rounded(each) for each in value] if isinstance(value, list) else float(f"{value:.7g}")


def text_generation(models, path) -> None:
    greedy = {"do_sample": False, "max_new_tokens": 12}
    prompts = [PROSE[0], "The", "Café Zoë ", "", PROSE[2] + " He", "<|endoftext|>"]
    chat = [{"role": "user", "content": "Who wove the shawl?"}]
    started = chat + [{"role": "assistant", "content": "Marta Quill"}]
    cases = [
        *({"input": prompt, "options": greedy} for prompt in prompts),
        {"input": prompts[:3], "options": greedy},
        {"input": "The river", "options": {**greedy, "return_full_text": False}},
        {"input": "The river", "options": {**greedy, "return_tensors": True}},
        {"input": "The river", "options": {**greedy, "prefix": "Once: "}},
        {"input": "The river", "options": {**greedy, "num_beams": 3, "num_return_sequences": 2}},
        {"input": ["The river", "A warp is the set"], "options": {**greedy, "num_beams": 3, "num_return_sequences": 2}},
        {"input": "The river", "options": {**greedy, "repetition_penalty": 1.7, "no_repeat_ngram_size": 2}},
        {"input": "The river", "options": {**greedy, "stop_sequence": " the"}},
        {"input": "The river , he said , rose .", "options": {**greedy, "clean_up_tokenization_spaces": False}},
        {"input": "The river , he said , rose .", "options": greedy},
        {"input": story(0, 3), "options": {**greedy, "handle_long_generation": "hole"}},
        {"input": chat, "options": greedy},
        {"input": started, "options": greedy},
        {"input": chat, "options": {**greedy, "return_full_text": False}},
        {"input": started, "options": {**greedy, "continue_final_message": False}},
        {"input": [chat, started], "options": greedy},
    ]
    configured = [{"input": "The river", "options": {"max_new_tokens": 8}}, {"input": ["The", "A ship of"], "options": {"max_new_tokens": 8}}]
    answers = ask(models, "text-generation", "writer", cases)
    write(path, "text-generation", answers + ask(models, "text-generation", "writer-defaults", configured))


CASES = {
    "text-classification": text_classification,
    "feature-extraction": feature_extraction,
    "text-generation": text_generation,
}
