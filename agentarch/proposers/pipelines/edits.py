"""What operators take and give: a library of pipelines, and an edit with its account."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from agentarch.proposers.pipelines.reading import Pipeline


@dataclass(frozen=True)
class Material:
    """A design to take parts from.

    Attributes:
        identity: the design's id.
        name: in letters, digits and hyphens.
        pipeline: the design taken apart.
    """

    identity: str
    name: str
    pipeline: Pipeline


Library = tuple[Material, ...]


@dataclass(frozen=True)
class Edit:
    """What an operator made of a pipeline.

    Attributes:
        pipeline: the changed pipeline.
        account: what was done, as in "made by voting over 3 attempts".
        name: of the new design, as words; those of the parent are among them.
        borrowed: what else it was made from.
    """

    pipeline: Pipeline
    account: str
    name: tuple[str, ...]
    borrowed: Library = ()


Operator = Callable[[Material, Library, random.Random], Edit | None]
"""Changes a design; deterministic in its arguments; None where it does not apply.

May raise `NotRecombinableError` where two designs do not go together.
"""
