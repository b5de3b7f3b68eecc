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
    write_fixture(path, {}, {"task": task, "cases": rounded(cases)})


def rounded(value):
    """Eight digits of each number: more than the tests look at, and half the size."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return float(f"{value:.8g}") if isinstance(value, float) else value


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
    write(path, "feature-extraction", answers)


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


def fill_mask(models, path) -> None:
    answers = []
    for name in ("masked-bert", "masked-roberta"):
        mask = "[MASK]" if name == "masked-bert" else "<mask>"
        texts = [
            f"The {mask} stands by the window.",
            f"Every spring the river {mask} rose, and the weavers carried their warps up to the granary on the hill.",
            f"{mask}",
            f"Café {mask} in Königsbrück 🐈",
            f"The {mask} sold {mask} and honey.",
        ]
        cases = [
            *({"input": text} for text in texts),
            {"input": texts},
            {"input": texts[0], "options": {"top_k": 2}},
            {"input": texts[0], "options": {"targets": ["river", "loom", "sea"]}},
            {"input": texts[0], "options": {"targets": ["the"], "top_k": 3}},
            {"input": texts[1], "options": {"targets": "weavers of", "top_k": 3}},
            {"input": texts[:2], "options": {"targets": ["a", "the", "mill"], "top_k": 2}},
        ]
        answers += ask(models, "fill-mask", name, cases)
    write(path, "fill-mask", answers)


def token_classification(models, path) -> None:
    texts = [PROSE[2][:60], PROSE[6], PROSE[13], "Søren Åberg naïvely smiled at Zoë's 🐈 in Königsbrück.", "x"]
    answers = []
    for name in ("tagger-bert", "tagger-roberta"):
        cases = [{"input": text, "options": {"ignore_labels": []}} for text in texts]
        cases += [{"input": text} for text in texts]
        for strategy in ("simple", "first", "average", "max"):
            options = {"aggregation_strategy": strategy}
            cases += [{"input": text, "options": options} for text in texts]
            cases.append({"input": texts, "options": options})
            cases.append({"input": texts[0], "options": {**options, "ignore_labels": ["I-PER"]}})
            cases.append({"input": story(0, 6), "options": {**options, "stride": 20}})
            cases.append({"input": [story(3, 5), texts[1]], "options": {**options, "stride": 5}})
        answers += ask(models, "token-classification", name, cases)
    write(path, "token-classification", answers)


def zero_shot_classification(models, path) -> None:
    labels = ["weaving", "the sea", "cooking", "music"]
    cases = [
        {"input": PROSE[0], "options": {"candidate_labels": labels}},
        {"input": PROSE[9], "options": {"candidate_labels": labels, "multi_label": True}},
        {"input": PROSE[9], "options": {"candidate_labels": "weaving, the sea"}},
        {"input": PROSE[9], "options": {"candidate_labels": "weaving"}},
        {"input": PROSE[:3], "options": {"candidate_labels": labels, "hypothesis_template": "It tells of {}!"}},
        {"input": PROSE[3:5], "options": {"candidate_labels": labels[:2], "multi_label": True}},
        {"input": story(0, 8), "options": {"candidate_labels": labels}},
    ]
    answers = ask(models, "zero-shot-classification", "nli", cases)
    answers += ask(models, "zero-shot-classification", "nli-reversed", cases)
    # None of its classes is named entailment.
    write(path, "zero-shot-classification", answers + ask(models, "zero-shot-classification", "topics", cases[:2]))


SOURCES = ["The loom stands by the window.", "The sea is calm, and the cat sleeps.", "Pears!"]


def text_to_text(models, path) -> None:
    """Sources stay below the 64 tokens that the tokenizer names."""
    options = {"max_new_tokens": 14, "no_repeat_ngram_size": 2}
    answers = []
    asked = [
        ("text2text-generation", "text2text-generation", {}),
        ("summarization", "summarization", {}),
        ("translation", "translation", {}),
        ("translation_en_to_de", "translation_en_to_de", {}),
        ("translation_en_to_fr", "translation_en_to_fr", {}),
    ]
    for name, task, more in asked:
        pipe = load(task, models, "translator")
        calls = [
            *((source, options) for source in SOURCES),
            (SOURCES, options),
            (SOURCES[0], {**options, "num_beams": 1}),
            (SOURCES[0], {**options, "num_return_sequences": 2}),
            (SOURCES[:2], {**options, "num_return_sequences": 2}),
            (SOURCES[1], {"max_new_tokens": 9, "repetition_penalty": 1.5}),
            (SOURCES[1], {**options, "stop_sequence": "the"}),
        ]
        if name == "text2text-generation":
            calls.append((SOURCES[2], {}))
        for source, call in calls:
            output = pipe(source, **call, **more)
            answers.append({"model": f"{name}:translator", "input": source, "options": call, "output": plain(output)})
        tensors = pipe(SOURCES[0], **options, return_tensors=True)
        ids = [{key: value.tolist() for key, value in each.items()} for each in tensors]
        answers.append({"model": f"{name}:translator", "input": SOURCES[0], "options": {**options, "return_tensors": True}, "output": ids})
    write(path, "text-to-text", answers)


QUESTIONS = [
    "Who kept the loom?", "When was the mill built?", "What is a warp?", "Where did the ships come from?",
    "Who wrote a book of tables?", "How many copies were printed?", "Why is the ribbon red?",
    "What does the piano play?", "Wer wohnt in Königsbrück?", "What is behind the counter of Café Zoë?",
]


def question_answering(models, path) -> None:
    contexts = {
        "short": PROSE[4],
        "medium": story(2, 3),
        "unicode": " ".join([PROSE[12], PROSE[13], "🐈‍⬛ and 🧵 sat 𝒻ar away, naïve as ever.", PROSE[24]]),
        "long": story(0, 14),
        "longest": story(5, 28),
        "spaced": "  The  old\tweaver \n\n kept\u00a0her loom ;  the mill\u2014 burned .  ",
    }
    windows = {"max_seq_len": 48, "doc_stride": 16}
    calls = [
        ("short", {}), ("short", {"top_k": 3}), ("medium", {}), ("medium", {"top_k": 4}),
        ("medium", {"max_answer_len": 3}), ("medium", {"align_to_words": False, "top_k": 2}),
        ("unicode", {}), ("unicode", {"top_k": 3}), ("unicode", windows), ("unicode", {"align_to_words": False}),
        ("long", {}), ("long", windows), ("long", {**windows, "top_k": 5}),
        ("long", {**windows, "handle_impossible_answer": True}),
        ("long", {"max_seq_len": 64, "doc_stride": 0, "top_k": 2}),
        ("longest", {}), ("longest", {"max_seq_len": 100, "doc_stride": 50, "top_k": 3}),
        ("longest", {"handle_impossible_answer": True, "top_k": 4}),
        ("medium", {"handle_impossible_answer": True}), ("medium", {"handle_impossible_answer": True, "top_k": 5}),
        ("spaced", {}), ("spaced", {"top_k": 2}),
    ]
    answers = []
    for place, name in enumerate(("reader-bert", "reader-distilbert", "reader-roberta")):
        pipe = load("question-answering", models, name)
        for i, (context, options) in enumerate(calls):
            one = {"question": QUESTIONS[(i + place) % len(QUESTIONS)], "context": contexts[context]}
            answers.append({"model": name, "input": one, "options": options, "output": plain(pipe(**one, **options))})
        several = [{"question": question, "context": contexts["long"]} for question in QUESTIONS[:5]]
        several.append({"question": QUESTIONS[5], "context": contexts["short"]})
        for options in ({}, {**windows, "top_k": 2}):
            output = pipe(several, **options)
            answers.append({"model": name, "input": several, "options": options, "output": plain(output)})
    write(path, "question-answering", answers)


GENERATION_KEYS = (
    "max_new_tokens", "max_length", "min_length", "do_sample", "temperature", "top_k", "top_p", "num_beams",
    "early_stopping", "length_penalty", "no_repeat_ngram_size", "pad_token_id", "eos_token_id",
)


def generation_defaults(models, path) -> None:
    """What generate is called with where a call says nothing, under various generation_config.json."""
    files = [
        {}, {"max_length": 40}, {"max_length": 20}, {"max_new_tokens": 9}, {"max_length": 40, "max_new_tokens": 9},
        {"do_sample": False, "temperature": 1.0}, {"temperature": 0.3, "top_p": 0.9}, {"num_beams": 2},
    ]
    tasks = [
        ("text-generation", "writer"), ("text-generation", "writer-defaults"), ("summarization", "translator"),
        ("translation", "translator"), ("translation_en_to_fr", "translator"), ("text2text-generation", "translator"),
    ]
    cases = []
    for task, name in tasks:
        for file in files:
            pipe = load(task, models, name)
            model, tokenizer = pipe.model, pipe.tokenizer
            config = transformers.AutoConfig.from_pretrained(models / name)
            model.config.task_specific_params = config.task_specific_params
            model.generation_config = transformers.GenerationConfig.from_pretrained(models / name)
            model.generation_config.update(**file)
            pipe = transformers.pipeline(task, model=model, tokenizer=tokenizer)
            options = {key: getattr(pipe.generation_config, key) for key in GENERATION_KEYS}
            cases.append({"task": task, "model": name, "file": file, "prefix": pipe.prefix, "options": options})
    write(path, "generation-defaults", cases)


CASES = {
    "text-classification": text_classification,
    "feature-extraction": feature_extraction,
    "text-generation": text_generation,
    "question-answering": question_answering,
    "fill-mask": fill_mask,
    "token-classification": token_classification,
    "zero-shot-classification": zero_shot_classification,
    "text-to-text": text_to_text,
    "generation-defaults": generation_defaults,
}
