"""Whether a network's predictions may be believed, decided from raw predictions alone.

Two things are looked at in every evaluation, on inputs that travel shuffled among the scored ones: that an output of a
causal task does not move when a later input is changed, and that the prediction for an input does not depend on the
other inputs of its batch. Nothing of the design's own code or claims is used.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agentarch.kinds.probes import Probes

REPEATED_ITEMS = 64
"""So many scored inputs are asked twice, in other company."""

TOLERANCE = 1e-4
"""How far a logit may move, in units of how far a typical logit is from the middle of its position's classes.

The kernels that torch chooses for another batch size move logits of the shipped designs by about 1e-6 of that."""

MOST_MOVED = 0.01
"""Share of comparisons that may be off all the same: rounding can tip a design that decides by a hard threshold."""


def peeks(predictions: NDArray[np.float32], probes: Probes) -> str:
    """Return why a network looks ahead, or an empty string.

    Args:
        predictions: logits for `probes.inputs`, `(items, length, outputs)`.
        probes: of a causal task.
    """
    base = predictions[: probes.bases, None].astype(np.float64)
    changed = predictions[probes.bases :].reshape(probes.bases, len(probes.positions), *base.shape[2:])
    moved = _differs(base, changed.astype(np.float64))  # (bases, changed positions, output positions)
    earlier = np.arange(base.shape[2])[None, :] < probes.positions[:, None]
    moved &= earlier
    comparable = probes.bases * int(earlier.any(axis=1).sum())
    if moved.any(axis=2).sum() <= MOST_MOVED * comparable:
        return ""
    _, column, output = np.argwhere(moved)[0]
    return (
        f"its output at position {output} moved when the later input at position {probes.positions[column]} was "
        "changed; in a causal task an output may depend on its own and earlier positions only (mask the attention, "
        "shift the convolution)"
    )


def leaks(first: NDArray[np.float32], again: NDArray[np.float32]) -> str:
    """Return why a network's predictions depend on the rest of their batch, or an empty string.

    Args:
        first: logits for some inputs, `(items, length, outputs)` or `(items, outputs)`.
        again: for the same inputs in other batches.
    """
    moved = _differs(first.astype(np.float64), again.astype(np.float64))
    off = int(moved.reshape(len(first), -1).any(axis=1).sum())
    if off <= MOST_MOVED * len(first):
        return ""
    return (
        f"{off} of {len(first)} inputs got another prediction in another batch; a prediction may depend on its own "
        "input only (no statistics over the batch at evaluation, no memory between batches, no chance)"
    )


def _differs(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return where the decision, or a logit by more than the tolerance, is another; without the last axis.

    The scale is that of the typical class, so that one huge logit of a class that never wins hides nothing.
    """
    spread = np.abs(one - np.median(one, axis=-1, keepdims=True))
    scale = float(np.median(spread[spread > 0])) if (spread > 0).any() else 0.0
    moved: NDArray[np.bool_] = np.abs(one - other).max(axis=-1) > TOLERANCE * scale
    flipped: NDArray[np.bool_] = one.argmax(axis=-1) != other.argmax(axis=-1)
    return moved | flipped
