"""Convolutional network: every position mixes its neighbours with the same weights everywhere.

Idea: what a pattern looks like does not depend on where it is. Each layer is a full convolution over all
channels, added to its input; doubling the gaps between its taps from layer to layer makes the reach grow
exponentially with depth. Good on series and images, where nearness matters and little data has to do; mixing
does not depend on content, and nothing beyond its reach exists.

Source: He et al., "Deep Residual Learning for Image Recognition", 2015, and "Identity Mappings in Deep
Residual Networks", 2016, in one dimension; causal and dilated: Bai et al., "An Empirical Evaluation of
Generic Convolutional and Recurrent Networks for Sequence Modeling", 2018.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

WIDTH = 64


class Convolution(nn.Module):
    """Activation, then a convolution over all channels: (batch, length, width) to the same."""

    def __init__(self, width, causal, kernel, dilation):
        super().__init__()
        reach = (kernel - 1) * dilation
        self.before = reach if causal else reach // 2
        self.after = reach - self.before
        self.convolve = nn.Conv1d(width, width, kernel, dilation=dilation)

    def forward(self, x):
        padded = F.pad(F.gelu(x).transpose(1, 2), (self.before, self.after))
        return self.convolve(padded).transpose(1, 2)


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
        Residual(width, Convolution(width, causal, kernel=5, dilation=1)),
        Residual(width, Convolution(width, causal, kernel=5, dilation=2)),
        Residual(width, Convolution(width, causal, kernel=5, dilation=4)),
        Residual(width, Convolution(width, causal, kernel=5, dilation=8)),
    ]


def build(spec):
    return Network(spec)
