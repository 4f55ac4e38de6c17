"""Metrics of raw predictions, one value an item, ready to be averaged with an interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agentarch.task import IGNORED_LABEL


def classification_metrics(
    predictions: NDArray[np.float32], labels: NDArray[np.integer]
) -> dict[str, NDArray[np.float64]]:
    """Return `accuracy` and `cross_entropy` (nats) of each item, averaged over its labelled positions.

    Args:
        predictions: logits, `(items, length, classes)` or `(items, classes)`.
        labels: `(items, length)` or `(items,)`; positions with `IGNORED_LABEL` do not count. Every item has
            at least one label.

    Returns:
        `accuracy` and `cross_entropy`, each `(items,)`.

    Raises:
        ValueError: an item has no label at all.
    """
    items = len(labels)
    logits = predictions.reshape(items, -1, predictions.shape[-1])
    targets = labels.reshape(items, -1)
    labelled = targets != IGNORED_LABEL
    counts = labelled.sum(axis=1)
    if not counts.all():
        raise ValueError(f"item {int(np.argmin(counts))} has no label to grade")
    rows, columns = np.nonzero(labelled)
    chosen, wanted = logits[rows, columns].astype(np.float64), targets[rows, columns]
    chosen -= chosen.max(axis=1, keepdims=True)
    log_total = np.log(np.exp(chosen).sum(axis=1))
    losses = log_total - chosen[np.arange(len(wanted)), wanted]
    hits = (chosen.argmax(axis=1) == wanted).astype(np.float64)
    return {
        "accuracy": np.bincount(rows, weights=hits, minlength=items) / counts,
        "cross_entropy": np.bincount(rows, weights=losses, minlength=items) / counts,
    }
