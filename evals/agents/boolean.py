"""Nested boolean expressions.

Source: the task `boolean_expressions` of Suzgun et al., "Challenging BIG-Bench Tasks and Whether Chain-of-Thought Can
Solve Them", 2022; the drawing of expressions is our own.
"""

from agentarch.questions import MadeTask
from agentarch.task import QuestionRung


class Boolean(MadeTask):
    """An expression of `and`, `or`, `not` and brackets; the label is `True` or `False`.

    Each is drawn from its value down to its leaves, so that no operator at the top gives the value away. A design's own
    code can evaluate it without a model; one that never asks a model is not scored. Telling designs apart: those that
    have a model work from the inside outwards, or vote, against those that ask for the value at once.
    """

    name = "boolean"
    description = "evaluate a nested boolean expression; needs work from the inside outwards"
    answer_form = "True or False."
    chance = 0.5
    rungs = (
        QuestionRung(8, size={"leaves": 6}),
        QuestionRung(50, size={"leaves": 8}),
        QuestionRung(100, size={"leaves": 12}),
        QuestionRung(200, size={"leaves": 18}),
    )

    def item(self, rng, size):
        value = rng.random() < 0.5
        expression = _drawn(rng, value, size["leaves"])
        return f"What is the value of this expression?\n\n{expression}", str(value)


def _drawn(rng, value, leaves):
    """Return an expression of a value with so many leaves."""
    if rng.random() < 0.25:
        return f"not {_drawn_bare(rng, not value, leaves)}"
    return _drawn_bare(rng, value, leaves)


def _drawn_bare(rng, value, leaves):
    if leaves == 1:
        return str(value)
    operator = rng.choice(("and", "or"))
    decided = operator == "and"  # the value that both sides must have for the whole to have it
    sides = (value, value) if value == decided else rng.choice(((True, False), (False, True), (value, value)))
    first = rng.randint(1, leaves - 1)
    parts = [_drawn(rng, *part) for part in zip(sides, (first, leaves - first), strict=True)]
    return f"( {parts[0]} {operator} {parts[1]} )"
