"""How a network mixes positions, measured from outside by changing an input and watching the outputs.

A finite-difference form of the Jacobian probe; nothing of the design's own code or claims is used. Every probe is a
copy of one scored input, and the two are asked in different boxes: no box sees two inputs that are alike, so that
a design cannot tell a probe from what it is scored on and answer it otherwise.

Three kinds of copy are made: the same input again, to see whether a prediction depends on its company; in a causal
task, the same beginning with another input's end, to see whether it looks ahead; and the input with one position
changed, for two measures in [0, 1]:

- mixing range: how far an output reaches past its own position, on a logarithmic scale;
- content dependence: how much the pattern of which outputs a position influences changes from one input to another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COPIES_OF_A_KIND = 64
"""So many inputs are asked again as they are, and so many with another end."""

CHANGED_COPIES = 384
FEWEST_POSITIONS, MAX_POSITIONS, COPIES_A_POSITION = 4, 48, 8
IMAGE_DIMENSIONS = 4


@dataclass(frozen=True)
class Probes:
    """Copies of inputs, each changed from one position up to another.

    Attributes:
        originals: the row of the input that each is a copy of, none twice, `(copies,)`.
        inputs: the copies, `(copies, length, ...)` or `(copies, channels, height, width)`.
        starts: the first position that is changed, `(copies,)`; the length where none is.
        ends: the position after the last that is changed, `(copies,)`.
        length: positions of one input.
    """

    originals: NDArray[np.intp]
    inputs: NDArray[np.generic]
    starts: NDArray[np.intp]
    ends: NDArray[np.intp]
    length: int

    @property
    def same(self) -> NDArray[np.bool_]:
        """Which copies are not changed, `(copies,)`."""
        found: NDArray[np.bool_] = self.starts == self.ends
        return found

    @property
    def single(self) -> NDArray[np.bool_]:
        """Which have one position changed, `(copies,)`."""
        return ~self.same & ~self.cut

    @property
    def cut(self) -> NDArray[np.bool_]:
        """Which have another end, `(copies,)`."""
        found: NDArray[np.bool_] = (self.ends == self.length) & (self.starts < self.length - 1)
        return found


def make_probes(inputs: NDArray[np.generic], is_causal: bool, rng: np.random.Generator) -> Probes:
    """Make probes from the scored inputs of a task, from each at most one.

    What is changed takes the values that another input has there, so that it stays of the kind that belongs there;
    where all inputs agree it takes the value of another position.

    Args:
        inputs: `(items, length, ...)`, at least two items; of images, `(items, channels, height, width)`, every
            pixel is a position.
        is_causal: whether copies with another end are wanted.
        rng: picks items, positions and replacements.
    """
    if inputs.ndim == IMAGE_DIMENSIONS:
        channels, height, width = inputs.shape[1:]
        flat = make_probes(
            np.moveaxis(inputs, 1, -1).reshape(len(inputs), height * width, channels), False, rng
        )
        pixels = flat.inputs.reshape(-1, height, width, channels)
        return Probes(flat.originals, np.moveaxis(pixels, -1, 1), flat.starts, flat.ends, flat.length)
    length, wants_cut = inputs.shape[1], is_causal and inputs.shape[1] > 2
    few = min(COPIES_OF_A_KIND, len(inputs) // 4)
    singles = min(CHANGED_COPIES, len(inputs) - few * (2 if wants_cut else 1))
    starts = np.concatenate(
        [
            np.full(few, length),
            rng.integers(1, length - 1, few if wants_cut else 0),
            _positions(length, singles, rng),
        ]
    )
    ends = np.concatenate([np.full(len(starts) - singles, length), starts[len(starts) - singles :] + 1])
    originals = rng.choice(len(inputs), len(starts), replace=False)
    copies = inputs[originals]
    for copy, original, start, end in zip(copies, originals, starts, ends, strict=True):
        if start < end:
            copy[start:end] = _other(inputs, original, start, end, rng)
    return Probes(originals, copies, starts, ends, length)


def two_sides(items: int, probes: Probes, rng: np.random.Generator) -> tuple[NDArray[np.intp], ...]:
    """Return which rows each of two boxes is asked about, in random order; a probe is not where its original is.

    Args:
        items: how many scored inputs there are; their rows come first, those of the probes after them.
        probes: of these inputs.
        rng: deals them out.
    """
    side = rng.permutation(np.arange(items) % 2)
    every = np.concatenate([side, 1 - side[probes.originals]])
    return tuple(rng.permutation(np.flatnonzero(every == one)) for one in (0, 1))


def mixing_descriptors(
    first: NDArray[np.float32], again: NDArray[np.float32], probes: Probes
) -> dict[str, float]:
    """Return `mixing_range` and `content_dependence`.

    Args:
        first: logits for the originals of the probes, `(copies, length, outputs)` or `(copies, outputs)`.
        again: for the probes.
        probes: what was asked.
    """
    chosen = probes.single
    moved = np.linalg.norm(again[chosen].astype(np.float64) - first[chosen].astype(np.float64), axis=-1)
    influence = moved.reshape(len(moved), -1)  # (copies, output positions); one output stands at no position
    positions, which = np.unique(probes.starts[chosen], return_inverse=True)
    average = np.stack([influence[which == number].mean(axis=0) for number in range(len(positions))])
    return {
        "mixing_range": _mixing_range(average, positions, probes.length),
        "content_dependence": _content_dependence(influence, which, average),
    }


def _positions(length: int, copies: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return which position each copy has changed: a few positions, several copies for each."""
    count = min(length, MAX_POSITIONS, max(FEWEST_POSITIONS, copies // COPIES_A_POSITION))
    chosen = np.sort(rng.choice(length, count, replace=False))
    return chosen[np.arange(copies) % count]


def _other(
    inputs: NDArray[np.generic], row: int, start: int, end: int, rng: np.random.Generator
) -> NDArray[np.generic]:
    """Return something else for some positions of one input."""
    here = inputs[row, start:end]
    others = inputs[:, start:end][_differ(inputs[:, start:end], here)]
    if len(others):
        chosen: NDArray[np.generic] = others[rng.integers(len(others))]
        return chosen
    elsewhere = inputs[row][_differ(inputs[row], here[0])]
    return elsewhere[rng.integers(len(elsewhere))][None] if len(elsewhere) else here


def _mixing_range(influence: NDArray[np.float64], positions: NDArray[np.intp], length: int) -> float:
    """Influence-weighted distance from input to output, log-scaled so that the whole length is 1.

    An output's dependence on its own position says nothing of mixing and is left out. A single output for
    the whole input depends on a number of positions instead: the exponential of the entropy of its influence.

    Args:
        influence: `(changed positions, output positions)`.
        positions: those that were changed.
        length: of an input.
    """
    outputs = influence.shape[1]
    if length < 2:
        return 0.0
    if outputs == 1:
        shares = influence[:, 0] / (influence.sum() or 1.0)
        shares = shares[shares > 0]
        reach = (
            float(np.exp(-(shares * np.log(shares)).sum())) * length / len(positions) - 1
            if len(shares)
            else 0.0
        )
    else:
        distance = np.abs(positions[:, None] - np.arange(outputs)[None, :])
        weights = influence * (distance > 0)
        reach = float((weights * distance).sum() / (weights.sum() or 1.0))
    return float(np.clip(np.log1p(max(reach, 0.0)) / np.log(length), 0, 1))


def _content_dependence(
    influence: NDArray[np.float64], which: NDArray[np.intp], average: NDArray[np.float64]
) -> float:
    """Mean total-variation distance between one copy's pattern of influence and the average for its position.

    Where there is one output, how much of it is moved stands for the pattern.

    Args:
        influence: `(copies, output positions)`.
        which: changed position each copy has, by number.
        average: over copies, `(changed positions, output positions)`.
    """
    expected = average[which]
    if influence.shape[1] > 1:
        totals = influence.sum(axis=1, keepdims=True)
        patterns = np.divide(influence, totals, out=np.zeros_like(influence), where=totals > 0)
        expected = np.stack([patterns[which == number].mean(axis=0) for number in range(len(average))])[which]
        influence = patterns
    scale = expected.sum(axis=1)
    reached = scale > 0
    if not reached.any():
        return 0.0
    distance = 0.5 * np.abs(influence - expected).sum(axis=1)
    return float((distance[reached] / scale[reached]).mean())


def _differ(values: NDArray[np.generic], one: NDArray[np.generic]) -> NDArray[np.bool_]:
    different: NDArray[np.bool_] = np.any((values != one).reshape(len(values), -1), axis=1)
    return different
