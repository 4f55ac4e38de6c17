"""What a model's answer comes to: a draft of a design, or a fault that the model can mend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Form = Literal["file", "edits", "template"]
"""What an answer holds: a whole file, edits of the first parent, or a file with holes and values for them."""

FORMS: tuple[Form, ...] = ("file", "edits", "template")


class AnswerFault(ValueError):
    """An answer that nothing can be made of; the message is one line that tells the model what to do otherwise."""


@dataclass(frozen=True)
class Hole:
    """A place in a template that is filled with one of some values.

    Attributes:
        name: lower-case letters, digits and underscores; stands in the template as `${name}`.
        values: from 2 to 8, each different; Python text.
    """

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Draft:
    """A design that a model proposes, not yet screened. Every text in it is hostile.

    Attributes:
        source: the whole file, at most `agentarch.design.MAX_SOURCE_BYTES` of valid text; need not be Python.
        name: 1 to 40 letters, digits, hyphens and underscores.
        rationale: one printable line, at most 600 characters.
        claim: one printable line, at most 200 characters; empty for none.
        predicted_change: of the score against the first parent, in [-1, 1]; None where nothing was predicted.
        builds_on: ids of lessons that the model says it used.
        form: what was answered, which need not be what was asked.
        template: the file with its holes; empty for other forms.
        holes: of the template. `source` has the first value in each.
    """

    source: str
    name: str
    rationale: str = ""
    claim: str = ""
    predicted_change: float | None = None
    builds_on: tuple[str, ...] = ()
    form: Form = "file"
    template: str = ""
    holes: tuple[Hole, ...] = ()


@dataclass(frozen=True)
class Reflection:
    """What a model says of a draft before anything is spent on it.

    Attributes:
        verdict: whether it is worth evaluating as it is.
        is_novel: whether it differs in kind from what is known.
        is_correct: whether it will build, train and serve every task.
        is_cheaper: whether it costs less than the parent.
        peeks: whether a prediction may depend on later positions or on other items of the batch.
        hard_codes: whether it holds answers instead of learning them.
        concerns: one printable line each.

    Each but the verdict and the concerns is None where the model does not say.
    """

    verdict: Literal["accept", "revise"]
    is_novel: bool | None = None
    is_correct: bool | None = None
    is_cheaper: bool | None = None
    peeks: bool | None = None
    hard_codes: bool | None = None
    concerns: tuple[str, ...] = ()
