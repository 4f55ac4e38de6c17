"""Named sets of tasks, so that a search can be told how much to ask of a design in one word."""

from __future__ import annotations

from dataclasses import dataclass

from agentarch.errors import unknown_name


@dataclass(frozen=True)
class Suite:
    """Tasks that are scored together.

    Attributes:
        name: what stands for them.
        description: one line: what it is for.
        tasks: their names, in order.
        top_rung: the highest that a design climbs to.
        evaluations: budget of a run that names no other.
        confirm_seeds: training seeds of each confirmation at the end.
        kind: of the designs that it is for.
    """

    name: str
    description: str
    tasks: tuple[str, ...]
    top_rung: int
    evaluations: int
    confirm_seeds: int
    kind: str = "network"


SUITES = (
    Suite(
        name="quick",
        description="two tasks that pull apart; for a first look of a few minutes",
        tasks=("recall", "parity"),
        top_rung=2,
        evaluations=120,
        confirm_seeds=3,
    ),
    Suite(
        name="standard",
        description="eight tasks, one for each thing a design can be good at; for a night",
        tasks=("recall", "parity", "fuzzy_recall", "stack", "compress", "automaton", "series", "text"),
        top_rung=2,
        evaluations=2000,
        confirm_seeds=9,
    ),
    Suite(
        name="full",
        description="every task; for a verdict that is to hold everywhere",
        tasks=(
            *(
                "recall",
                "parity",
                "copy",
                "series",
                "noisy_recall",
                "fuzzy_recall",
                "compress",
                "memorize",
                "stack",
            ),
            *(
                "recursion",
                "automaton",
                "sort",
                "digits",
                "series_shuffled",
                "text",
                "graph",
                "continual",
                "table",
            ),
        ),
        top_rung=3,
        evaluations=6000,
        confirm_seeds=5,
    ),
    Suite(
        name="world",
        description="multi-hop questions on the embedded model; needs no key",
        tasks=("world",),
        top_rung=2,
        evaluations=320,
        confirm_seeds=3,
        kind="agent",
    ),
)
"""From the cheapest to the dearest, kind by kind."""


def default_suite(kind: str) -> str:
    """Return the name of the suite that a run takes when it names neither one nor tasks.

    Raises:
        UsageError: there is none for this kind of design.
    """
    for suite in SUITES:
        if suite.kind == kind:
            return suite.name
    raise unknown_name("kind of design", kind, {suite.kind for suite in SUITES})


def find_suite(name: str, kind: str) -> Suite:
    """Return the suite of a name, for a kind of design.

    Raises:
        UsageError: there is none; the message names the nearest.
    """
    known = {suite.name: suite for suite in SUITES if suite.kind == kind}
    if name not in known:
        raise unknown_name("suite", name, known)
    return known[name]
