"""What transformers' logits processors do to random scores."""

import torch
from transformers.generation import logits_process as lp

from common import ROOT, write_fixture


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
    write_fixture(ROOT / "packages/generation/fixtures/processors.safetensors", tensors, {"ids": ids[0].tolist(), "source": source[0].tolist()})
