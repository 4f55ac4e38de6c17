"""Checks a prompt pack before anything is spent: every template is read, and rendered with samples of a briefing.

So an unknown variable stops a run at its start, and names the nearest known one, instead of stopping it at night.
"""

from __future__ import annotations

from dataclasses import replace

from agentarch.errors import UsageError, unknown_name
from agentarch.evaluation import Score
from agentarch.meta.briefing import (
    Briefing,
    DecisionTold,
    DesignTold,
    EffectTold,
    FailureTold,
    LessonTold,
    TaskTold,
)
from agentarch.meta.draft import Draft
from agentarch.meta.packfiles import OPERATORS, REQUIRED, PackFiles
from agentarch.meta.rendering import Renderer
from agentarch.meta.views import CHANGING, STABLE

OF_AN_OPERATOR = (*STABLE, *CHANGING, "operator")
OF_REFLECTION = (*STABLE, *CHANGING, "draft", "findings")
OF_REPAIR = (*STABLE, *CHANGING, "operator", "draft", "answer", "error", "attempt", "form")
_EVERY = tuple(dict.fromkeys((*OF_AN_OPERATOR, *OF_REFLECTION, *OF_REPAIR)))

_SCORE = Score(0.41, 0.38, 0.44, 512)
_DESIGN = DesignTold(
    "0123456789ab",
    "sample",
    "def build(spec):\n    ...\n",
    "it may recall",
    _SCORE,
    1,
    {"recall": _SCORE},
    {"parameters": 50_000.0, "mixing_range": 0.5},
    "parent",
    ("recalls well",),
    ("cannot count",),
)
_NEW = DesignTold("ba9876543210", "new", "def build(spec):\n    ...\n", why="near")

FULL = Briefing(
    kind="network",
    tasks=(TaskTold("recall", "look up values", "memories", "tokens in", (10, 300), "accuracy", 200_000),),
    parents=(_DESIGN, _NEW),
    elites=(replace(_DESIGN, id="best", why="best"), replace(_NEW, id="novel", why="novel", source="")),
    target="trainable parameters: at most 20k.",
    lessons=(
        LessonTold("l1", "gates help", 0.7, 2, 0, 0.05, 0.04),
        LessonTold("l2", "depth hurts", 0.5),
    ),
    effects=(EffectTold("without the second Attention", -0.12, -0.2, -0.04, 128),),
    failures=(
        FailureTold("wide", "has too many parameters", "smoke"),
        FailureTold("deep", "diverged", "training"),
    ),
    decisions=(DecisionTold("odd", "rejected", "too long"), DecisionTold("fine", "approved")),
    budget="40 of 60 evaluations are left",
    limits={"parameters": 200_000.0},
    rules=("Keep it short.",),
)
"""A briefing with something in every place, and something missing wherever it may be."""

EMPTY = Briefing(kind="network", tasks=())

SAMPLE_DRAFT = Draft("def build(spec):\n    ...\n", "draft", "it may recall", "gates help", 0.02, ("l1",))


def check_templates(files: PackFiles, renderer: Renderer) -> None:
    """Check every template of a pack without rendering it.

    Raises:
        UsageError: a template does not parse, names what it is not given, or is used by none.
    """
    for name in files.texts:
        renderer.check(name, _known(name))
    used = {other for name in files.texts for other in renderer.referred(name)}
    for name in sorted(files.own):
        is_entry = name in REQUIRED or name.startswith(f"{OPERATORS}/")
        if not is_entry and name not in used:
            raise UsageError(
                f"{files.paths[name]}: no template uses it: "
                f"{unknown_name('template', name, {*files.texts} - {name})}"
            )


def _known(name: str) -> tuple[str, ...]:
    if name == "system.jinja":
        return STABLE
    if name == "reflect.jinja":
        return OF_REFLECTION
    if name == "repair.jinja":
        return OF_REPAIR
    return OF_AN_OPERATOR if name.startswith(f"{OPERATORS}/") else _EVERY
