"""Prompt packs: templates that users can read and edit, made into prompts that fit their bound.

Guarantees that every prompt stays within its tokens however large the archive is, that what others wrote stands
between markers whoever wrote the templates, and that the same briefing and nonce give the same prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from agentarch.errors import UsageError, unknown_name
from agentarch.fencing import RULE, Fence
from agentarch.meta.briefing import Briefing
from agentarch.meta.checking import EMPTY, FULL, SAMPLE_DRAFT, check_templates
from agentarch.meta.draft import Draft, Form
from agentarch.meta.packfiles import Operator, PackFiles, read_files, read_operators
from agentarch.meta.rendering import Renderer
from agentarch.meta.tokens import cut_in_the_middle, estimate_tokens
from agentarch.meta.trimming import Allowance, largest_that_fits
from agentarch.meta.views import Telling, capped, stable_view

MAX_TOKENS = 24_000
"""How long a prompt may be, by `agentarch.meta.tokens.estimate_tokens`, where nobody says otherwise."""

_FRAME_TOKENS = 32  # what a provider puts around a system prompt and a message
_MOST_FINDINGS = 24
_MOST_OF_SYSTEM = 0.35  # of a prompt; nothing but tasks and rules of thousands of words comes near it
_SHARES = (1.0, 0.5, 0.2, 0.0)

_Variables = Callable[[Telling, Allowance], Mapping[str, Any]]


@dataclass(frozen=True)
class Prompt:
    """A question to a language model.

    Attributes:
        system: instructions, the same for every prompt of a run.
        user: the question.
        form: of the answer: pass it to `agentarch.meta.schemas.answer_schema` and `agentarch.meta.answers.read_answer`.
        tokens: estimated, of both together.
        shown: ids of the designs that are in it, parents first.
    """

    system: str
    user: str
    form: Form | Literal["reflection"]
    tokens: int
    shown: tuple[str, ...]


class Pack:
    """A prompt pack that was checked; make one with `load_pack`.

    Attributes:
        hash: of all its texts, twelve hexadecimal digits.
        operators: by name.
    """

    def __init__(self, files: PackFiles) -> None:
        self.hash = files.hash
        self.operators: Mapping[str, Operator] = read_operators(files)
        self._renderer = Renderer(files)
        check_templates(files, self._renderer)

    def propose(
        self, briefing: Briefing, operator: str, *, nonce: str, max_tokens: int = MAX_TOKENS
    ) -> Prompt:
        """Ask for a design.

        Parents that the operator does not build upon are shown as further designs.

        Args:
            briefing: of any size; what does not fit is left out in the order of `agentarch.meta.trimming`.
            operator: one of `operators`.
            nonce: unknown to designs and models, and different for every proposal.
            max_tokens: estimated, of the system prompt and the question together.

        Raises:
            UsageError: no operator has that name; the templates fail, or are too long by themselves.
            ValueError: the briefing has fewer parents than the operator builds upon.
        """
        asked = self._operator(operator)
        briefing = _for_operator(briefing, asked)

        def variables(telling: Telling, allowance: Allowance) -> Mapping[str, Any]:
            return {"operator": asked}

        return self._prompt(asked.template, briefing, asked.answer, variables, "", nonce, max_tokens)

    def reflect(
        self,
        briefing: Briefing,
        draft: Draft,
        findings: Sequence[str],
        *,
        nonce: str,
        max_tokens: int = MAX_TOKENS,
    ) -> Prompt:
        """Ask what a draft is worth, before anything is spent on it.

        Args:
            briefing: as it was when the draft was asked for.
            draft: to be judged.
            findings: what could be said without a model, one line each; see `agentarch.meta.findings`.
            nonce: see `propose`.
            max_tokens: see `propose`.

        Raises:
            UsageError: the templates fail, or are too long by themselves.
        """
        lines = tuple(findings[:_MOST_FINDINGS])

        def variables(telling: Telling, allowance: Allowance) -> Mapping[str, Any]:
            return {"draft": telling.draft(draft, allowance.extra), "findings": telling.lines(lines)}

        told = f"{draft!r} {lines!r}"
        return self._prompt("reflect.jinja", briefing, "reflection", variables, told, nonce, max_tokens)

    def repair(
        self,
        briefing: Briefing,
        operator: str,
        previous: Draft | str,
        error: str,
        attempt: int,
        *,
        nonce: str,
        max_tokens: int = MAX_TOKENS,
    ) -> Prompt:
        """Ask for an answer once more, with what was wrong with the last one.

        Args:
            briefing: as it was when the draft was asked for.
            operator: that was asked with.
            previous: the draft that failed, to be answered with a whole file; or the text of an answer that could not
                be read, to be answered in the operator's form.
            error: what went wrong.
            attempt: from 1.
            nonce: see `propose`.
            max_tokens: see `propose`.

        Raises:
            UsageError: no operator has that name; the templates fail, or are too long by themselves.
            ValueError: the briefing has fewer parents than the operator builds upon.
        """
        asked = self._operator(operator)
        briefing = _for_operator(briefing, asked)
        form: Form = asked.answer if isinstance(previous, str) else "file"
        if isinstance(previous, str):
            previous = cut_in_the_middle(previous, _most_characters(max_tokens))
        error = cut_in_the_middle(error, 4_000)

        def variables(telling: Telling, allowance: Allowance) -> Mapping[str, Any]:
            is_draft = isinstance(previous, Draft)
            return {
                "operator": asked,
                "draft": telling.draft(previous, allowance.extra) if isinstance(previous, Draft) else None,
                "answer": "" if is_draft else telling.block(str(previous), allowance.extra),
                "error": telling.block(error, 2_000),
                "attempt": attempt,
                "form": form,
            }

        told = f"{previous!r} {error!r}"
        return self._prompt("repair.jinja", briefing, form, variables, told, nonce, max_tokens)

    def _operator(self, name: str) -> Operator:
        if name not in self.operators:
            raise unknown_name("operator", name, self.operators)
        return self.operators[name]

    def _system(self, briefing: Briefing, max_tokens: int) -> tuple[str, Mapping[str, Any]]:
        """Return the system prompt, and the variables it was made of, with shorter texts where it takes too much."""
        for share in _SHARES:
            stable = stable_view(briefing, share)
            system = self._renderer.render("system.jinja", stable) + "\n\n" + RULE
            if estimate_tokens(system) <= max_tokens * _MOST_OF_SYSTEM:
                break
        return system, stable

    def _prompt(
        self,
        template: str,
        briefing: Briefing,
        form: Form | Literal["reflection"],
        variables: _Variables,
        told: str,
        nonce: str,
        max_tokens: int,
    ) -> Prompt:
        briefing = capped(briefing, _most_characters(max_tokens))
        fence = Fence((template, repr(briefing), told), nonce)
        system, stable = self._system(briefing, max_tokens)
        telling = Telling(briefing, stable, fence)
        taken = estimate_tokens(system) + _FRAME_TOKENS

        @lru_cache(maxsize=2)  # what fits has been made
        def user(allowance: Allowance) -> str:
            text = self._renderer.render(
                template, {**telling.view(allowance), **variables(telling, allowance)}
            )
            return f"{fence.introduction}\n\n{text}"

        start = _all_of(briefing, _most_characters(max_tokens))
        allowance = largest_that_fits(
            lambda one: taken + estimate_tokens(user(one)) <= max_tokens,
            start,
        )
        if allowance is None:
            least = taken + estimate_tokens(user(Allowance(*[0] * 9)))
            raise UsageError(
                f"the prompt of {template} takes about {least:,} tokens with hardly anything in it, and at most "
                f"{max_tokens:,} are allowed. Shorten system.jinja or {template}, or allow more tokens"
            )
        text = user(allowance)
        shown = (*briefing.parents, *briefing.elites[: allowance.elites])
        return Prompt(system, text, form, taken + estimate_tokens(text), tuple(design.id for design in shown))


def load_pack(folder: Path | None, kind: str, *, max_tokens: int = MAX_TOKENS) -> Pack:
    """Load a prompt pack and check all of it, by rendering every template with samples of a briefing.

    Args:
        folder: a user's, whose files take the place of shipped ones of the same name; None for the shipped pack.
        kind: of designs.
        max_tokens: that prompts will be allowed.

    Raises:
        UsageError: a file is missing or cannot be read, does not parse, or uses what it is not given; the message
            names the file, the line, and the nearest known name.
    """
    pack = Pack(read_files(folder, kind))
    for sample in (replace(FULL, kind=kind), replace(EMPTY, kind=kind)):
        for name, operator in pack.operators.items():
            enough = replace(sample, parents=FULL.parents[: operator.parents])
            pack.propose(enough, name, nonce="check", max_tokens=max_tokens)
            for previous in (SAMPLE_DRAFT, "an answer"):
                pack.repair(enough, name, previous, "an error", 1, nonce="check", max_tokens=max_tokens)
        for lines in ((), ("nearest known design: sample, similarity 0.41",)):
            pack.reflect(sample, SAMPLE_DRAFT, lines, nonce="check", max_tokens=max_tokens)
    return pack


def _for_operator(briefing: Briefing, operator: Operator) -> Briefing:
    if len(briefing.parents) < operator.parents:
        raise ValueError(
            f"the operator {operator.name!r} builds upon {operator.parents} designs, got {len(briefing.parents)}"
        )
    building, others = briefing.parents[: operator.parents], briefing.parents[operator.parents :]
    near = tuple(replace(one, why="near") for one in others)
    return replace(briefing, parents=building, elites=(*near, *briefing.elites))


def _all_of(briefing: Briefing, max_characters: int) -> Allowance:
    """Return what there is of everything, so that nothing is tried that changes nothing."""
    most = Allowance(extra=max_characters, second=max_characters, first=max_characters)
    return replace(
        most,
        lessons=len(briefing.lessons),
        effects=len(briefing.effects),
        failures=len(briefing.failures),
        decisions=len(briefing.decisions),
        elites=len(briefing.elites),
        elite_sources=min(most.elite_sources, len(briefing.elites)),
    )


def _most_characters(max_tokens: int) -> int:
    """Return a number of characters that no text of so many tokens can have."""
    return 4 * max_tokens
