"""Computes the embedded model in numpy: the same numbers whatever the threads, the BLAS, and the batch.

Every sum is a sum of whole numbers small enough to be exact, so its order does not matter: weights are whole numbers of
7 bits and a sign, activations are rounded to 8 and a sign before they meet them, and attention works in fixed point.
All else is done number by number. Tests compare it with a batch of one, and over threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agentarch.embedded.weights import Floats, Matrix, Weights

_STEPS = np.float32(255)
"""Activations are rounded to so many steps on either side of zero: 512 inputs of 255 times 127 stay below 2**24."""

_FIXED = np.float64(2**12)
"""Queries, keys, values and shares of attention are rounded to multiples of its inverse: sums stay below 2**53."""

_NEVER = np.float64(-1e9)

Whole = NDArray[np.int64]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class _Linear:
    """A matrix ready for use: whole numbers as float32, `(inputs, outputs)`, and a scale for each output."""

    whole: Floats
    scales: Floats

    @staticmethod
    def of(matrix: Matrix) -> _Linear:
        return _Linear(np.ascontiguousarray(matrix.whole.T.astype(np.float32)), matrix.scales)

    def of_normed(self, x: Floats) -> Floats:
        """Return the product with each row of `x`, `(rows, inputs)`, scaled to a root mean square of one."""
        whole = _rounded(x, _largest(x))
        squares = np.einsum("ij,ij->i", whole, whole)  # below 2**24, thus exact
        shrink = np.float32(x.shape[1] ** 0.5) / np.sqrt(np.maximum(squares, np.float32(1)))
        product: Floats = (whole @ self.whole) * self.scales
        product *= shrink[:, None]
        return product

    def of_plain(self, x: Floats) -> Floats:
        """Return the product with each row of `x`, `(rows, inputs)`."""
        largest = _largest(x)
        product: Floats = (_rounded(x, largest) @ self.whole) * self.scales
        product *= largest / _STEPS
        return product


@dataclass(frozen=True)
class _Block:
    qkv: _Linear
    out: _Linear
    up: _Linear
    down: _Linear


class Transformer:
    """The network of `agentarch.embedded.network`, from its shipped weights. It is never changed: threads may share it.

    Args:
        weights: of the network.
    """

    def __init__(self, weights: Weights) -> None:
        shape = weights.shape
        self.shape = shape
        matrices = {name: _Linear.of(matrix) for name, matrix in weights.matrices.items()}
        embedding = weights.matrices["embedding"].whole.astype(np.float32)
        self._embedding = embedding * _inverse_size(embedding)
        self._output = matrices["embedding"]
        self._blocks = [
            _Block(*(matrices[f"blocks.{layer}.{part}"] for part in ("qkv", "out", "up", "down")))
            for layer in range(shape.layers)
        ]
        half = shape.width // shape.heads // 2
        angles = np.arange(shape.context)[:, None] * 10_000.0 ** (-np.arange(half) / half)
        self._cos, self._sin = np.cos(angles)[:, None, :], np.sin(angles)[:, None, :]

    def read(self, texts: Sequence[Sequence[int]], rooms: int) -> tuple[Memory, Floats]:
        """Read texts, and return what is remembered of each and the logits of the word that follows it.

        Args:
            texts: numbers of words, each text of one or more.
            rooms: for how many further words the memory has room; with the longest text no more than the context.
        """
        lengths = np.array([len(text) for text in texts])
        longest = int(lengths.max())
        words = np.zeros((len(texts), longest), dtype=np.int64)
        for row, text in enumerate(texts):
            words[row, : len(text)] = text
        memory = Memory.empty(
            self.shape.layers, self.shape.heads, self.shape.width, len(texts), longest + rooms
        )
        x = self._run(words, np.zeros(len(texts), dtype=np.int64), memory)
        memory.lengths = lengths
        return memory, self._output.of_normed(x[np.arange(len(texts)), lengths - 1])

    def go_on(self, memory: Memory, words: Whole) -> Floats:
        """Take in one more word a text, `(texts,)`, and return the logits of the next, `(texts, words)`."""
        x = self._run(words[:, None], memory.lengths, memory)
        memory.lengths = memory.lengths + 1
        return self._output.of_normed(x[:, 0])

    def _run(self, words: Whole, starts: Whole, memory: Memory) -> Floats:
        """Return the residual stream, `(texts, new, width)`, at new words, `(texts, new)`, that begin at `starts`."""
        texts, new = words.shape
        width, heads = self.shape.width, self.shape.heads
        rows = texts * new
        places = starts[:, None] + np.arange(new)
        seen = int(places.max()) + 1
        hidden = np.where(np.arange(seen) <= places[:, :, None], 0.0, _NEVER)[:, None]
        cos, sin = self._cos[places], self._sin[places]
        at = np.arange(texts)[:, None], places
        x = self._embedding[words.reshape(rows)]
        for block, keys, values in zip(self._blocks, memory.keys, memory.values, strict=True):
            qkv = block.qkv.of_normed(x).reshape(texts, new, 3, heads, width // heads)
            keys[at] = _turned(qkv[:, :, 1], cos, sin)
            values[at] = np.rint(qkv[:, :, 2] * _FIXED)
            queries = _turned(qkv[:, :, 0], cos, sin)
            mixed = _attend(queries, keys[:, :seen], values[:, :seen], hidden)
            x = x + block.out.of_plain(mixed.reshape(rows, width))
            x = x + block.down.of_plain(np.maximum(block.up.of_normed(x), np.float32(0)))
        return x.reshape(texts, new, width)


@dataclass
class Memory:
    """Keys and values, in fixed point, of the words that texts have so far.

    Attributes:
        keys: one a layer, `(texts, rooms, heads, head_width)` float64.
        values: the same.
        lengths: of the texts, `(texts,)`.
    """

    keys: list[Doubles]
    values: list[Doubles]
    lengths: Whole

    @staticmethod
    def empty(layers: int, heads: int, width: int, texts: int, rooms: int) -> Memory:
        """Return a memory with room for so many words a text."""
        shape = (texts, rooms, heads, width // heads)
        return Memory(
            [np.zeros(shape) for _ in range(layers)],
            [np.zeros(shape) for _ in range(layers)],
            np.zeros(texts, dtype=np.int64),
        )

    def chosen(self, rows: Whole) -> Memory:
        """Return a memory of some of its texts, in the order given; a text may be taken many times."""
        return Memory(
            [part[rows] for part in self.keys], [part[rows] for part in self.values], self.lengths[rows]
        )


def _attend(queries: Doubles, keys: Doubles, values: Doubles, hidden: Doubles) -> Floats:
    """Return `(texts, new, heads, head_width)`: values mixed by how well their keys meet the queries."""
    scores = queries.transpose(0, 2, 1, 3) @ keys.transpose(0, 2, 3, 1)
    scores *= 1.0 / (_FIXED * _FIXED * np.sqrt(np.float64(queries.shape[-1])))
    scores += hidden
    scores -= scores.max(axis=-1, keepdims=True)
    shares = np.rint(np.exp(scores.astype(np.float32)) * np.float32(_FIXED)).astype(np.float64)
    mixed = shares @ values.transpose(0, 2, 1, 3)
    mixed /= shares.sum(axis=-1, keepdims=True) * _FIXED
    return mixed.transpose(0, 2, 1, 3).astype(np.float32)


def _turned(x: Floats, cos: Doubles, sin: Doubles) -> Doubles:
    """Return `(texts, new, heads, head_width)` turned by its places, in fixed point."""
    half = x.shape[-1] // 2
    left, right = x[..., :half], x[..., half:]
    turned = np.empty(x.shape)
    turned[..., :half] = left * cos - right * sin
    turned[..., half:] = left * sin + right * cos
    turned *= _FIXED
    return np.rint(turned, out=turned)


def _largest(x: Floats) -> Floats:
    """Return the largest magnitude of each row, `(rows, 1)`, never quite zero."""
    largest: Floats = np.maximum(np.abs(x).max(axis=1, keepdims=True), np.float32(1e-20))
    return largest


def _rounded(x: Floats, largest: Floats) -> Floats:
    """Return `x` in whole numbers from -255 to 255, a row's largest magnitude the largest of them."""
    whole: Floats = x * (_STEPS / largest)
    return np.rint(whole, out=whole)


def _inverse_size(whole: Floats) -> Floats:
    squares = np.einsum("ij,ij->i", whole, whole)
    size: Floats = np.float32(whole.shape[1] ** 0.5) / np.sqrt(squares)
    return size[:, None]
