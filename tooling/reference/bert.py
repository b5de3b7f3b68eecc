"""Fixtures of packages/bert: BERT, DistilBERT and RoBERTa, one seeded base checkpoint each, every head on top of it."""

import shutil

import torch
import transformers

from common import ROOT, training_run, write_fixture

OUT = ROOT / "packages/bert/fixtures"
VOCAB, BATCH, LENGTH, CHOICES = 48, 3, 9, 2
SHARED = dict(vocab_size=VOCAB, attn_implementation="eager")
FAMILIES = {
    "bert": transformers.BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=40,
        max_position_embeddings=16, type_vocab_size=2, **SHARED,
    ),
    "distilbert": transformers.DistilBertConfig(
        dim=32, n_layers=2, n_heads=4, hidden_dim=40, max_position_embeddings=16, **SHARED
    ),
    "roberta": transformers.RobertaConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=40,
        max_position_embeddings=16, type_vocab_size=1, pad_token_id=1, **SHARED,
    ),
}
CLASS = {"bert": "Bert", "distilbert": "DistilBert", "roberta": "Roberta"}


def shake(parameters) -> None:
    """Moves parameters away from zeros and ones, so that every one of them matters."""
    with torch.no_grad():
        for parameter in parameters:
            parameter.add_(torch.randn_like(parameter) * (0.1 if parameter.dim() == 1 else 0.15))


def inputs_for(family: str) -> tuple[dict, torch.Tensor]:
    pad = 1 if family == "roberta" else 0
    ids = torch.randint(4, VOCAB, (BATCH, LENGTH))
    mask = torch.ones_like(ids)
    mask[1, 6:], mask[2, 8:] = 0, 0
    ids = ids.masked_fill(mask == 0, pad)
    inputs = {"input_ids": ids, "attention_mask": mask}
    if family == "bert":
        inputs["token_type_ids"] = (torch.arange(LENGTH) > 4).int().repeat(BATCH, 1).long() * mask
    return inputs, mask


def cases(family: str, inputs: dict, mask: torch.Tensor) -> dict:
    """For each case: the head, what it adds to the configuration, its labels."""
    masked = torch.where((torch.rand(mask.shape) < 0.4) & (mask == 1), inputs["input_ids"], -100)
    tokens = torch.randint(0, 5, mask.shape).masked_fill(mask == 0, -100)
    found = {
        "masked-lm": ("ForMaskedLM", {}, {"labels": masked}),
        "single-label": ("ForSequenceClassification", {"num_labels": 3}, {"labels": torch.tensor([2, 0, 1])}),
        "multi-label": ("ForSequenceClassification", {"num_labels": 4, "problem_type": "multi_label_classification"}, {"labels": torch.randint(0, 2, (BATCH, 4)).float()}),
        "regression": ("ForSequenceClassification", {"num_labels": 1}, {"labels": torch.tensor([0.3, -1.2, 2.5])}),
        # One end beyond the text: it counts nothing.
        "question-answering": ("ForQuestionAnswering", {}, {"start_positions": torch.tensor([1, 3, 2]), "end_positions": torch.tensor([4, 5, 40])}),
        "token-classification": ("ForTokenClassification", {"num_labels": 5}, {"labels": tokens}),
    }
    if family == "bert":
        found["next-sentence"] = ("ForNextSentencePrediction", {}, {"labels": torch.tensor([0, 1, 1])})
        found["pretraining"] = ("ForPreTraining", {}, {"labels": masked, "next_sentence_label": torch.tensor([1, 0, 1])})
    if family != "distilbert":
        found["multiple-choice"] = ("ForMultipleChoice", {}, {"labels": torch.tensor([1, 0, 1])})
    return found


def flat(name: str, value) -> dict:
    """An output as named tensors; a tuple's items are numbered."""
    if isinstance(value, torch.Tensor):
        return {name: value.reshape(1) if value.dim() == 0 else value}
    return {f"{name}.{i}": each for i, each in enumerate(value)}


def outputs_of(out) -> dict:
    return {key: tensor for name, value in out.items() for key, tensor in flat(f"out.{name}", value).items()}


def write_base(family: str) -> None:
    torch.manual_seed(0)
    model = getattr(transformers, CLASS[family] + "Model")(FAMILIES[family]).eval()
    shake(model.parameters())
    folder = OUT / family / "base"
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    inputs, _ = inputs_for(family)
    out = model(**inputs, output_hidden_states=True, output_attentions=True)
    write_fixture(OUT / family / "base.safetensors", {**flat_inputs(inputs), **outputs_of(out)}, {})


def flat_inputs(inputs: dict) -> dict:
    return {f"in.{name}": value for name, value in inputs.items()}


def write_head(family: str, case: str, head: str, overrides: dict, inputs: dict) -> None:
    folder = OUT / family / "base"
    load = getattr(transformers, CLASS[family] + head).from_pretrained
    model = load(folder, attn_implementation="eager", **overrides).eval()
    base = {f"{model.base_model_prefix}.{name}" for name in getattr(transformers, CLASS[family] + "Model").from_pretrained(folder).state_dict()}
    fresh = {name: parameter for name, parameter in model.named_parameters() if name not in base}
    shake(fresh.values())
    tensors = {**flat_inputs(inputs), **{f"param.{name}": value.clone() for name, value in fresh.items()}}
    out = model(**inputs)
    out.loss.backward()
    tensors |= outputs_of(out)
    # A parameter that the loss does not reach, such as a head's that has no labels here, has none.
    tensors |= {f"grad.{name}": value.grad for name, value in model.named_parameters() if value.grad is not None}
    run = training_run(model, [inputs], 10)
    # The whole of it once a family; elsewhere the losses tell.
    if case == "single-label":
        tensors |= {f"after.{name}": value for name, value in model.named_parameters()}
    meta = {"architecture": CLASS[family] + head, "config": overrides, **run}
    write_fixture(OUT / family / f"{case}.safetensors", tensors, meta)


def main() -> None:
    torch.set_num_threads(1)
    for family in FAMILIES:
        shutil.rmtree(OUT / family, ignore_errors=True)
        write_base(family)
        torch.manual_seed(1)
        inputs, mask = inputs_for(family)
        for case, (head, overrides, labels) in cases(family, inputs, mask).items():
            given = inputs
            if case == "multiple-choice":
                # Each row beside a second choice: the rows in another order.
                given = {name: torch.stack([value, value.roll(1, 0)], 1) for name, value in inputs.items()}
            write_head(family, case, head, overrides, {**given, **labels})


if __name__ == "__main__":
    main()
