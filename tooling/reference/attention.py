"""Fixtures of packages/attention: ops, layers and a whole encoder-decoder, in value and gradient, from PyTorch.

Inputs are float32 numbers; PyTorch computes in float64, so that what is written is right to the last bit of float32.
"""

import math

import torch
import torch.nn.functional as F
from transformers.activations import ACT2FN
from transformers.models.t5.modeling_t5 import T5Attention

from common import ROOT, write_fixture

OUT = ROOT / "packages/attention/fixtures"
LOWEST = torch.finfo(torch.float32).min


class Cases:
    """Collects cases: named inputs, attributes, the output y, weights w, and the gradients of sum(y * w)."""

    def __init__(self) -> None:
        self.tensors: dict[str, torch.Tensor] = {}
        self.meta: dict[str, dict] = {}

    def add(self, name: str, function, inputs: dict[str, torch.Tensor], **attrs) -> None:
        given = {}
        for key, tensor in inputs.items():
            self.tensors[f"{name}/{key}"] = tensor
            given[key] = tensor.double().requires_grad_() if tensor.is_floating_point() else tensor
        y = function(**given)
        weights = torch.randn(y.shape)
        (y * weights).sum().backward()
        self.tensors[f"{name}/y"] = y
        self.tensors[f"{name}/w"] = weights
        for key, tensor in given.items():
            if tensor.is_floating_point() and tensor.grad is not None:
                self.tensors[f"{name}/d.{key}"] = tensor.grad
        self.meta[name] = {"op": name.split(":")[0], "inputs": list(inputs), **attrs}


ACTIVATIONS = {
    "none": lambda x: x, "relu": F.relu, "gelu": F.gelu, "geluNew": ACT2FN["gelu_new"],
    "tanh": torch.tanh, "sigmoid": torch.sigmoid, "silu": F.silu,
}


def add_linear(cases: Cases) -> None:
    sizes = [((3, 5), 7, 6, "none"), ((1,), 33, 19, "gelu"), ((2, 3, 2), 8, 5, "geluNew"), ((17,), 16, 40, "relu"),
             ((5,), 1, 1, "tanh"), ((4,), 65, 3, "silu"), ((2, 9), 12, 12, "sigmoid")]
    for leading, inner, outer, activation in sizes:
        for layout in ("out-in", "in-out"):
            for bias in (True, False):
                shape = (outer, inner) if layout == "out-in" else (inner, outer)
                inputs = {"x": torch.randn(*leading, inner), "weight": torch.randn(*shape) / math.sqrt(inner)}
                if bias:
                    inputs["bias"] = torch.randn(outer)

                def linear(x, weight, bias=None):
                    product = x @ (weight.T if layout == "out-in" else weight)
                    return ACTIVATIONS[activation](product if bias is None else product + bias)

                cases.add(f"linear:{inner}x{outer}:{layout}:{'bias' if bias else 'plain'}", linear, inputs,
                          layout=layout, activation=activation)


def add_elementwise(cases: Cases) -> None:
    edge = torch.tensor([0.0, -0.0, 1e-6, -1e-6, 0.5, -0.5, 4.0, -4.0, 9.0, -9.0])
    x = torch.cat([edge, torch.randn(23) * 2])
    for activation, function in ACTIVATIONS.items():
        if activation != "none":
            cases.add(f"activation:{activation}", lambda x: function(x), {"x": x}, activation=activation)


def add_norms(cases: Cases) -> None:
    for shape, epsilon in [((3, 5, 7), 1e-5), ((1, 33), 1e-12), ((9, 64), 1e-6), ((2, 1), 1e-5)]:
        width = shape[-1]
        x, gamma, beta = torch.randn(*shape) * 2 + 1, torch.randn(width), torch.randn(width)
        name = "x".join(map(str, shape))
        cases.add(f"layerNorm:{name}", lambda x, gamma, beta: F.layer_norm(x, (width,), gamma, beta, epsilon),
                  {"x": x, "gamma": gamma, "beta": beta}, epsilon=epsilon)
        cases.add(f"rmsNorm:{name}", lambda x, gamma: gamma * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon),
                  {"x": x, "gamma": gamma}, epsilon=epsilon)


def attention(query, key, value, heads, key_heads, scale=None, causal=False, key_length=None, mask=None, bias=None):
    """The textbook's attention over heads side by side in the last axis."""
    batch, queries, width = query.shape
    length = key.shape[1] if key_length is None else key_length
    size = width // heads

    def split(x, count):
        return x.reshape(batch, x.shape[1], count, -1).transpose(1, 2)

    q = split(query, heads)
    k = split(key[:, :length], key_heads).repeat_interleave(heads // key_heads, 1)
    v = split(value[:, :length], key_heads).repeat_interleave(heads // key_heads, 1)
    scores = q @ k.transpose(-1, -2) * (1 / math.sqrt(size) if scale is None else scale)
    if bias is not None:
        scores = scores + bias
    if mask is not None:
        scores = scores.masked_fill(mask[:, None, None, :] == 0, LOWEST)
    if causal:
        future = torch.ones(queries, length, dtype=torch.bool).triu(length - queries + 1)
        scores = scores.masked_fill(future, -math.inf)
    return (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, queries, -1)


def add_attention(cases: Cases) -> None:
    def shape(batch, queries, capacity, heads, size, key_heads=None, value_size=None):
        key_heads = key_heads or heads
        return {"query": torch.randn(batch, queries, heads * size), "key": torch.randn(batch, capacity, key_heads * size),
                "value": torch.randn(batch, capacity, key_heads * (value_size or size))}

    def add(name, inputs, heads, key_heads=None, scale=None, causal=False, key_length=None, mask=None):
        options = {"causal": causal, "numHeads": heads, "numKeyHeads": key_heads or heads}
        if scale is not None:
            options["scale"] = scale
        if key_length is not None:
            options["keyLength"] = key_length
        if mask is not None:
            inputs["mask"] = mask
        cases.add(f"attention:{name}", lambda query, key, value, mask=None, bias=None: attention(
            query, key, value, heads, key_heads or heads, scale, causal, key_length, mask, bias), inputs, **options)

    add("plain", shape(2, 5, 5, 3, 4), 3)
    add("causal", shape(2, 7, 7, 2, 5), 2, causal=True)
    add("one query of a cache", shape(3, 1, 9, 2, 8), 2, causal=True, key_length=6)
    add("causal over a cache", shape(1, 3, 12, 2, 4), 2, causal=True, key_length=8)
    add("unscaled with bias", {**shape(2, 4, 6, 2, 3), "bias": torch.randn(1, 2, 4, 6)}, 2, scale=1.0)
    add("bias of rows", {**shape(2, 4, 4, 2, 3), "bias": torch.randn(2, 1, 4, 4)}, 2, causal=True)
    add("values of another size", shape(2, 3, 4, 2, 3, value_size=5), 2)
    add("grouped heads", shape(2, 6, 6, 6, 4, key_heads=2), 6, key_heads=2, causal=True)
    left = torch.tensor([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1]])
    add("padded on the left", shape(2, 5, 5, 2, 4), 2, causal=True, mask=left)
    hidden = torch.tensor([[1, 1, 0, 0], [0, 0, 0, 0]])
    add("a fully hidden row", shape(2, 3, 4, 2, 4), 2, mask=hidden)
    add("long", shape(1, 67, 67, 2, 16), 2, causal=True)
    ragged = (torch.arange(70)[None] < torch.tensor([70, 33])[:, None]).int()
    add("long and padded", shape(2, 37, 70, 1, 24), 1, mask=ragged)


def add_lookups_and_losses(cases: Cases) -> None:
    ids = torch.tensor([[3, 1, 3], [0, 10, 1]])
    cases.add("embedding:repeated", lambda weight, ids: F.embedding(ids, weight),
              {"weight": torch.randn(11, 5), "ids": ids}, paddingIndex=-1)
    cases.add("embedding:padding", lambda weight, ids: F.embedding(ids, weight, padding_idx=1),
              {"weight": torch.randn(11, 5), "ids": ids}, paddingIndex=1)
    for name, rows, vocabulary, smoothing, reduction in [
        ("plain", 6, 9, 0.0, "mean"), ("smoothed", 7, 33, 0.1, "mean"), ("summed", 5, 64, 0.0, "sum"),
        ("smoothed sum", 9, 21, 0.2, "sum"), ("wide", 3, 523, 0.0, "mean"),
    ]:
        labels = torch.randint(0, vocabulary, (rows,))
        labels[1] = -100
        options = dict(ignoreIndex=-100, labelSmoothing=smoothing, reduction=reduction)
        cases.add(f"crossEntropy:{name}", lambda logits, labels: F.cross_entropy(
            logits, labels, label_smoothing=smoothing, reduction=reduction),
            {"logits": torch.randn(rows, vocabulary) * 3, "labels": labels}, **options)
        for bias in (False, True):
            inputs = {"hidden": torch.randn(rows, 8), "weight": torch.randn(vocabulary, 8), "labels": labels}
            if bias:
                inputs["bias"] = torch.randn(vocabulary)
            cases.add(f"linearCrossEntropy:{name}:{'bias' if bias else 'plain'}", lambda hidden, weight, labels, bias=None:
                      F.cross_entropy(F.linear(hidden, weight, bias), labels, label_smoothing=smoothing, reduction=reduction),
                      inputs, **options)


def philox_words(counter, key):
    """Philox4x32-10 in plain integers (Salmon et al., 2011)."""
    c, k, mask = list(counter), list(key), 2**32 - 1
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & mask, (a >> 32) ^ c[3] ^ k[1], a & mask]
        k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
    return c


def add_dropout(cases: Cases) -> None:
    for name, size, rate, seed, offset in [("small", 13, 0.1, 42, 0), ("half", 70, 0.5, 2**40 + 7, 2**33 + 5), ("most", 33, 0.9, 1, 3)]:
        words = [w for i in range((size + 3) // 4) for w in philox_words(
            (i % 2**32, i >> 32, offset % 2**32, offset >> 32), (seed % 2**32, seed >> 32))][:size]
        kept = torch.tensor([float(w >= round(rate * 2**32)) for w in words], dtype=torch.float64)
        cases.add(f"dropout:{name}", lambda x: x * kept / (1 - rate), {"x": torch.randn(size)}, rate=rate, seed=seed, offset=offset)


def write_optimizer() -> None:
    """Three AdamW steps over two parameters, with their gradients; and the norm of the first step's."""
    torch.manual_seed(5)
    parameters = [torch.nn.Parameter(torch.randn(7, 3)), torch.nn.Parameter(torch.randn(5))]
    tensors = {f"p{i}": p.detach().clone() for i, p in enumerate(parameters)}
    optimizer = torch.optim.AdamW([
        {"params": [parameters[0]], "lr": 0.01, "weight_decay": 0.1}, {"params": [parameters[1]], "lr": 0.02, "weight_decay": 0.0},
    ], betas=(0.9, 0.98), eps=1e-8)
    for step in range(3):
        for i, parameter in enumerate(parameters):
            parameter.grad = torch.randn_like(parameter)
            tensors[f"g{step}.{i}"] = parameter.grad.clone()
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        tensors[f"norm{step}"] = norm.reshape(1)
        optimizer.step()
        for i, parameter in enumerate(parameters):
            tensors[f"after{step}.{i}"] = parameter.detach().clone()
    write_fixture(OUT / "optimizer.safetensors", tensors, {})


def write_quantized() -> None:
    """int8 weights with a scale a group, and what they give."""
    torch.manual_seed(6)
    outer, inner, group = 5, 24, 8
    weight = torch.randn(outer, inner)
    groups = weight.reshape(outer, -1, group)
    scales = groups.abs().amax(-1) / 127
    integers = (groups / scales[..., None]).round().to(torch.int8)
    x, bias = torch.randn(2, 3, inner), torch.randn(outer)
    restored = (integers.double() * scales[..., None].double()).reshape(outer, inner)
    packed = integers.reshape(outer, inner).contiguous().view(torch.int32)
    y = F.gelu(F.linear(x.double(), restored, bias.double()))
    write_fixture(OUT / "quantized.safetensors", {
        "weight": weight, "packed": packed, "scales": scales, "x": x, "bias": bias, "y": y,
    }, {"groupSize": group})


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    cases = Cases()
    for add in (add_linear, add_elementwise, add_norms, add_attention, add_lookups_and_losses, add_dropout):
        add(cases)
    write_fixture(OUT / "ops.safetensors", cases.tensors, {"cases": cases.meta})
    write_optimizer()
    write_quantized()
    write_layers()
    write_transformer()


class TextbookSelfAttention(torch.nn.Module):
    """Multi-head self-attention as tutorials have it: heads first, one projection shared by all of them."""

    def __init__(self, embed_size, heads):
        super().__init__()
        self.heads, self.size, self.embed_size = heads, embed_size // heads, embed_size
        self.values = torch.nn.Linear(self.size, self.size, bias=False)
        self.keys = torch.nn.Linear(self.size, self.size, bias=False)
        self.queries = torch.nn.Linear(self.size, self.size, bias=False)
        self.fc_out = torch.nn.Linear(embed_size, embed_size)

    def forward(self, values, keys, query, mask=None):
        batch = query.shape[0]
        v, k, q = (layer(x.reshape(batch, x.shape[1], self.heads, self.size)) for layer, x in
                   ((self.values, values), (self.keys, keys), (self.queries, query)))
        energy = torch.einsum("nqhd,nkhd->nhqk", q, k)
        if mask is not None:
            energy = energy.masked_fill(mask == 0, -1e20)
        weights = torch.softmax(energy / math.sqrt(self.embed_size), dim=3)
        return self.fc_out(torch.einsum("nhql,nlhd->nqhd", weights, v).reshape(batch, query.shape[1], self.embed_size))


def module_case(tensors, name, module, y, inputs, weights) -> None:
    """Adds a module's parameters, output and every gradient of sum(y * weights)."""
    (y * weights).sum().backward()
    tensors[f"{name}/y"], tensors[f"{name}/w"] = y, weights
    for key, tensor in inputs.items():
        tensors[f"{name}/{key}"] = tensor
        if tensor.requires_grad:
            tensors[f"{name}/d.{key}"] = tensor.grad
    for key, parameter in module.named_parameters():
        tensors[f"{name}/p.{key}"] = parameter
        tensors[f"{name}/g.{key}"] = parameter.grad


def write_layers() -> None:
    torch.manual_seed(7)
    tensors: dict[str, torch.Tensor] = {}

    def fresh(*shape):
        return torch.randn(*shape, dtype=torch.float64).float().double().requires_grad_()

    textbook = TextbookSelfAttention(12, 3).double()
    x = fresh(2, 5, 12)
    mask = torch.ones(2, 1, 5, 5, dtype=torch.long).tril()
    mask[1, :, :, 4] = 0
    module_case(tensors, "textbook", textbook, textbook(x, x, x, mask), {"x": x, "mask": mask}, torch.randn(2, 5, 12))

    for name, memory_width in [("self", None), ("cross", 10)]:
        layer = torch.nn.MultiheadAttention(12, 3, batch_first=True, kdim=memory_width, vdim=memory_width).double()
        torch.nn.init.normal_(layer.out_proj.bias)
        torch.nn.init.normal_(layer.in_proj_bias)
        x = fresh(2, 4, 12)
        memory = fresh(2, 6, memory_width) if memory_width else x
        keep = torch.ones(2, memory.shape[1], dtype=torch.long)
        keep[1, -2:] = 0
        y, _ = layer(x, memory, memory, key_padding_mask=keep == 0, need_weights=False)
        inputs = {"x": x, "mask": keep} | ({"memory": memory} if memory_width else {})
        module_case(tensors, name, layer, y, inputs, torch.randn(2, 4, 12))

    distances = torch.arange(-300, 301)
    for bidirectional in (True, False):
        tensors[f"buckets/{bidirectional}"] = T5Attention._relative_position_bucket(distances, bidirectional, 32, 128)
    tensors["buckets/few"] = T5Attention._relative_position_bucket(distances, True, 8, 20)
    write_fixture(OUT / "layers.safetensors", tensors, {"distances": [-300, 300]})


def sinusoidal(length, width):
    """Section 3.5 of "Attention Is All You Need"."""
    angles = torch.arange(length).double()[:, None] / 10000 ** (torch.arange(0, width, 2).double() / width)
    return torch.stack([angles.sin(), angles.cos()], -1).reshape(length, width)


class WholeTransformer(torch.nn.Module):
    """nn.Transformer between embeddings with sinusoidal positions and a last layer."""

    def __init__(self, norm_first, tied):
        super().__init__()
        self.width = 16
        self.source = torch.nn.Embedding(23, 16, padding_idx=0)
        self.target = self.source if tied else torch.nn.Embedding(19, 16, padding_idx=0)
        self.transformer = torch.nn.Transformer(16, 4, 2, 2, 24, dropout=0.0, batch_first=True, norm_first=norm_first)
        self.output = torch.nn.Linear(16, 23 if tied else 19, bias=False)
        if tied:
            self.output.weight = self.source.weight

    def forward(self, source, target, keep):
        length = target.shape[1]
        hidden = torch.ones(length, length, dtype=torch.bool).triu(1)

        def embed(table, ids):
            return table(ids) * math.sqrt(self.width) + sinusoidal(ids.shape[1], self.width)

        out = self.transformer(embed(self.source, source), embed(self.target, target), tgt_mask=hidden,
                               src_key_padding_mask=keep == 0, memory_key_padding_mask=keep == 0)
        return self.output(out)


def write_transformer() -> None:
    tensors = {"positions": sinusoidal(9, 16)}
    for name, norm_first, tied in [("post", False, False), ("pre", True, True)]:
        torch.manual_seed(8)
        model = WholeTransformer(norm_first, tied).double()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_((parameter + torch.randn_like(parameter) * 0.1).float().double())
        source, target = torch.randint(1, 19, (3, 7)), torch.randint(1, 19, (3, 5))
        keep = (torch.arange(7)[None] < torch.tensor([7, 4, 6])[:, None]).long()
        labels = torch.randint(1, 19, (3, 5))
        labels[2, 3:] = -100
        logits = model(source, target, keep)
        loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), label_smoothing=0.1)
        loss.backward()
        for key, tensor in {"source": source, "target": target, "mask": keep, "labels": labels,
                            "logits": logits, "loss": loss.reshape(1)}.items():
            tensors[f"{name}/{key}"] = tensor
        for key, parameter in model.named_parameters():
            tensors[f"{name}/p.{key}"] = parameter
            tensors[f"{name}/g.{key}"] = parameter.grad
    write_fixture(OUT / "transformer.safetensors", tensors, {})


if __name__ == "__main__":
    main()
