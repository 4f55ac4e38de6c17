"""What a proposer that learns has been told about its designs, each of which says by a constant what it is.

A run that goes on after a kill has lost what is here. What comes back by itself are the designs that a context shows,
with their scores: they are recognised by their source, and counted unless they were already.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeGuard, TypeVar

from agentarch.design import design_id
from agentarch.evaluation import Evaluation, Outcome, ScoredDesign
from agentarch.proposers.anatomy import NotRecombinableError
from agentarch.proposers.contract import Context
from agentarch.proposers.pipelines.reading import read_pipeline
from agentarch.proposers.pipelines.variation import KIND
from agentarch.syntax import parse

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
    """Matches evaluations to what was evaluated.

    Args:
        constant: the name of the constant that says what a design is.
        understand: returns the genes that the value of that constant stands for, None if for none.
    """

    def __init__(self, constant: str, understand: Callable[[Genes], G | None]) -> None:
        self._constant, self._understand = constant, understand
        self._genes: dict[str, G] = {}
        self._waiting: dict[str, list[Evaluation]] = {}
        self._counted: set[str] = set()

    def expect(self, source: str, genes: G) -> None:
        """Take note of a design that is about to be proposed."""
        self._genes[design_id(parse(source), KIND)] = genes

    def note(self, evaluation: Evaluation) -> list[Lesson[G]]:
        """Return what an evaluation teaches; nothing when it says nothing, or is not yet known of what."""
        identity = evaluation.request.design_id
        if evaluation.outcome is Outcome.INFRASTRUCTURE or evaluation.request.split != "search":
            return []
        if identity not in self._genes:
            self._waiting.setdefault(identity, []).append(evaluation)
            return []
        self._counted.add(identity)
        score = evaluation.score.value if evaluation.score else 0.0
        request = evaluation.request
        return [Lesson(self._genes[identity], (request.task, request.rung), score)]

    def recognise(self, context: Context) -> list[Lesson[G]]:
        """Return what the designs of a context teach that nothing was known of before."""
        lessons = []
        for one in (*context.parents, *context.inspirations):
            identity = one.design.id
            if identity not in self._genes and (genes := self._read(one)) is not None:
                self._genes[identity] = genes
                for evaluation in self._waiting.pop(identity, ()):
                    lessons += self.note(evaluation)
                if identity not in self._counted:
                    self._counted.add(identity)
                    lessons += [Lesson(genes, ("", rung), score.value) for rung, score in one.scores.items()]
        return lessons

    def _read(self, one: ScoredDesign) -> G | None:
        try:
            definition = read_pipeline(one.design.source).by_name.get(self._constant)
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
