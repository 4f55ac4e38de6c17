"""Whether a network's predictions may be believed, decided from raw predictions alone.

Two things are looked at in every evaluation, on copies of scored inputs that another box is asked about: that an output
of a causal task does not move when later inputs are changed, and that the prediction for an input does not depend on
the other inputs of its batch. Nothing of the design's own code or claims is used.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agentarch.kinds.probes import Probes

TOLERANCE = 1e-4
"""How far a logit may move, in units of how far a typical logit is from the middle of its position's classes.

The kernels that torch chooses for another batch size move logits of the shipped designs by about 1e-6 of that."""

MOST_MOVED = 0.01
"""Share of comparisons that may be off all the same: rounding can tip a design that decides by a hard threshold."""


def peeks(first: NDArray[np.float32], again: NDArray[np.float32], probes: Probes) -> str:
    """Return why a network looks ahead, or an empty string.

    Copies with another end and copies with one position changed are judged apart, so that many of the one cannot excuse
    some of the other.

    Args:
        first: logits for the originals of the probes, `(copies, length, outputs)`.
        again: for the probes.
        probes: of a causal task.
    """
    moved = _differs(first.astype(np.float64), again.astype(np.float64))  # (copies, output positions)
    moved &= np.arange(moved.shape[1])[None, :] < probes.starts[:, None]
    for chosen in (probes.cut, probes.single):
        rows = np.flatnonzero(chosen & moved.any(axis=1))
        if len(rows) > MOST_MOVED * np.count_nonzero(chosen & (probes.starts > 0)):
            return (
                f"its output at position {int(moved[rows[0]].argmax())} moved when the later input at position "
                f"{probes.starts[rows[0]]} was changed; in a causal task an output may depend on its own and earlier "
                "positions only (mask the attention, shift the convolution)"
            )
    return ""


def leaks(first: NDArray[np.float32], again: NDArray[np.float32]) -> str:
    """Return why a network's predictions depend on the rest of their batch, or an empty string.

    Args:
        first: logits for some inputs, `(items, length, outputs)` or `(items, outputs)`.
        again: for the same inputs in another box, among others.
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
