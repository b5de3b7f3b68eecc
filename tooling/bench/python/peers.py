"""Writes the models that the benchmark's peers run: random weights of the true sizes, one seed, in every
format that a peer wants. Usage: python peers.py OUT (a folder, about 6 GB)."""

import subprocess
import sys
from pathlib import Path

import torch
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
)
from tokenizers import Tokenizer, models, pre_tokenizers, decoders


def word_tokenizer(size: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE without merges and with filler tokens: the peers need a tokenizer beside the weights."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: i for i, token in enumerate(alphabet)}
    while len(vocab) < size - 1:
        vocab[f"filler{len(vocab)}"] = len(vocab)
    vocab["<|endoftext|>"] = len(vocab)
    tokenizer = Tokenizer(models.BPE(vocab, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    end = "<|endoftext|>"
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=end, eos_token=end, unk_token=end)


def export(folder: Path, out: Path, task: str) -> None:
    if (out / "model.onnx").exists():
        return
    tool = str(Path(sys.executable).parent / "optimum-cli")
    subprocess.run([tool, "export", "onnx", "--task", task, "-m", str(folder), str(out)], check=True)


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    gpt2, bert = out / "gpt2", out / "bert"
    if not (bert / "model.safetensors").exists():
        torch.manual_seed(1)
        BertModel(BertConfig(), add_pooling_layer=True).eval().save_pretrained(bert)
        word_tokenizer(30522).save_pretrained(bert)
        BertForSequenceClassification(BertConfig(num_labels=2)).save_pretrained(out / "bert-classifier")
    if not (gpt2 / "model.safetensors").exists():
        torch.manual_seed(2)
        model = GPT2LMHeadModel(GPT2Config())
        # No end token, so that every peer writes as many tokens as it is asked for.
        model.generation_config.eos_token_id = None
        model.save_pretrained(gpt2)
        word_tokenizer(50257).save_pretrained(gpt2)
    AutoTokenizer.from_pretrained(gpt2)
    export(bert, out / "bert-onnx", "feature-extraction")
    gpt2_onnx = out / "gpt2-onnx"
    export(gpt2, gpt2_onnx / "onnx", "text-generation-with-past")
    for file in ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"):
        if (gpt2_onnx / "onnx" / file).exists():
            (gpt2_onnx / file).write_bytes((gpt2_onnx / "onnx" / file).read_bytes())
    from onnxruntime.quantization import QuantType, quantize_dynamic

    for model, types in ((gpt2_onnx / "onnx" / "model.onnx", QuantType.QInt8), (out / "bert-onnx" / "model.onnx", QuantType.QInt8)):
        target = model.with_name("model_quantized.onnx")
        if not target.exists():
            quantize_dynamic(str(model), str(target), weight_type=types)
    if not (out / "gpt2-ct2" / "model.bin").exists():
        from ctranslate2.converters import TransformersConverter

        for name, quantization in (("gpt2-ct2", None), ("gpt2-ct2-int8", "int8")):
            TransformersConverter(str(gpt2)).convert(str(out / name), quantization=quantization, force=True)
    write_gguf(gpt2, out)
    write_matmul(out)


def write_matmul(out: Path) -> None:
    """One multiplication of any size, as onnxruntime does it best: MatMul, and Gemm for a transposed weight."""
    import onnx
    from onnx import TensorProto, helper

    def value(name, *dims):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(dims))

    for transposed in (False, True):
        node = helper.make_node("Gemm", ["a", "b"], ["c"], transB=1) if transposed else helper.make_node("MatMul", ["a", "b"], ["c"])
        b = value("b", "n", "k") if transposed else value("b", "k", "n")
        graph = helper.make_graph([node], "matmul", [value("a", "m", "k"), b], [value("c", "m", "n")])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.save(model, str(out / f"matmul{'-transposed' if transposed else ''}.onnx"))


def write_gguf(folder: Path, out: Path) -> None:
    """GPT-2 in llama.cpp's own format: float32, and q8_0 for every two-dimensional weight."""
    import gguf
    import numpy as np
    from safetensors.numpy import load_file

    names = {
        "wte.weight": "token_embd.weight", "wpe.weight": "position_embd.weight",
        "ln_f.weight": "output_norm.weight", "ln_f.bias": "output_norm.bias",
    }
    parts = {
        "ln_1": "attn_norm", "ln_2": "ffn_norm", "attn.c_attn": "attn_qkv",
        "attn.c_proj": "attn_output", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down",
    }
    weights = {key.removeprefix("transformer."): value for key, value in load_file(folder / "model.safetensors").items()}
    for kind in ("f32", "q8_0"):
        path = out / f"gpt2-{kind}.gguf"
        if path.exists():
            continue
        writer = gguf.GGUFWriter(str(path), "gpt2")
        writer.add_name("gpt2-random")
        writer.add_block_count(12)
        writer.add_context_length(1024)
        writer.add_embedding_length(768)
        writer.add_feed_forward_length(3072)
        writer.add_head_count(12)
        writer.add_layer_norm_eps(1e-5)
        writer.add_file_type(gguf.LlamaFileType.ALL_F32 if kind == "f32" else gguf.LlamaFileType.MOSTLY_Q8_0)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        tokens = [token for token, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])]
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("gpt-2")
        writer.add_token_list(tokens)
        writer.add_token_types([gguf.TokenType.NORMAL] * (len(tokens) - 1) + [gguf.TokenType.CONTROL])
        writer.add_token_merges([f"{tokens[1]} {tokens[2]}"])
        writer.add_bos_token_id(50256)
        writer.add_eos_token_id(50256)

        def add(name: str, value: np.ndarray) -> None:
            if kind == "q8_0" and value.ndim == 2 and name != "position_embd.weight":
                packed = gguf.quants.quantize(value, gguf.GGMLQuantizationType.Q8_0)
                writer.add_tensor(name, packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
            else:
                writer.add_tensor(name, value)

        for key, value in weights.items():
            if key in names:
                add(names[key], np.ascontiguousarray(value))
                if key == "wte.weight":
                    add("output.weight", np.ascontiguousarray(value))
            elif key.startswith("h."):
                _, layer, rest = key.split(".", 2)
                part, leaf = rest.rsplit(".", 1)
                if part not in parts:
                    continue
                conv = value.ndim == 2
                add(f"blk.{layer}.{parts[part]}.{leaf}", np.ascontiguousarray(value.T if conv else value))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
