"""MLP-Mixer: positions mix through learned matrices, the same for all inputs.

Idea: two kinds of two-layer networks take turns, one across positions and one across channels; nothing is
computed from content to decide who reads whom. For a causal task the matrices are lower triangular. Cheap,
and good where a position means something by itself; cannot look up by content, and knows nothing of positions
that it was not trained on.

Source: Tolstikhin et al., "MLP-Mixer: An all-MLP Architecture for Vision", 2021.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

WIDTH = 64


class TokenMixing(nn.Module):
    """Two layers across positions, the same for each channel: (batch, length, width) to the same."""

    def __init__(self, width, length, causal, expansion):
        super().__init__()
        self.causal = causal
        scale = 1 / math.sqrt(length)
        self.widen = nn.Parameter(scale * torch.randn(expansion, length, length))
        self.narrow = nn.Parameter(scale * torch.randn(expansion, length, length))
        self.bias = nn.Parameter(torch.zeros(expansion, length, 1))

    def forward(self, x):
        length = x.shape[1]
        widen, narrow = self.widen[:, :length, :length], self.narrow[:, :length, :length]
        if self.causal:  # a hidden unit has a place of its own, and neither reads nor is read from later ones
            widen, narrow = widen.tril(), narrow.tril()
        hidden = F.gelu(widen @ x[:, None] + self.bias[:, :length])
        return (narrow @ hidden).sum(dim=1)


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
        Residual(width, TokenMixing(width, length, causal, expansion=1)),
        Residual(width, FeedForward(width, expansion=2)),
        Residual(width, TokenMixing(width, length, causal, expansion=1)),
        Residual(width, FeedForward(width, expansion=2)),
        Residual(width, TokenMixing(width, length, causal, expansion=1)),
        Residual(width, FeedForward(width, expansion=2)),
    ]


def build(spec):
    return Network(spec)
