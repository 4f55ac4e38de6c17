"""Weights as they are shipped: whole numbers with a scale for each output, in a safetensors file that says what it is.

A file is read whole and checked before anything is computed from it. Knows shapes and numbers, not what they do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from agentarch.errors import AgentarchError

FORMAT = "agentarch-embedded-2"
_ABOUT = "about"
"""The one entry of a file's metadata: safetensors writes several in an order of chance."""

LARGEST = 127
"""Of the whole numbers that stand for weights."""

Floats = NDArray[np.float32]
Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True)
class Shape:
    """How large a network is.

    Attributes:
        words: in its vocabulary.
        width: of its residual stream.
        heads: of its attention.
        hidden: width of its feed-forward.
        layers: how many blocks.
        context: the longest text it was trained on, in words.
    """

    words: int
    width: int = 96
    heads: int = 4
    hidden: int = 384
    layers: int = 3
    context: int = 128

    def matrices(self) -> dict[str, tuple[int, int]]:
        """Return the shape, (outputs, inputs), of every matrix by name."""
        width, hidden = self.width, self.hidden
        shapes = {"embedding": (self.words, width)}
        for layer in range(self.layers):
            shapes[f"blocks.{layer}.qkv"] = (3 * width, width)
            shapes[f"blocks.{layer}.out"] = (width, width)
            shapes[f"blocks.{layer}.up"] = (hidden, width)
            shapes[f"blocks.{layer}.down"] = (width, hidden)
        return shapes


@dataclass(frozen=True)
class Matrix:
    """A matrix in whole numbers.

    Attributes:
        whole: `(outputs, inputs)` int8.
        scales: `(outputs,)` float32; a row's weights are its whole numbers times its scale.
    """

    whole: NDArray[np.int8]
    scales: Floats


@dataclass(frozen=True)
class Weights:
    """All there is to a trained model.

    Attributes:
        world: name of the world it was trained on.
        world_seed: what that world is made from.
        fingerprint: of that world's facts.
        shape: of the network.
        matrices: by name, as `Shape.matrices` lists them.
    """

    world: str
    world_seed: int
    fingerprint: str
    shape: Shape
    matrices: Mapping[str, Matrix]


def in_whole_numbers(matrix: Floats) -> Matrix:
    """Round a matrix, `(outputs, inputs)`, to whole numbers with a scale for each output."""
    scales = np.maximum(np.abs(matrix).max(axis=1), 1e-12).astype(np.float32) / np.float32(LARGEST)
    return Matrix(np.rint(matrix / scales[:, None]).astype(np.int8), scales)


def write_weights(path: Path, weights: Weights) -> None:
    """Write a weights file: the same bytes for the same weights."""
    tensors: dict[str, NDArray[np.generic]] = {}
    for name, matrix in weights.matrices.items():
        tensors[name] = matrix.whole
        tensors[f"{name}.scales"] = matrix.scales
    about = {
        "format": FORMAT,
        "world": weights.world,
        "world_seed": weights.world_seed,
        "fingerprint": weights.fingerprint,
        "shape": asdict(weights.shape),
    }
    save_file(tensors, path, metadata={_ABOUT: json.dumps(about)})


def read_weights(path: Path) -> Weights:
    """Read a weights file.

    Raises:
        AgentarchError: it is missing, damaged, or not such a file.
    """
    remedy = (
        "install agentarch again, or make it anew with `python -m agentarch.embedded.train --world "
        f"{path.stem} --out {path.parent}`"
    )
    if not path.is_file():
        raise AgentarchError(f"the embedded model's weights {path} are missing; {remedy}")
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {}).get(_ABOUT, "{}"))
            if about.get("format") != FORMAT:
                raise ValueError(f"its format is {about.get('format')!r}, expected {FORMAT!r}")
            shape = Shape(**about["shape"])
            matrices = {
                name: Matrix(
                    _checked(file.get_tensor(name), np.int8, expected),
                    _checked(file.get_tensor(f"{name}.scales"), np.float32, expected[:1]),
                )
                for name, expected in shape.matrices().items()
            }
            return Weights(about["world"], about["world_seed"], about["fingerprint"], shape, matrices)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise AgentarchError(
            f"the embedded model's weights {path} cannot be used: {error}; {remedy}"
        ) from error


def _checked(tensor: NDArray[Number], kind: type[Number], shape: tuple[int, ...]) -> NDArray[Number]:
    if tensor.dtype != kind or tensor.shape != shape:
        raise ValueError(f"a tensor is {tensor.dtype} {tensor.shape}, expected {np.dtype(kind)} {shape}")
    if tensor.dtype == np.float32 and not np.isfinite(tensor).all():
        raise ValueError("a scale is not a finite number")
    return tensor
