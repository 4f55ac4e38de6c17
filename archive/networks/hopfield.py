"""Modern Hopfield network: every position retrieves a stored pattern of the context by a few updates.

Idea: one update of a continuous Hopfield network is softmax attention whose result is a pattern again, so it
can be repeated: a query that knows half of a stored pattern comes back with the whole. A learned inverse
temperature a head decides between one single pattern and an average of many. Patterns hold a position and its
neighbours, through a short convolution, which makes what follows a token part of the same memory. Recalls by
association; its depth bounds how many steps of a running state it can follow.

Source: Ramsauer et al., "Hopfield Networks is All You Need", 2020.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

WIDTH = 64


class ShortConvolution(nn.Module):
    """Weighs each channel's few nearest positions: (batch, length, width) to the same."""

    def __init__(self, width, causal, kernel):
        super().__init__()
        self.weights = nn.Parameter(torch.randn(kernel, width) / math.sqrt(kernel))
        self.before = kernel - 1 if causal else kernel // 2
        self.after = kernel - 1 - self.before

    def forward(self, x):
        length = x.shape[1]
        padded = F.pad(x, (0, 0, self.before, self.after))
        return sum(weight * padded[:, i : i + length] for i, weight in enumerate(self.weights))


class Hopfield(nn.Module):
    """Repeated retrieval from the patterns of the context: (batch, length, width) to the same."""

    def __init__(self, width, causal, heads, updates):
        super().__init__()
        self.heads, self.causal, self.updates = heads, causal, updates
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.merge = nn.Linear(width, width, bias=False)
        self.sharpness = nn.Parameter(torch.zeros(heads, 1, 1))  # logarithm of the inverse temperature

    def forward(self, x):
        batch, length, width = x.shape
        split = self.project(x).view(batch, length, 3, self.heads, width // self.heads)
        state, stored, values = split.permute(2, 0, 3, 1, 4)
        state, stored = F.layer_norm(state, state.shape[-1:]), F.layer_norm(stored, stored.shape[-1:])
        scale = self.sharpness.exp() / math.sqrt(width // self.heads)
        for _ in range(self.updates - 1):
            state = F.scaled_dot_product_attention(
                scale * state, stored, stored, is_causal=self.causal, scale=1.0
            )
        read = F.scaled_dot_product_attention(scale * state, stored, values, is_causal=self.causal, scale=1.0)
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
        Residual(width, ShortConvolution(width, causal, kernel=4)),
        Residual(width, Hopfield(width, causal, heads=4, updates=2)),
        Residual(width, FeedForward(width, expansion=2)),
        Residual(width, ShortConvolution(width, causal, kernel=4)),
        Residual(width, Hopfield(width, causal, heads=4, updates=2)),
        Residual(width, FeedForward(width, expansion=2)),
    ]


def build(spec):
    return Network(spec)
