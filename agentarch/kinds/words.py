"""What people call the facts of each kind of design: the one place where tables and pages get such words from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """The words of one kind of design.

    Attributes:
        steps: what an evaluation spends, in the plural.
        size: what a design's size is called; for agents a descriptor of that name, for networks a fact of its own.
        size_unit: the size with what it is counted over.
        latency: what the time of one item is called.
        latency_measure: the measure that holds it, in seconds.
        latency_unit: the time with what it is taken over.
        latency_scale: how many of the units that it is shown in make a second.
        being_run: what happens to a design while it is evaluated.
        has_recipe: whether there is a learning rate to tune.
    """

    steps: str
    size: str
    size_unit: str
    latency: str
    latency_measure: str
    latency_unit: str
    latency_scale: float
    being_run: str
    has_recipe: bool


WORDS: Mapping[str, Words] = {
    "network": Words(
        steps="training steps",
        size="parameters",
        size_unit="parameters",
        latency="latency",
        latency_measure="latency_seconds",
        latency_unit="latency of one item, ms",
        latency_scale=1000.0,
        being_run="training",
        has_recipe=True,
    ),
    "agent": Words(
        steps="questions",
        size="tokens",
        size_unit="tokens a question",
        latency="critical path",
        latency_measure="critical_seconds",
        latency_unit="critical path of a question, s",
        latency_scale=1.0,
        being_run="asking",
        has_recipe=False,
    ),
}


def words_of(kind: object) -> Words:
    """Return the words of a kind of design; those of networks where a report does not say which."""
    return WORDS.get(str(kind), WORDS["network"])


def size_of(kind: object, parameters: int | None, descriptors: Mapping[str, float]) -> float | None:
    """Return a design's size in the unit of its kind: trainable parameters, or tokens a question."""
    if words_of(kind).size == "parameters":
        return parameters
    return descriptors.get(words_of(kind).size)
