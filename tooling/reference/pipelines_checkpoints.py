"""The small checkpoints that pipelines.py records: trained tokenizers, random weights large enough for clear scores."""

import json
import shutil
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from pipelines_prose import PROSE

BERT_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA_TOKENS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def wordpiece(lowercase: bool):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(PROSE, trainers.WordPieceTrainer(vocab_size=420, special_tokens=BERT_TOKENS))
    tokenizer.decoder = decoders.WordPiece()
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", cls), ("[SEP]", sep)],
    )
    return tokenizer


def byte_level(special: list[str]):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=480, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(PROSE, trainer)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def bert_tokenizer(lowercase: bool = True, **kwargs):
    return transformers.BertTokenizerFast(
        tokenizer_object=wordpiece(lowercase), do_lower_case=lowercase, model_max_length=128, **kwargs
    )


def distilbert_tokenizer():
    return transformers.DistilBertTokenizerFast(
        tokenizer_object=wordpiece(False), do_lower_case=False, model_max_length=128
    )


def roberta_tokenizer():
    tokenizer = byte_level(ROBERTA_TOKENS)
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", tokenizer.token_to_id("</s>")), ("<s>", tokenizer.token_to_id("<s>")),
        trim_offsets=True, add_prefix_space=False,
    )
    return transformers.RobertaTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=126,
        mask_token=transformers.AddedToken("<mask>", lstrip=True, normalized=False),
    )


CHAT = (
    "{% for message in messages %}<{{ message.role }}>{{ message.content }}"
    "{% if not loop.last or message.role != 'assistant' %}</{{ message.role }}>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def gpt2_tokenizer():
    tokenizer = byte_level(["<|endoftext|>"])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    made = transformers.GPT2TokenizerFast(tokenizer_object=tokenizer, model_max_length=96)
    made.chat_template = CHAT
    return made


def t5_tokenizer():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("  ", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=420, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>")
    tokenizer.train_from_iterator(PROSE, trainer)
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    return transformers.T5TokenizerFast(tokenizer_object=tokenizer, extra_ids=0, model_max_length=64)


def encoder(kind: str, tokenizer, **kwargs) -> dict:
    size = dict(vocab_size=len(tokenizer), **kwargs)
    if kind == "distilbert":
        return dict(dim=32, n_layers=2, n_heads=4, hidden_dim=48, max_position_embeddings=128, **size)
    width = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48)
    if kind == "roberta":
        return dict(max_position_embeddings=128, type_vocab_size=1, pad_token_id=1, bos_token_id=0, eos_token_id=2, **width, **size)
    return dict(max_position_embeddings=128, type_vocab_size=2, **width, **size)


def labels(*names: str) -> dict:
    return dict(id2label=dict(enumerate(names)), label2id={name: i for i, name in enumerate(names)})


TRANSLATION = {
    "translation_en_to_de": {"early_stopping": True, "max_length": 12, "num_beams": 3, "prefix": "translate English to German: "},
    "translation_en_to_fr": {"early_stopping": True, "max_length": 16, "num_beams": 2, "prefix": "translate English to French: "},
    "summarization": {"early_stopping": True, "length_penalty": 2.0, "max_length": 30, "min_length": 6, "no_repeat_ngram_size": 3, "num_beams": 4, "prefix": "summarize: "},
}
TAGS = labels("O", "B-PER", "I-PER", "B-LOC", "I-LOC")

# name: (family, head, how strongly the head speaks, tokenizer, what the configuration adds)
CHECKPOINTS = {
    "sentiment": ("distilbert", "ForSequenceClassification", 6.0, distilbert_tokenizer, labels("NEGATIVE", "POSITIVE")),
    "topics": ("bert", "ForSequenceClassification", 6.0, bert_tokenizer, {**labels("loom", "sea", "city", "night"), "problem_type": "multi_label_classification"}),
    "grade": ("roberta", "ForSequenceClassification", 4.0, roberta_tokenizer, {**labels("grade"), "problem_type": "regression"}),
    "gate": ("bert", "ForSequenceClassification", 4.0, bert_tokenizer, labels("open")),
    "gpt2-classifier": ("gpt2", "ForSequenceClassification", 6.0, gpt2_tokenizer, {**labels("calm", "storm", "fog"), "pad_token_id": 0}),
    "nli": ("bert", "ForSequenceClassification", 6.0, bert_tokenizer, labels("contradiction", "neutral", "entailment")),
    "nli-reversed": ("roberta", "ForSequenceClassification", 6.0, roberta_tokenizer, labels("entailment", "neutral", "contradiction")),
    "masked-bert": ("bert", "ForMaskedLM", 1.0, bert_tokenizer, {}),
    "masked-roberta": ("roberta", "ForMaskedLM", 1.0, roberta_tokenizer, {}),
    "tagger-bert": ("bert", "ForTokenClassification", 8.0, lambda: bert_tokenizer(False), TAGS),
    "tagger-roberta": ("roberta", "ForTokenClassification", 8.0, roberta_tokenizer, TAGS),
    "reader-bert": ("bert", "ForQuestionAnswering", 8.0, bert_tokenizer, {}),
    "reader-distilbert": ("distilbert", "ForQuestionAnswering", 8.0, distilbert_tokenizer, {}),
    "reader-roberta": ("roberta", "ForQuestionAnswering", 8.0, roberta_tokenizer, {}),
    "writer": ("gpt2", "LMHeadModel", 1.0, gpt2_tokenizer, {}),
    "writer-defaults": ("gpt2", "LMHeadModel", 1.0, gpt2_tokenizer, {"task_specific_params": {"text-generation": {"do_sample": False, "max_length": 50, "prefix": "The loom. "}}}),
    "translator": ("t5", "ForConditionalGeneration", 1.0, t5_tokenizer, {"task_specific_params": TRANSLATION}),
}
PREFIX = {"bert": "Bert", "distilbert": "DistilBert", "roberta": "Roberta", "gpt2": "GPT2", "t5": "T5"}


def config_of(family: str, tokenizer, more: dict):
    kind = getattr(transformers, f"{PREFIX[family]}Config")
    if family == "gpt2":
        return kind(vocab_size=len(tokenizer), n_positions=96, n_embd=32, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=0, **more)
    if family == "t5":
        return kind(vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, decoder_start_token_id=0, **more)
    return kind(**encoder(family, tokenizer, **more))


def shake(model, strength: float) -> None:
    """Moves parameters away from zeros and ones, and lets the head speak clearly."""
    heads = ("classifier", "qa_outputs", "score", "out_proj")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            spread = 0.1 if parameter.dim() == 1 else 0.2
            parameter.add_(torch.randn_like(parameter) * spread)
            if any(part in name for part in heads) and parameter.dim() == 2:
                parameter.mul_(strength / 2)


def balance(model, tokenizer) -> None:
    """Gives each tag its share of the tokens; random weights favour one."""
    with torch.no_grad():
        logits = [model(**tokenizer(text, return_tensors="pt")).logits[0, 1:-1] for text in PROSE[:12]]
        shares = torch.tensor([2.0, 0.0, 1.2, -0.5, 1.0])
        model.classifier.bias.sub_(torch.cat(logits).mean(0) - shares)


def write_checkpoint(name: str, folder: Path) -> None:
    """Half precision in the file, so that it is small; Python and weft both compute in float32 with it."""
    family, head, strength, make_tokenizer, more = CHECKPOINTS[name]
    torch.manual_seed(sum(map(ord, name)))
    shutil.rmtree(folder, ignore_errors=True)
    tokenizer = make_tokenizer()
    model = getattr(transformers, PREFIX[family] + head)(config_of(family, tokenizer, more)).eval()
    shake(model, strength)
    if head == "ForTokenClassification":
        balance(model, tokenizer)
    model.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    for extra in ("vocab.txt", "vocab.json", "merges.txt", "special_tokens_map.json", "chat_template.jinja"):
        if extra != "chat_template.jinja":
            (folder / extra).unlink(missing_ok=True)
    compact = folder / "tokenizer.json"
    compact.write_text(json.dumps(json.loads(compact.read_text()), ensure_ascii=False, separators=(",", ":")))
