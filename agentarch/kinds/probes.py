"""How a network mixes positions, measured from outside by changing one input and watching the outputs.

A finite-difference form of the Jacobian probe: nothing of the design's own code or claims is used, and the
probes travel among the scored inputs, which they resemble.

Two measures, both in [0, 1]:

- mixing range: how far an output reaches past its own position, on a logarithmic scale;
- content dependence: how much the pattern of who influences whom changes from one input to another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

BASES = 8
MAX_POSITIONS = 48
IMAGE_DIMENSIONS = 4


@dataclass(frozen=True)
class Probes:
    """Inputs to run, and where each stands.

    Attributes:
        inputs: the bases, then every base with one position changed, base by base:
            `(bases * (1 + positions), ...)`.
        bases: how many unchanged inputs there are.
        positions: the positions that were changed, `(positions,)`.
        length: positions of one input.
    """

    inputs: NDArray[np.generic]
    bases: int
    positions: NDArray[np.intp]
    length: int


def make_probes(inputs: NDArray[np.generic], rng: np.random.Generator) -> Probes:
    """Make probes from some of a task's own inputs.

    The changed position takes the value that another input has there, so it stays of the kind that belongs
    there; where all inputs agree it takes the value of another position.

    Args:
        inputs: `(items, length, ...)`, at least two items; of images, `(items, channels, height, width)`, every
            pixel is a position.
        rng: picks items, positions and replacements.
    """
    if inputs.ndim == IMAGE_DIMENSIONS:
        channels, height, width = inputs.shape[1:]
        probes = make_probes(np.moveaxis(inputs, 1, -1).reshape(len(inputs), height * width, channels), rng)
        pixels = probes.inputs.reshape(-1, height, width, channels)
        return replace(probes, inputs=np.moveaxis(pixels, -1, 1))
    count, length = min(BASES, len(inputs)), inputs.shape[1]
    bases = inputs[rng.choice(len(inputs), count, replace=False)]
    positions = np.sort(rng.choice(length, min(length, MAX_POSITIONS), replace=False))
    changed = np.repeat(bases[:, None], len(positions), axis=1)
    for row in range(count):
        for column, position in enumerate(positions):
            here = bases[row, position]
            others = inputs[:, position][_differ(inputs[:, position], here)]
            if len(others) == 0:
                others = bases[row][_differ(bases[row], here)]
            if len(others):
                changed[row, column, position] = others[rng.integers(len(others))]
    flat = changed.reshape(count * len(positions), *inputs.shape[1:])
    return Probes(np.concatenate([bases, flat]), count, positions, length)


def mixing_descriptors(predictions: NDArray[np.float32], probes: Probes) -> dict[str, float]:
    """Return `mixing_range` and `content_dependence` from the predictions for `probes.inputs`.

    Args:
        predictions: logits, `(len(probes.inputs), length, outputs)` or `(len(probes.inputs), outputs)`.
        probes: what was asked.
    """
    logits = predictions.astype(np.float64)
    if logits.ndim == 2:  # one output an input: it stands at no position
        logits = logits[:, None]
    base = logits[: probes.bases, None]
    changed = logits[probes.bases :].reshape(probes.bases, len(probes.positions), *logits.shape[1:])
    influence = np.linalg.norm(changed - base, axis=-1)  # (bases, changed positions, output positions)
    return {
        "mixing_range": _mixing_range(influence, probes),
        "content_dependence": _content_dependence(influence),
    }


def _mixing_range(influence: NDArray[np.float64], probes: Probes) -> float:
    """Influence-weighted distance from input to output, log-scaled so that the whole length is 1.

    An output's dependence on its own position says nothing of mixing and is left out. A single output for
    the whole input depends on a number of positions instead: the exponential of the entropy of its influence.
    """
    outputs = influence.shape[2]
    if outputs == 1:
        shares = influence.mean(axis=0)[:, 0]
        total = shares.sum()
        if total <= 0:
            return 0.0
        shares = shares[shares > 0] / total
        reach = float(np.exp(-(shares * np.log(shares)).sum())) * probes.length / len(probes.positions) - 1
    else:
        distance = np.abs(probes.positions[:, None] - np.arange(outputs)[None, :])
        weights = influence.mean(axis=0) * (distance > 0)
        if weights.sum() <= 0:
            return 0.0
        reach = float((weights * distance).sum() / weights.sum())
    return (
        float(np.clip(np.log1p(max(reach, 0.0)) / np.log(probes.length), 0, 1)) if probes.length > 1 else 0.0
    )


def _content_dependence(influence: NDArray[np.float64]) -> float:
    """Mean total-variation distance between one input's influence pattern and the average pattern."""
    totals = influence.sum(axis=1, keepdims=True)
    reached = (totals > 0).all(axis=0)[0]  # output positions that something moves, whatever the input
    if not reached.any():
        return 0.0
    patterns = influence[:, :, reached] / totals[:, :, reached]
    average = patterns.mean(axis=0, keepdims=True)
    return float(0.5 * np.abs(patterns - average).sum(axis=1).mean())


def _differ(values: NDArray[np.generic], one: NDArray[np.generic]) -> NDArray[np.bool_]:
    different: NDArray[np.bool_] = np.any((values != one).reshape(len(values), -1), axis=1)
    return different
