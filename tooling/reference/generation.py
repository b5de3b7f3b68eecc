"""Fixtures of packages/generation: the ids that transformers' generate() gives for many settings over the two models of
generation_toys.py, and with them what its logits processors do (generation_processors.py)."""

import json
import warnings

import torch
from transformers import DynamicCache, GenerationConfig, PretrainedConfig
from transformers import logging as transformers_logging

from common import ROOT, write_fixture
from generation_processors import processor_fixture
from generation_settings import sampled, settings
from generation_toys import (
    EOS,
    PAD,
    PROMPTS,
    START,
    VOCAB,
    CausalToy,
    LastTwoDivide,
    RaiseFive,
    Seq2SeqToy,
    Tables,
    Toy,
    stop_tokenizer,
)

OUT = ROOT / "packages/generation/fixtures"


def random_numbers(seed: int, stream: int, count: int) -> list[float]:
    """The generator of packages/generation/src/random.ts, written down a second time."""
    full = 0xFFFFFFFF
    state = (seed ^ (seed >> 32)) & full

    def mix() -> int:
        nonlocal state
        state = (state + 0x9E3779B9) & full
        z = ((state ^ (state >> 16)) * 0x85EBCA6B) & full
        z = ((z ^ (z >> 13)) * 0xC2B2AE35) & full
        return z ^ (z >> 16)

    a, b, c, counter = mix(), mix(), mix(), 1
    c ^= (stream * 0x9E3779B1) & full
    numbers = []
    for _ in range(15 + count):
        total = (a + b + counter) & full
        counter = (counter + 1) & full
        a = b ^ (b >> 9)
        b = (c + (c << 3)) & full
        c = ((((c << 21) | (c >> 11)) & full) + total) & full
        numbers.append(total / 2**32)
    return numbers[15:]


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def padded(prompts: list[list[int]], left: bool, pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(map(len, prompts))
    rows, masks = [], []
    for prompt in prompts:
        fill = longest - len(prompt)
        rows.append([pad] * fill + prompt if left else prompt + [pad] * fill)
        masks.append([0] * fill + [1] * len(prompt) if left else [1] * len(prompt) + [0] * fill)
    return torch.tensor(rows), torch.tensor(masks)


def generate(model: Toy, prompts: list[list[int]], options: dict, **more) -> dict:
    options = {"max_length": 16, "eos_token_id": EOS, "pad_token_id": PAD, **options}
    recorded = {camel(name): value for name, value in options.items() if value is not None}
    custom = options.pop("custom", None)
    if "max_new_tokens" in options:
        options.pop("max_length"), recorded.pop("maxLength", None)
    options = {name: value for name, value in options.items() if value is not None}
    ids, mask = padded(prompts, not model.config.is_encoder_decoder, options["pad_token_id"])
    config = GenerationConfig(
        **options, use_cache="use_cache" in more, return_dict_in_generate=True, output_scores=True, output_logits=True
    )
    config.decoder_start_token_id = START
    more.pop("use_cache", None)
    model.generation_config = GenerationConfig()
    out = model.generate(
        ids,
        attention_mask=mask,
        generation_config=config,
        logits_processor=[RaiseFive()] if custom == "raiseFive" else None,
        stopping_criteria=[LastTwoDivide()] if custom == "lastTwoDivide" else None,
        tokenizer=stop_tokenizer() if "stop_strings" in options else None,
        **more,
    )
    result = {"options": recorded, "prompts": prompts, "ids": out.sequences.tolist()}
    if getattr(out, "sequences_scores", None) is not None:
        result["sequencesScores"] = out.sequences_scores.tolist()
        result["beamIndices"] = [[i for i in row if i >= 0] for row in out.beam_indices.tolist()]
    return {**result, "out": out}


def main() -> None:
    warnings.simplefilter("ignore")
    transformers_logging.set_verbosity_error()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(11)
    processor_fixture(generator)
    tables = Tables(generator)
    other = Tables(generator)
    causal = CausalToy(PretrainedConfig(vocab_size=VOCAB, is_encoder_decoder=False), tables).eval()
    seq2seq = Seq2SeqToy(PretrainedConfig(vocab_size=VOCAB, is_encoder_decoder=True), tables).eval()
    tensors = {name: getattr(tables, name) for name in ("tokens", "places", "sources")}
    tensors |= {f"other.{name}": getattr(other, name) for name in ("tokens", "places", "sources")}
    cases = []

    def record(name: str, model: Toy, result: dict, with_scores: bool = False) -> None:
        out = result.pop("out")
        kind = "seq2seq" if model is seq2seq else "causal"
        if with_scores:
            tensors[f"scores.{kind}.{name}"] = torch.stack(out.scores)
            tensors[f"logits.{kind}.{name}"] = torch.stack(out.logits)
        cases.append({"name": name, "model": kind, **result})

    with torch.no_grad():
        for model in (causal, seq2seq):
            for name, options in settings().items():
                with_scores = name in ("penalty", "renormalize", "beams.penalty")
                record(name, model, generate(model, PROMPTS, options), with_scores)
            for i, prompt in enumerate(PROMPTS):
                record(f"alone{i}", model, generate(model, [prompt], {}))
                record(f"beams.alone{i}", model, generate(model, [prompt], {"num_beams": 4}))
            for name, options in sampled().items():
                result = generate(model, PROMPTS, options)
                result["ids"] = []  # drawn
                result.pop("sequencesScores", None), result.pop("beamIndices", None)
                record(f"sampled.{name}", model, result, with_scores=True)
        prefix = torch.tensor([[START, 7, 9]] * 3)
        for name, ids in {"withStart": prefix, "withoutStart": prefix[:, 1:]}.items():
            for beams in (1, 3):
                result = generate(seq2seq, PROMPTS, {"num_beams": beams, "max_length": 14}, decoder_input_ids=ids)
                result["options"]["decoderInputIds"] = ids.tolist()
                record(f"decoderPrompt.{name}.{beams}", seq2seq, result)
        assistants = {"same": causal, "other": CausalToy(causal.config, other).eval()}
        for name, options in {
            "plain": {"max_new_tokens": 30},
            # Python's lookup needs an end token; this one is never chosen.
            "long": {"max_new_tokens": 40, "eos_token_id": 23, "suppress_tokens": [23], "no_repeat_ngram_size": 4},
            "penalty": {"max_new_tokens": 30, "repetition_penalty": 1.3, "suppress_tokens": [5]},
        }.items():
            for i, prompt in enumerate(PROMPTS):
                for assistant, model in assistants.items():
                    cache = {"use_cache": True, "past_key_values": DynamicCache()}
                    result = generate(causal, [prompt], options, assistant_model=model, **cache)
                    record(f"assisted.{assistant}.{name}.{i}", causal, result)
                looked_up = {**options, "prompt_lookup_num_tokens": 4, "max_matching_ngram_size": 2}
                cache = {"use_cache": True, "past_key_values": DynamicCache()}
                record(f"lookup.{name}.{i}", causal, generate(causal, [prompt], looked_up, **cache))
    vocabulary = stop_tokenizer().convert_ids_to_tokens(list(range(VOCAB)))
    meta = {"cases": cases, "start": START, "vocabulary": vocabulary}
    seeds = [(0, 0), (42, 0), (42, 3), (2**45 + 12345, 1)]
    meta["random"] = [{"seed": s, "stream": t, "numbers": random_numbers(s, t, 6)} for s, t in seeds]
    write_fixture(OUT / "generated.safetensors", tensors, meta)
    print(len(cases), "cases,", len(json.dumps(cases)), "characters")


if __name__ == "__main__":
    main()
