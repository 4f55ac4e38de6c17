"""Perceiver: a few latents summarise all (earlier) positions, and every position reads the latents only.

Idea: a bottleneck of fixed size between the inputs and what is made of them, so that memory does not grow
with the length. A latent is a softmax-weighted mean of the values at all positions; for a causal task it is
the running mean up to each position, and a position reads latents of its own time. Training computes the same
numbers in a parallel form, quadratic in the length, which is quicker for short sequences and never stores the
latents of every time. A short convolution before it tells neighbours apart, as the mean knows no positions.
Sums up long inputs; what the latents did not ask for when it came by is lost.

Source: Jaegle et al., "Perceiver: General Perception with Iterative Attention", 2021; running means as a
bounded memory: Peng et al., "ABC: Attention with Bounded-memory Control", 2021.
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


class Latents(nn.Module):
    """Positions write to latents, then read from them: (batch, length, width) to the same."""

    def __init__(self, width, causal, heads, latents):
        super().__init__()
        self.heads, self.latents, self.causal = heads, latents, causal
        self.write = nn.Linear(width, heads * latents)
        self.project = nn.Linear(width, 2 * width, bias=False)
        self.merge = nn.Linear(width, width, bias=False)

    def forward(self, x):
        batch, length, width = x.shape
        split = self.project(x).view(batch, length, 2, self.heads, width // self.heads)
        queries, values = split.permute(2, 0, 3, 1, 4)
        scores = self.write(x).view(batch, length, self.heads, self.latents).transpose(1, 2)
        weights = (8 * torch.tanh(scores / 8)).exp()  # bounded, so that a sum never loses its small terms
        seen = torch.ones(length, length, device=x.device)
        if self.causal:
            seen = seen.tril()
        totals = seen @ weights
        match = (seen * (queries @ values.transpose(-1, -2))) @ weights / totals
        chosen = (match / math.sqrt(width // self.heads)).softmax(dim=-1) / totals
        read = (seen * (chosen @ weights.transpose(-1, -2))) @ values
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
        Residual(width, Latents(width, causal, heads=4, latents=16)),
        Residual(width, FeedForward(width, expansion=2)),
        Residual(width, ShortConvolution(width, causal, kernel=4)),
        Residual(width, Latents(width, causal, heads=4, latents=16)),
        Residual(width, FeedForward(width, expansion=2)),
    ]


def build(spec):
    return Network(spec)
