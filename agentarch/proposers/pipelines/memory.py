"""What a proposer that learns is taught by evaluations of its designs, each of which says by a constant what it is."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeGuard, TypeVar

from agentarch.design import Design
from agentarch.evaluation import Evaluation, Outcome
from agentarch.proposers.anatomy import NotRecombinableError
from agentarch.proposers.pipelines.reading import read_pipeline

G = TypeVar("G")
Genes = tuple[tuple[object, ...], ...]


@dataclass(frozen=True)
class Lesson(Generic[G]):
    """A score of one design.

    Attributes:
        genes: what the design is.
        terms: the task and rung of the score; only scores of equal terms can be compared.
        score: 0 for a design that failed.
    """

    genes: G
    terms: tuple[str, int]
    score: float


class Memory(Generic[G]):
    """Reads what was evaluated from designs, once each.

    Args:
        constant: the name of the constant that says what a design is.
        understand: returns the genes that the value of that constant stands for, None if for none.
    """

    def __init__(self, constant: str, understand: Callable[[Genes], G | None]) -> None:
        self._constant, self._understand = constant, understand
        self._genes: dict[str, G | None] = {}

    def lesson(self, evaluation: Evaluation, design: Design) -> Lesson[G] | None:
        """Return what an evaluation teaches; None where it says nothing of a design, or the design bears no genes."""
        request = evaluation.request
        if evaluation.outcome is Outcome.INFRASTRUCTURE or request.split != "search":
            return None
        if design.id not in self._genes:
            self._genes[design.id] = self._read(design)
        genes = self._genes[design.id]
        score = evaluation.score.value if evaluation.score else 0.0
        return None if genes is None else Lesson(genes, (request.task, request.rung), score)

    def _read(self, design: Design) -> G | None:
        try:
            definition = read_pipeline(design.source).by_name.get(self._constant)
            value = ast.literal_eval(definition.value) if definition and definition.value else None
        except (NotRecombinableError, ValueError):
            return None
        return self._understand(value) if is_genes(value) else None


def is_genes(value: object) -> TypeGuard[Genes]:
    """Whether a value is a tuple of tuples of texts and whole numbers."""
    return isinstance(value, tuple) and all(
        isinstance(one, tuple) and all(isinstance(part, str | int) for part in one) for one in value
    )


def listed(genes: Iterable[tuple[object, ...]]) -> str:
    """Return genes as Python, one a line."""
    lines = (
        "    (" + ", ".join(f'"{part}"' if isinstance(part, str) else str(part) for part in one) + "),"
        for one in genes
    )
    return "(\n" + "\n".join(lines) + "\n)"
