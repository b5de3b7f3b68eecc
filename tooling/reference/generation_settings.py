"""The settings that generate() is run with, by name."""

from generation_toys import EOS


def settings() -> dict[str, dict]:
    """Everything deterministic, by name; run over both models, with all prompts in one batch."""
    cases = {
        "greedy": {},
        "defaultLength": {"max_length": None},
        "maxNewTokens": {"max_new_tokens": 6},
        "manyEnds": {"eos_token_id": [1, 4, 9], "max_new_tokens": 20},
        "noEnd": {"eos_token_id": None, "max_new_tokens": 12},
        "padIsEnd": {"pad_token_id": EOS},
        "minLength": {"min_length": 12},
        "minNewTokens": {"min_new_tokens": 7},
        "penalty": {"repetition_penalty": 1.8},
        "reward": {"repetition_penalty": 0.5},
        "encoderPenalty": {"encoder_repetition_penalty": 1.9},
        "ngram1": {"no_repeat_ngram_size": 1, "max_new_tokens": 15},
        "ngram2": {"no_repeat_ngram_size": 2, "max_new_tokens": 25, "eos_token_id": None},
        "ngram3": {"no_repeat_ngram_size": 3, "max_new_tokens": 40, "eos_token_id": None},
        "encoderNgram": {"encoder_no_repeat_ngram_size": 1},
        "badWords": {"bad_words_ids": [[7], [3, 4], [19, 12], [1]]},
        "bias": {"sequence_bias": [[[6], 2.0], [[3, 9], -5.0], [[6, 6], -4.0]]},
        "suppress": {"suppress_tokens": [1, 4, 9], "begin_suppress_tokens": [5, 6]},
        "forcedBos": {"forced_bos_token_id": 11, "begin_suppress_tokens": [5, 6, 7, 8]},
        "forcedEos": {"forced_eos_token_id": 1, "max_length": 9, "min_length": 20},
        "forcedEnds": {"forced_eos_token_id": [4, 1], "max_length": 9},
        "decay": {"exponential_decay_length_penalty": [3, 1.6], "bad_words_ids": [[1, 1]]},
        "renormalize": {"renormalize_logits": True, "repetition_penalty": 1.3},
        "invalid": {"remove_invalid_values": True, "suppress_tokens": [3]},
        "processor": {"custom": "raiseFive", "repetition_penalty": 1.2},
        "criterion": {"custom": "lastTwoDivide"},
        "stopString": {"stop_strings": ["bc", "gh"], "max_new_tokens": 30},
        "stopInside": {"stop_strings": "e", "max_new_tokens": 30},
        "all": {
            "repetition_penalty": 1.4,
            "no_repeat_ngram_size": 2,
            "bad_words_ids": [[7], [3, 4]],
            "min_new_tokens": 4,
            "forced_eos_token_id": 1,
            "sequence_bias": [[[6], 1.0]],
            "suppress_tokens": [12],
            "begin_suppress_tokens": [5],
            "custom": "raiseFive",
            "max_length": 12,
        },
    }
    for name in list(cases):
        # Python applies encoder_repetition_penalty to the first rows only; two forced ends have equal scores.
        if name not in ("noEnd", "encoderPenalty", "forcedEnds"):
            cases[f"beams.{name}"] = {"num_beams": 3, "num_return_sequences": 2, **cases[name]}
    for beams in (2, 5):
        for penalty in (-1.0, 0.0, 0.6, 1.0, 2.0):
            for early in (False, True, "never"):
                cases[f"beams{beams}.penalty{penalty}.early{early}"] = {
                    "num_beams": beams,
                    "length_penalty": penalty,
                    "early_stopping": early,
                    "num_return_sequences": 1 if penalty == 1.0 else beams,
                    "max_new_tokens": 12,
                }
    cases["beams.twoEnds"] = {"num_beams": 4, "eos_token_id": [1, 4], "num_return_sequences": 4}
    cases["beams.long"] = {"num_beams": 4, "max_new_tokens": 40, "length_penalty": 3.0, "num_return_sequences": 2}
    return cases


def sampled() -> dict[str, dict]:
    """Filters of sampling: their scores at the first step, before a token is drawn."""
    base = {"do_sample": True, "max_new_tokens": 1}
    cases = {
        "default": {},
        "temperature": {"temperature": 0.7},
        "noTopK": {"top_k": 0},
        "topK": {"top_k": 4, "temperature": 1.5},
        "topP": {"top_k": 0, "top_p": 0.8},
        "both": {"top_k": 8, "top_p": 0.6},
        "minP": {"top_k": 0, "min_p": 0.1},
        "typical": {"top_k": 0, "typical_p": 0.5},
        "epsilon": {"top_k": 0, "epsilon_cutoff": 0.04},
        "eta": {"top_k": 0, "eta_cutoff": 0.1},
        "allFilters": {
            "temperature": 1.3,
            "top_k": 15,
            "top_p": 0.95,
            "min_p": 0.02,
            "typical_p": 0.9,
            "epsilon_cutoff": 0.01,
            "eta_cutoff": 0.02,
            "renormalize_logits": True,
            "repetition_penalty": 1.2,
        },
        "beams": {"num_beams": 3, "top_k": 1, "temperature": 0.8},
        "beamsTopP": {"num_beams": 3, "top_p": 0.1, "eos_token_id": [1, 4]},
    }
    return {name: {**base, **options} for name, options in cases.items()}
