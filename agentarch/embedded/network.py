"""The embedded model as it is trained: a small decoder-only transformer in torch.

`agentarch.embedded.inference` computes the same without torch. Only `agentarch.embedded.train` imports this file.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agentarch.embedded.weights import Shape


def rotations(length: int, head_width: int) -> tuple[Tensor, Tensor]:
    """Return cosines and sines, `(length, head_width / 2)`, of rotary positions (Su et al. 2021)."""
    frequencies = 10_000.0 ** (-torch.arange(0, head_width, 2) / head_width)
    angles = torch.arange(length)[:, None] * frequencies
    return torch.cos(angles), torch.sin(angles)


class Block(nn.Module):
    """Attention and a ReLU feed-forward, each after a norm without gain (Zhang & Sennrich 2019).

    Args:
        shape: of the network.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.qkv = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.out = nn.Linear(shape.width, shape.width, bias=False)
        self.up = nn.Linear(shape.width, shape.hidden, bias=False)
        self.down = nn.Linear(shape.hidden, shape.width, bias=False)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.down.weight)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Map `(batch, length, width)` to the same shape."""
        batch, length, width = x.shape
        q, k, v = (
            part.view(batch, length, self.heads, -1).transpose(1, 2)
            for part in self.qkv(norm(x)).split(width, dim=-1)
        )
        mixed = F.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        update: Tensor = self.down(F.relu(self.up(norm(x))))
        return x + update


class Network(nn.Module):
    """The whole network; its words' embeddings are also its outputs (Press & Wolf 2017).

    Args:
        shape: of the network.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Parameter(torch.randn(shape.words, shape.width) / math.sqrt(shape.width))
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))

    def forward(self, words: Tensor, wanted: Tensor) -> Tensor:
        """Return logits of the next word where they are wanted.

        Args:
            words: numbers of words, `(batch, length)` int64.
            wanted: positions in the flattened batch, `(positions,)` int64.

        Returns:
            `(positions, words)` float32.
        """
        cos, sin = rotations(words.shape[1], self.shape.width // self.shape.heads)
        x = norm(F.embedding(words, self.embedding))
        for block in self.blocks:
            x = block(x, cos, sin)
        return norm(x).flatten(0, 1)[wanted] @ self.embedding.T


def norm(x: Tensor) -> Tensor:
    """Scale the last axis to a root mean square of one."""
    return F.rms_norm(x, (x.shape[-1],))


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn `(batch, heads, length, head_width)` by its positions."""
    left, right = x.chunk(2, dim=-1)
    return torch.cat((left * cos - right * sin, left * sin + right * cos), dim=-1)
