"""Whether labels can be read off inputs without mixing anything: by one place of an input alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from agentarch.task import IGNORED_LABEL, Data, Spec

BINS = 32
"""Into so many values of equal frequency a real-valued feature is cut before labels are looked up by it."""


def lookups(data: Data, spec: Spec) -> Iterator[tuple[float, str]]:
    """Yield how far looking labels up by one place of an input leads, and which place it is.

    Where there is one label an item, each place of the input is tried; where there is one a position, what stands
    there. What label is common with a value is learnt from the training items and judged on the scored ones.
    """
    if spec.output == "one":
        pairs = zip(
            _places(data.train_inputs), _places(data.inputs), strict=False
        )  # trained may be shorter than scored
        for place, (known, asked) in enumerate(pairs):
            gain = _gain(known, data.train_labels, asked, data.labels)
            yield gain, f"feature {place} of an input"
        return
    positions = data.labels.shape[1]  # of an image there is one label a row, and nothing is looked up
    if spec.kind in ("tokens", "series") and data.inputs.shape[1] == positions:
        channels = zip(_channels(data.train_inputs), _channels(data.inputs), strict=True)
        for known, asked in channels:
            gain = _gain(known, data.train_labels.ravel(), asked, data.labels.ravel())
            yield gain, "what stands at the position of a label"


def _channels(inputs: NDArray[np.generic]) -> list[NDArray[np.generic]]:
    """Return what each channel holds, `(items * positions,)` each."""
    return list(inputs.reshape(inputs.shape[0] * inputs.shape[1], -1).T)


def _places(inputs: NDArray[np.generic]) -> list[NDArray[np.generic]]:
    """Return what each place of the inputs holds, `(items,)` each."""
    return list(inputs.reshape(len(inputs), -1).T)


def _gain(
    known: NDArray[np.generic],
    known_labels: NDArray[np.integer],
    asked: NDArray[np.generic],
    labels: NDArray[np.integer],
) -> float:
    """Return how far from guessing (0) to knowing (1) it leads to take the label that was commonest with a value.

    Args:
        known: values to learn from, `(items,)`.
        known_labels: theirs.
        asked: values to be judged by, `(items,)`.
        labels: theirs.
    """
    told, wanted = known_labels != IGNORED_LABEL, labels != IGNORED_LABEL
    cuts = np.unique(known[told])
    if np.issubdtype(known.dtype, np.floating) and len(cuts) > BINS:
        cuts = np.unique(np.quantile(known[told], np.linspace(0, 1, BINS + 1)[1:-1]))
    counts = np.zeros((len(cuts) + 1, int(max(known_labels[told].max(), labels[wanted].max())) + 1))
    np.add.at(counts, (np.searchsorted(cuts, known[told]), known_labels[told]), 1)
    counts += counts.sum(axis=0) / counts.sum()  # a value that was never seen gets the commonest label
    guess = counts.argmax(axis=1)[np.searchsorted(cuts, asked[wanted])]
    commonest = float(np.bincount(labels[wanted]).max() / np.count_nonzero(wanted))
    hits = float((guess == labels[wanted]).mean())
    return (hits - commonest) / (1 - commonest) if commonest < 1 else 0.0
