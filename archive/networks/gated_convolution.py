"""Gated short convolution: gates made from the input decide what neighbours pass on to one another.

Idea: two elementwise products around a short convolution make mixing depend on content at almost no cost: the
inner gate picks what is worth passing on, the outer gate where it arrives. Widening gaps between the taps let
a few layers reach far. Copies by content and reads series well; cannot look up by key, and sees nothing
beyond its reach.

Source: Poli et al., "Hyena Hierarchy: Towards Larger Convolutional Language Models", 2023; two gates around a
short convolution: Fu et al., "Hungry Hungry Hippos", 2022, and Liquid AI, "LFM2 Technical Report", 2025.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

WIDTH = 64


class GatedConvolution(nn.Module):
    """Gate, short convolution, gate: (batch, length, width) to the same."""

    def __init__(self, width, causal, kernel, dilation):
        super().__init__()
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.weights = nn.Parameter(torch.randn(kernel, width) / math.sqrt(kernel))
        self.merge = nn.Linear(width, width, bias=False)
        self.dilation = dilation
        reach = (kernel - 1) * dilation
        self.before = reach if causal else reach // 2
        self.after = reach - self.before

    def forward(self, x):
        length = x.shape[1]
        inner, outer, values = self.project(x).chunk(3, dim=-1)
        # gates around 1: a plain convolution to begin with, which trains sooner than a product of three
        padded = F.pad((1 + inner) * values, (0, 0, self.before, self.after))
        taps = (padded[:, i * self.dilation :][:, :length] for i in range(len(self.weights)))
        mixed = sum(weight * tap for weight, tap in zip(self.weights, taps, strict=True))
        return self.merge((1 + outer) * mixed)


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
        Residual(width, GatedConvolution(width, causal, kernel=4, dilation=1)),
        Residual(width, GatedConvolution(width, causal, kernel=4, dilation=2)),
        Residual(width, GatedConvolution(width, causal, kernel=4, dilation=4)),
        Residual(width, GatedConvolution(width, causal, kernel=4, dilation=8)),
        Residual(width, FeedForward(width, expansion=2)),
    ]


def build(spec):
    return Network(spec)
