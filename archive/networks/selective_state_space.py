"""Selective state space: each position's content says how a linear state fades, is written and is read.

Idea: the step size, and what is written and read, are functions of the input, so the state can hold one token
and let noise pass; decay is one number a head, which allows the whole recurrence to be computed as a masked
matrix product, quadratic in the length but quick for short sequences. Without a causal order the same weights
run once in each direction. Selects and copies well; decay between 0 and 1 can fade a state but never flip it.

Source: Gu & Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", 2023; the matrix form:
Dao & Gu, "Transformers are SSMs", 2024.
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


class SelectiveStateSpace(nn.Module):
    """Short convolution, selective recurrence, gate: (batch, length, width) to the same."""

    def __init__(self, width, causal, heads, state, expansion, kernel):
        super().__init__()
        inner = expansion * width
        self.heads, self.causal, self.sizes = heads, causal, [inner, state, state]
        self.project = nn.Linear(width, 2 * inner + 2 * state + heads, bias=False)
        self.neighbours = ShortConvolution(inner + 2 * state, causal, kernel)
        steps = torch.logspace(-2, 0, heads)
        self.step = nn.Parameter(steps.expm1().log())  # what softplus turns into `steps`
        self.rate = nn.Parameter(torch.zeros(heads))
        self.skip = nn.Parameter(torch.ones(inner))
        self.norm = nn.LayerNorm(inner)
        self.merge = nn.Linear(inner, width, bias=False)

    def scan(self, values, writes, reads, steps):
        batch, length, inner = values.shape
        decay = (-steps * self.rate.exp()).transpose(1, 2).cumsum(dim=-1)
        between = decay[..., :, None] - decay[..., None, :]
        future = torch.ones(length, length, dtype=torch.bool, device=values.device).triu(1)
        kept = between.masked_fill(future, -math.inf).exp()  # at most 1, however long the sequence
        mixing = kept * (reads @ writes.transpose(-1, -2))[:, None]
        written = (values.view(batch, length, self.heads, -1) * steps[..., None]).transpose(1, 2)
        return (mixing @ written).transpose(1, 2).reshape(batch, length, inner)

    def forward(self, x):
        inner = self.sizes[0]
        gate, mixed, steps = self.project(x).split([inner, sum(self.sizes), self.heads], dim=-1)
        values, writes, reads = F.silu(self.neighbours(mixed)).split(self.sizes, dim=-1)
        inputs = values, writes, reads, F.softplus(steps + self.step)
        found = self.scan(*inputs)
        if not self.causal:
            found = found + self.scan(*(part.flip(1) for part in inputs)).flip(1)
        return self.merge(self.norm(found + self.skip * values) * F.silu(gate))


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
        Residual(width, SelectiveStateSpace(width, causal, heads=8, state=32, expansion=2, kernel=4)),
        Residual(width, SelectiveStateSpace(width, causal, heads=8, state=32, expansion=2, kernel=4)),
    ]


def build(spec):
    return Network(spec)
