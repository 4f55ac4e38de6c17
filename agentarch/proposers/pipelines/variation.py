"""From designs and operators to a proposal: what the proposers of pipelines have in common.

Guarantees that a proposal reads back as the pipeline that was meant, keeps to the caps as far as reading can tell, and
is not known to the run.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from agentarch.design import Design, Proposal, design_id
from agentarch.proposers.anatomy import NotRecombinableError
from agentarch.proposers.pipelines.calls import Calls, estimate_calls
from agentarch.proposers.pipelines.edits import Edit, Library, Material
from agentarch.proposers.pipelines.operators import OPERATORS, WEIGHTS
from agentarch.proposers.pipelines.reading import Pipeline, read_pipeline
from agentarch.proposers.pipelines.writing import MAX_SOURCE_BYTES, headline, short_name, told_calls, write
from agentarch.proposers.variation import plain_name
from agentarch.syntax import parse

KIND = "agent"
"""The kind of design that these proposers write."""

MAX_NESTING = 4
"""So many steps may lie within one another."""

_SMALL = r"(-(tune|temper|reword|rewire|unplug|drop))+$"


@dataclass(frozen=True)
class Variation:
    """A design after some edits.

    Attributes:
        pipeline: the changed design.
        name: of the new design.
        operators: the names of the operators applied, in order.
        accounts: what each did, in words.
        borrowed: the other designs that it was made from, each once.
    """

    pipeline: Pipeline
    name: str
    operators: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    borrowed: Library = ()


def material(design: Design) -> Material:
    """Take a design apart.

    Raises:
        NotRecombinableError: it cannot be.
    """
    name = re.sub(_SMALL, "", plain_name(design).lower())
    return Material(design.id, name, read_pipeline(design.source))


def library_of(designs: Iterable[Design]) -> Library:
    """Return those designs that can be taken apart, each once, in order."""
    materials: dict[str, Material] = {}
    for design in designs:
        if design.id not in materials:
            try:
                materials[design.id] = material(design)
            except NotRecombinableError:
                continue
    return tuple(materials.values())


def vary(
    parent: Material, library: Library, rng: random.Random, edits: int, operators: Collection[str] = OPERATORS
) -> Variation | None:
    """Apply some operators, one after the other.

    Returns:
        The changed design; None where an operator that was drawn does not apply or changes nothing.

    Raises:
        NotRecombinableError: two designs do not go together.
    """
    variation = Variation(parent.pipeline, parent.name)
    drawn = [*operators]
    for _ in range(edits):
        name = rng.choices(drawn, [WEIGHTS.get(one, 1.0) for one in drawn])[0]
        material = replace(parent, name=re.sub(_SMALL, "", variation.name), pipeline=variation.pipeline)
        edit: Edit | None = OPERATORS[name](material, library, rng)
        if edit is None or edit.pipeline == variation.pipeline:
            return None
        variation = Variation(
            edit.pipeline,
            short_name(edit.name),
            (*variation.operators, name),
            (*variation.accounts, edit.account),
            tuple(dict.fromkeys([*variation.borrowed, *edit.borrowed])),
        )
    return variation


def fits(
    pipeline: Pipeline, limits: Mapping[str, float], before: Pipeline | None, tokens: float | None
) -> bool:
    """Return whether a pipeline keeps to nesting and to the budget of a question, as far as reading can tell.

    Args:
        pipeline: what is to be proposed.
        limits: the most `calls` and `tokens` of a question.
        before: what it was made from, if anything.
        tokens: what that was measured to use, if it was.
    """
    if pipeline.nesting > MAX_NESTING:
        return False
    now = estimate_calls(pipeline)
    was = estimate_calls(before) if before else Calls()
    if now.least > limits.get("calls", now.least) or not now.typical:
        return False
    if now.typical > max(limits.get("calls", now.typical), was.typical):
        return False
    growth = now.typical / was.typical if was.typical else 1.0
    return tokens is None or tokens * growth <= max(limits.get("tokens", tokens * growth), tokens)


def written(
    pipeline: Pipeline,
    name: str,
    account: str,
    relatives: Iterable[tuple[str, str]],
    calls: float | None = None,
) -> str | None:
    """Return the source of a pipeline; None where it is too long or does not read back.

    Args:
        pipeline: what to write.
        name: of the design.
        account: how it was made, in a sentence.
        relatives: names and ids of what it was made from.
        calls: a question, where more is known than reading tells.
    """
    about = estimate_calls(pipeline).typical if calls is None else calls
    lineage = ", ".join(f"{relative} ({identity})" for relative, identity in relatives)
    paragraphs = [headline(name), account, told_calls(about)]
    source = write(pipeline, *paragraphs, *([f"Parents: {lineage}."] if lineage else []))
    if len(source.encode()) > MAX_SOURCE_BYTES:
        return None
    try:
        again = read_pipeline(source)
    except NotRecombinableError:
        return None
    return (
        source
        if [one.code for one in again.definitions] == [one.code for one in pipeline.definitions]
        else None
    )


def proposal(
    variation: Variation, account: str, proposer: str, operator: str, relatives: Iterable[tuple[str, str]]
) -> Proposal | None:
    """Return a variation as a proposal; None where it cannot be written."""
    related = {identity: name for name, identity in relatives}
    source = written(
        variation.pipeline, variation.name, account, ((name, one) for one, name in related.items())
    )
    if source is None:
        return None
    return Proposal(source, variation.name, account, proposer, operator, tuple(related))


def is_new(source: str, known: Collection[str]) -> bool:
    """Return whether a source is a design that the run has not seen; False for what cannot be read."""
    try:
        return design_id(parse(source), KIND) not in known
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def first_new(
    draw: Callable[[int], Proposal | None], attempts: int, known: Collection[str]
) -> Proposal | None:
    """Return the first proposal, of those drawn one after the other, that the run has not seen.

    Args:
        draw: given the number of the attempt; may raise `NotRecombinableError`.
        attempts: how often it is asked.
        known: ids of what the run has seen.
    """
    for attempt in range(attempts):
        try:
            drawn = draw(attempt)
        except NotRecombinableError:  # two designs that do not go together
            continue
        if drawn and is_new(drawn.source, known):
            return drawn
    return None
