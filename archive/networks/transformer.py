"""Transformer: every position reads every (earlier) position by softmax attention.

Idea: a position asks with a query, all others answer with keys, and it takes the matching values; rotary
positions let attention see distances at lengths it was not trained on. Recalls from context at once, but
its depth bounds how many steps of a running state it can follow.

Source: Vaswani et al., "Attention Is All You Need", 2017; rotary positions: Su et al., "RoFormer", 2021;
normalisation before each part: Xiong et al., 2020.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

WIDTH = 64


class Attention(nn.Module):
    """Multi-head softmax attention with rotary positions: (batch, length, width) to the same."""

    def __init__(self, width, causal, heads):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.merge = nn.Linear(width, width, bias=False)
        rates = 10_000 ** -torch.linspace(0, 1, width // heads // 2)
        self.register_buffer("rates", rates, persistent=False)

    def rotate(self, x):
        angles = torch.arange(x.shape[-2], device=x.device)[:, None] * self.rates
        left, right = x.chunk(2, dim=-1)
        cos, sin = angles.cos(), angles.sin()
        return torch.cat([left * cos - right * sin, left * sin + right * cos], dim=-1)

    def forward(self, x):
        batch, length, width = x.shape
        split = self.project(x).view(batch, length, 3, self.heads, width // self.heads)
        queries, keys, values = split.permute(2, 0, 3, 1, 4)
        queries, keys = self.rotate(queries), self.rotate(keys)
        read = F.scaled_dot_product_attention(queries, keys, values, is_causal=self.causal)
        return self.merge(read.transpose(1, 2).reshape(batch, length, width))


class FeedForward(nn.Module):
    """Two layers on each position alone."""

    def __init__(self, width, expansion):
        super().__init__()
        self.widen = nn.Linear(width, expansion * width)
        self.narrow = nn.Linear(expansion * width, width)

    def forward(self, x):
        return self.narrow(F.gelu(self.widen(x)))


class Residual(nn.Module):
    """Adds to its input what the inner part makes of the normalised input."""

    def __init__(self, width, inner):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.inner = inner

    def forward(self, x):
        return x + self.inner(self.norm(x))


class Embed(nn.Module):
    """Turns tokens, a series, an image or a table into (batch, length, width)."""

    def __init__(self, spec, width):
        super().__init__()
        self.kind = spec.kind
        if spec.kind == "tokens":
            self.embed = nn.Embedding(spec.vocab_size, width)
        else:
            channels = {"series": spec.input_shape[-1], "image": spec.input_shape[0], "table": 1}[spec.kind]
            self.embed = nn.Linear(channels, width)
        if spec.kind == "table":  # columns have no order that distances could express
            self.columns = nn.Parameter(0.02 * torch.randn(spec.input_shape[0], width))

    def forward(self, x):
        if self.kind == "image":  # pixels, row by row
            x = x.flatten(2).transpose(1, 2)
        if self.kind == "table":
            return self.embed(x.unsqueeze(-1)) + self.columns
        return self.embed(x)


class Network(nn.Module):
    """Embeds, applies the layers in order, reads out a position at a time or the mean of all."""

    def __init__(self, spec):
        super().__init__()
        length = math.prod(spec.input_shape[1:]) if spec.kind == "image" else spec.input_shape[0]
        self.embed = Embed(spec, WIDTH)
        self.layers = nn.ModuleList(layers(WIDTH, length, spec.causal))
        self.norm = nn.LayerNorm(WIDTH)
        self.readout = nn.Linear(WIDTH, spec.n_outputs)
        self.one = spec.output == "one"

    def forward(self, x):
        x = self.embed(x)
        for layer in self.layers:
            x = layer(x)
        x = self.norm(x)
        return self.readout(x.mean(dim=1) if self.one else x)


def layers(width, length, causal):
    """Return the network, one layer a line, first to last."""
    return [
        Residual(width, Attention(width, causal, heads=4)),
        Residual(width, FeedForward(width, expansion=2)),
        Residual(width, Attention(width, causal, heads=4)),
        Residual(width, FeedForward(width, expansion=2)),
    ]


def build(spec):
    return Network(spec)
