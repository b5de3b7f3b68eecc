"""Fixtures of packages/generation: what transformers' logits processors do to random scores, and the ids that its
generate() gives for many settings over two toy models without a network.

The logits of the causal model after a token are a row of a table, half of the previous token's row moved by one place,
and a row that depends on how many tokens came before; padding does not count. The encoder-decoder adds a row that
depends on the source. packages/generation/test/table-model.ts computes the same in the same order of additions."""

import json
import warnings

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import DynamicCache, GenerationConfig, PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast
from transformers import logging as transformers_logging
from transformers.generation import GenerationMixin, StoppingCriteria
from transformers.generation import logits_process as lp
from transformers.modeling_outputs import BaseModelOutput, CausalLMOutputWithPast, Seq2SeqLMOutput

from common import ROOT, write_fixture

OUT = ROOT / "packages/generation/fixtures"
# More places than any run has, so that no two orders of the same tokens score the same.
VOCAB, PLACES, SOURCES = 24, 64, 16
PAD, EOS, START = 0, 1, 2
PROMPTS = [[3, 5, 8], [10, 2, 6, 7, 9], [20]]


class Tables:
    def __init__(self, generator: torch.Generator):
        def normal(*shape: int) -> torch.Tensor:
            return torch.randn(*shape, generator=generator)

        self.tokens = normal(VOCAB + 1, VOCAB) * 1.5
        self.tokens[VOCAB] = 0  # stands before the first token
        self.tokens[:VOCAB, EOS] += 1.2
        self.places = normal(PLACES, VOCAB)
        self.sources = normal(SOURCES, VOCAB)

    def logits(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        before = torch.cat([torch.full_like(ids[:, :1], VOCAB), ids[:, :-1]], dim=1)
        masked_before = torch.cat([torch.zeros_like(mask[:, :1]), mask[:, :-1]], dim=1)
        before = torch.where(masked_before == 1, before, VOCAB)
        place = (mask.cumsum(-1) - 1).clamp(min=0) % PLACES
        return (self.tokens[ids] + 0.5 * self.tokens[before].roll(1, dims=-1)) + self.places[place]


class Toy(PreTrainedModel, GenerationMixin):
    config_class = PretrainedConfig
    main_input_name = "input_ids"
    _is_stateful = False
    _supports_cache_class = True

    def __init__(self, config: PretrainedConfig, tables: Tables):
        super().__init__(config)
        self.tables = tables
        self.parameter = torch.nn.Parameter(torch.zeros(1))


class CausalToy(Toy):
    def forward(self, input_ids, attention_mask=None, past_key_values=None, **_):
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        return CausalLMOutputWithPast(logits=self.tables.logits(input_ids, mask), past_key_values=past_key_values)

    def prepare_inputs_for_generation(self, input_ids, attention_mask=None, past_key_values=None, **_):
        # Always the whole text: the cache is empty, and only there for assisted decoding to crop.
        return {"input_ids": input_ids, "attention_mask": attention_mask, "past_key_values": past_key_values}


class ToyEncoder(torch.nn.Module):
    main_input_name = "input_ids"

    def forward(self, input_ids, attention_mask=None, **_):
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        chosen = (input_ids * mask.cumsum(-1) * mask).sum(-1) % SOURCES
        return BaseModelOutput(last_hidden_state=chosen[:, None, None].float())


class Seq2SeqToy(Toy):
    def __init__(self, config, tables):
        super().__init__(config, tables)
        self.encoder = ToyEncoder()

    def get_encoder(self):
        return self.encoder

    def forward(self, input_ids=None, attention_mask=None, decoder_input_ids=None, encoder_outputs=None, **_):
        logits = self.tables.logits(decoder_input_ids, torch.ones_like(decoder_input_ids))
        chosen = encoder_outputs.last_hidden_state[:, 0, 0].long()
        return Seq2SeqLMOutput(logits=logits + self.tables.sources[chosen][:, None])

    def prepare_inputs_for_generation(self, input_ids, encoder_outputs=None, attention_mask=None, **_):
        return {"decoder_input_ids": input_ids, "encoder_outputs": encoder_outputs, "attention_mask": attention_mask}


class RaiseFive(lp.LogitsProcessor):
    def __call__(self, input_ids, scores):
        raised = scores.clone()
        raised[:, 5] += 3
        return raised


class LastTwoDivide(StoppingCriteria):
    def __call__(self, input_ids, scores, **_):
        return (input_ids[:, -1] + input_ids[:, -2]) % 5 == 0


def processor_cases(ids: torch.Tensor, source: torch.Tensor) -> dict:
    eos = torch.tensor([1, 2])
    length = ids.shape[1]
    bias = [[[5, 9], 2.5], [[4], -3.0], [[3, 5, 9], 1.25], [[2, 3, 5, 9], 0.5], [[8, 5, 9], 100.0]]
    cases = {
        "repetitionPenalty": lp.RepetitionPenaltyLogitsProcessor(1.7),
        "repetitionReward": lp.RepetitionPenaltyLogitsProcessor(0.6),
        "encoderRepetitionPenalty": lp.EncoderRepetitionPenaltyLogitsProcessor(1.4, source),
        "noRepeatNgram1": lp.NoRepeatNGramLogitsProcessor(1),
        "noRepeatNgram2": lp.NoRepeatNGramLogitsProcessor(2),
        "noRepeatNgram3": lp.NoRepeatNGramLogitsProcessor(3),
        "noRepeatNgramLong": lp.NoRepeatNGramLogitsProcessor(length + 2),
        "encoderNoRepeatNgram": lp.EncoderNoRepeatNGramLogitsProcessor(2, source),
        "badWords": lp.NoBadWordsLogitsProcessor([[5, 9], [4], [3, 5, 11], [1]], eos_token_id=torch.tensor([1])),
        "sequenceBias": lp.SequenceBiasLogitsProcessor(bias),
        "minLength": lp.MinLengthLogitsProcessor(length + 2, eos),
        "minLengthReached": lp.MinLengthLogitsProcessor(length, eos),
        "minNewTokens": lp.MinNewTokensLengthLogitsProcessor(6, 5, eos),
        "prefixAllowed": lp.PrefixConstrainedLogitsProcessor(lambda _, tokens: [int(tokens[-1]), 7], 1),
        "forcedEos": lp.ForcedEOSTokenLogitsProcessor(length + 1, torch.tensor([1, 4])),
        "removeInvalid": lp.InfNanRemoveLogitsProcessor(),
        "exponentialDecay": lp.ExponentialDecayLengthPenalty((2, 1.3), eos, 6),
        "suppressTokens": lp.SuppressTokensLogitsProcessor([2, 8]),
        "beginSuppress": lp.SuppressTokensAtBeginLogitsProcessor([2, 8], length),
        "temperature": lp.TemperatureLogitsWarper(0.6),
    }
    for keep in (1, 3):
        cases |= {
            f"topK5.{keep}": lp.TopKLogitsWarper(5, min_tokens_to_keep=keep),
            f"topK1.{keep}": lp.TopKLogitsWarper(1, min_tokens_to_keep=keep),
            f"topP0.{keep}": lp.TopPLogitsWarper(0.0, min_tokens_to_keep=keep),
            f"topP0.3.{keep}": lp.TopPLogitsWarper(0.3, min_tokens_to_keep=keep),
            f"topP0.9.{keep}": lp.TopPLogitsWarper(0.9, min_tokens_to_keep=keep),
            f"topP0.999.{keep}": lp.TopPLogitsWarper(0.999, min_tokens_to_keep=keep),
            f"minP0.05.{keep}": lp.MinPLogitsWarper(0.05, min_tokens_to_keep=keep),
            f"minP0.9.{keep}": lp.MinPLogitsWarper(0.9, min_tokens_to_keep=keep),
            f"typicalP0.2.{keep}": lp.TypicalLogitsWarper(0.2, min_tokens_to_keep=keep),
            f"typicalP0.9.{keep}": lp.TypicalLogitsWarper(0.9, min_tokens_to_keep=keep),
            f"epsilonCutoff0.03.{keep}": lp.EpsilonLogitsWarper(0.03, min_tokens_to_keep=keep),
            f"epsilonCutoff0.5.{keep}": lp.EpsilonLogitsWarper(0.5, min_tokens_to_keep=keep),
            f"etaCutoff0.2.{keep}": lp.EtaLogitsWarper(0.2, min_tokens_to_keep=keep),
            f"etaCutoff0.002.{keep}": lp.EtaLogitsWarper(0.002, min_tokens_to_keep=keep),
        }
    return cases


def processor_fixture(generator: torch.Generator) -> None:
    vocab = 60
    scores = torch.randn(5, vocab, generator=generator) * torch.tensor([0.3, 1.0, 2.0, 4.0, 2.0])[:, None]
    scores[3, 10:40] = -float("inf")  # as a filter before it leaves them
    scores[4] = (scores[4] * 2).round() / 2  # many equal scores
    ids = torch.tensor([[3, 5, 3, 7, 5, 3, 7, 2, 3, 5]])
    source = torch.tensor([[4, 5, 9, 30, 3, 5, 11]])
    tensors = {"scores": scores}
    for name, process in processor_cases(ids, source).items():
        given = scores.clone()
        if name == "removeInvalid":
            given[0, 3], given[1, 4], given[2, 5] = float("nan"), float("inf"), -float("inf")
        tensors[f"processed.{name}"] = torch.cat([process(ids, row.clone().unsqueeze(0)) for row in given])
    write_fixture(OUT / "processors.safetensors", tensors, {"ids": ids[0].tolist(), "source": source[0].tolist()})


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


def stop_tokenizer() -> PreTrainedTokenizerFast:
    """Token i is a letter, or one of a few pairs and triples of letters."""
    letters = [chr(ord("a") + i) for i in range(16)]
    merges = [("a", "b"), ("b", "c"), ("e", "f"), ("f", "g"), ("g", "h"), ("i", "j"), ("ab", "c"), ("d", "e")]
    vocab = {text: i for i, text in enumerate([*letters, *("".join(pair) for pair in merges)])}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    assert tokenizer.get_vocab_size() == VOCAB
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


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
