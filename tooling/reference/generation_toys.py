"""Two toy models without a network, a causal one and an encoder-decoder, and what generate() is given beside them.

The logits of the causal model after a token are a row of a table, half of the previous token's row moved by one place,
and a row that depends on how many tokens came before; padding does not count. The encoder-decoder adds a row that
depends on the source. packages/generation/test/table-model.ts computes the same in the same order of additions."""

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast
from transformers.generation import GenerationMixin, StoppingCriteria
from transformers.generation import logits_process as lp
from transformers.modeling_outputs import BaseModelOutput, CausalLMOutputWithPast, Seq2SeqLMOutput

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
