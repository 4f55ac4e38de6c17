"""What templates are given: the records of a briefing, with every text of others already fenced.

Guarantees that a template, whoever wrote it, cannot show a design, an error, a claim or a reason outside its markers,
and that each list and text is bounded before any of it is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from agentarch.fencing import Fence
from agentarch.meta.briefing import Briefing, DesignTold, TaskTold
from agentarch.meta.draft import Draft
from agentarch.meta.tokens import cut_in_the_middle
from agentarch.meta.trimming import Allowance
from agentarch.text import one_line

STABLE = ("kind", "tasks", "rules", "limits")
"""Variables that stay the same over a run: all that `system.jinja` may use, so that providers can cache it."""

CHANGING = (
    "parents",
    "elites",
    "target",
    "lessons",
    "effects",
    "failures",
    "decisions",
    "budget",
)

MOST_TASKS, MOST_RULES, MOST_LIMITS, MOST_LINES = 16, 16, 12, 6
NAME, LINE, PARAGRAPH = 60, 300, 600
"""Characters of a name, of a line, of a few sentences."""


def capped(briefing: Briefing, max_characters: int) -> Briefing:
    """Return a briefing with no more in it than any prompt may show.

    Args:
        briefing: of any size.
        max_characters: of one source; no prompt can hold a longer one.
    """
    most = Allowance()
    parents = briefing.parents[:2]
    shown = {one.id for one in parents}
    elites = islice((one for one in briefing.elites if one.id not in shown), most.elites)
    return replace(
        briefing,
        parents=tuple(_cut(design, max_characters) for design in parents),
        elites=tuple(
            _cut(design, max_characters if number < most.elite_sources else 0)
            for number, design in enumerate(elites)
        ),
        lessons=briefing.lessons[: most.lessons],
        effects=briefing.effects[: most.effects],
        failures=briefing.failures[: most.failures],
        decisions=briefing.decisions[: most.decisions],
    )


def stable_view(briefing: Briefing, share: float = 1.0) -> dict[str, Any]:
    """Return the variables of `STABLE`.

    Args:
        briefing: of any size.
        share: of the characters that each text may have at most; 0 leaves names.
    """
    line = int(share * LINE)
    return {
        "kind": plain_word(briefing.kind),
        "tasks": tuple(_task(task, share) for task in briefing.tasks[:MOST_TASKS]),
        "rules": tuple(one_line(rule, line) for rule in briefing.rules[:MOST_RULES] if line),
        "limits": {one_line(name, NAME): most for name, most in islice(briefing.limits.items(), MOST_LIMITS)},
    }


class Telling:
    """Makes the changing variables of one prompt, as much of them as is allowed.

    Args:
        briefing: `capped`.
        stable: of the same briefing.
        fence: of this prompt.
    """

    def __init__(self, briefing: Briefing, stable: Mapping[str, Any], fence: Fence) -> None:
        self._briefing, self._stable, self._fence = briefing, stable, fence
        self._cleaned: dict[str, str] = {}
        self._parents = tuple(self._design(design) for design in briefing.parents)
        self._elites = tuple(self._design(design) for design in briefing.elites)
        self._elite_sources = tuple(
            self.block(one.source, len(one.source)) if one.source else "" for one in briefing.elites
        )
        inline = fence.inline
        self._lessons = tuple(
            replace(one, id=plain_word(one.id), claim=inline(one.claim, LINE)) for one in briefing.lessons
        )
        self._effects = tuple(replace(one, what=inline(one.what, LINE)) for one in briefing.effects)
        self._failures = tuple(
            replace(one, name=inline(one.name, NAME), reason=inline(one.reason, LINE))
            for one in briefing.failures
        )
        self._decisions = tuple(
            replace(one, name=inline(one.name, NAME), reason=inline(one.reason, LINE) if one.reason else "")
            for one in briefing.decisions
        )

    def view(self, allowance: Allowance) -> dict[str, Any]:
        """Return the variables of `STABLE` and `CHANGING`."""
        lengths = (allowance.first, allowance.second)
        return {
            **self._stable,
            "parents": tuple(
                replace(parent, source=self.block(design.source, length) if length and design.source else "")
                for parent, design, length in zip(
                    self._parents, self._briefing.parents, lengths, strict=False
                )
            ),
            "elites": tuple(
                replace(elite, source=self._elite_sources[number])
                if number < allowance.elite_sources
                else elite
                for number, elite in enumerate(self._elites[: allowance.elites])
            ),
            "target": one_line(self._briefing.target, 2 * PARAGRAPH),
            "lessons": self._lessons[: allowance.lessons],
            "effects": self._effects[: allowance.effects],
            "failures": self._failures[: allowance.failures],
            "decisions": self._decisions[: allowance.decisions],
            "budget": one_line(self._briefing.budget, LINE),
        }

    def block(self, text: str, max_characters: int) -> str:
        """Return a long text, fenced and cut in the middle to fit."""
        if text not in self._cleaned:  # takes longest, and a text is cut many times to find what fits
            self._cleaned[text] = self._fence.cleaned(text)
        return self._fence.block(cut_in_the_middle(self._cleaned[text], max_characters))

    def draft(self, draft: Draft, max_characters: int) -> Draft:
        """Return a draft with its texts fenced and its source cut in the middle to fit."""
        return replace(
            draft,
            source=self.block(draft.source, max_characters),
            name=self._fence.inline(draft.name, NAME),
            rationale=self._fence.inline(draft.rationale, PARAGRAPH) if draft.rationale else "",
            claim=self._fence.inline(draft.claim, LINE) if draft.claim else "",
            builds_on=tuple(plain_word(one) for one in draft.builds_on),
            template="",
            holes=(),
        )

    def lines(self, lines: tuple[str, ...]) -> tuple[str, ...]:
        """Return short texts, each fenced."""
        return tuple(self._fence.inline(line, LINE) for line in lines)

    def _design(self, design: DesignTold) -> DesignTold:
        """Return a design with its texts fenced and without its source."""
        return replace(
            design,
            id=plain_word(design.id),
            name=self._fence.inline(design.name, NAME),
            source="",
            rationale=self._fence.inline(design.rationale, PARAGRAPH) if design.rationale else "",
            by_task=_few(design.by_task),
            descriptors=_few(design.descriptors),
            strengths=self.lines(design.strengths[:MOST_LINES]),
            failures=self.lines(design.failures[:MOST_LINES]),
        )


def plain_word(text: str) -> str:
    """Return an id or the name of a kind, from which everything is dropped that one cannot have."""
    return re.sub(r"[^A-Za-z0-9_-]", "", text[:NAME])


def _task(task: TaskTold, share: float) -> TaskTold:
    line = int(share * LINE)
    return replace(
        task,
        name=one_line(task.name, NAME),
        description=one_line(task.description, line),
        separates=one_line(task.separates, line),
        spec=one_line(task.spec, 2 * line),
        steps=task.steps[:MOST_LIMITS],
        metric=one_line(task.metric, NAME),
    )


def _few(values: Mapping[str, Any]) -> dict[str, Any]:
    return {one_line(name, NAME): value for name, value in islice(values.items(), MOST_TASKS)}


def _cut(design: DesignTold, max_characters: int) -> DesignTold:
    return replace(design, source=cut_in_the_middle(design.source, max_characters) if max_characters else "")
