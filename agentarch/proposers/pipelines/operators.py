"""The operators on pipelines, by name.

Each is a small, pure function: deterministic in its arguments, it returns an edit, or None where it does not apply.
"""

from __future__ import annotations

import random

from agentarch.proposers.pipelines.calls import estimate_calls
from agentarch.proposers.pipelines.composing import plug as plugged
from agentarch.proposers.pipelines.composing import promote
from agentarch.proposers.pipelines.edits import Edit, Library, Material, Operator
from agentarch.proposers.pipelines.rewiring import rewire
from agentarch.proposers.pipelines.settings import tune
from agentarch.proposers.pipelines.temperature import temper
from agentarch.proposers.pipelines.wording import reword
from agentarch.proposers.pipelines.wrappers import WRAPPERS, shipped

ATTEMPT = "attempt"
"""The socket of a wrapper for what it is put around."""


def plug(parent: Material, library: Library, rng: random.Random) -> Edit | None:
    """Let one design answer what a step of another was asked: the parent is the inner or the outer one."""
    others = [one for one in library if one.identity != parent.identity]
    if not others:
        return None
    other = rng.choice(others)
    outer, inner = (parent, other) if rng.random() < 0.5 else (other, parent)
    if not outer.pipeline.sockets:
        outer, inner = inner, outer
    if not outer.pipeline.sockets:
        return None
    socket = rng.choice(outer.pipeline.sockets)
    made = plugged(outer.pipeline, socket, inner.pipeline)
    account = f"plugging {inner.name} into `{socket}` of {outer.name}"
    return Edit(made, account, (outer.name, "with", inner.name), (other,))


def unplug(parent: Material, library: Library, rng: random.Random) -> Edit | None:
    """Let a step be a single call."""
    direct = shipped("direct")
    bare = [one for one in parent.pipeline.sockets if one in _steps_with_steps(parent)]
    sockets = bare or [*parent.pipeline.sockets]
    if not sockets:
        return None
    socket = rng.choice(sockets)
    made = plugged(parent.pipeline, socket, direct)
    return Edit(made, f"answering `{socket}` by a single call", (parent.name, "unplug"))


def drop(parent: Material, library: Library, rng: random.Random) -> Edit | None:
    """Drop what is around a step, which becomes the whole design."""
    sockets = [one for one in parent.pipeline.sockets if one in _steps_with_steps(parent)]
    sockets = sockets or [*parent.pipeline.sockets]
    if not sockets:
        return None
    socket = rng.choice(sockets)
    return Edit(promote(parent.pipeline, socket), f"dropping all but `{socket}`", (parent.name, "drop"))


def wrap(wrapper: str) -> Operator:
    """Return the operator that puts a wrapper around the parent."""

    def around(parent: Material, library: Library, rng: random.Random) -> Edit | None:
        if parent.name.startswith(wrapper):
            return None  # the same once more around itself: its settings say how often
        made = plugged(shipped(wrapper), ATTEMPT, parent.pipeline)
        return Edit(made, f"putting {wrapper} around it", (wrapper, parent.name))

    return around


def route(parent: Material, library: Library, rng: random.Random) -> Edit | None:
    """Ask the cheaper of two designs first, and the other only where answers of the first differ."""
    others = [one for one in library if one.identity != parent.identity]
    if not others:
        return None
    pair = sorted([parent, rng.choice(others)], key=lambda one: estimate_calls(one.pipeline).typical)
    cheap, thorough = pair
    if estimate_calls(cheap.pipeline).typical >= estimate_calls(thorough.pipeline).typical:
        return None
    made = plugged(plugged(shipped("route"), "cheap", cheap.pipeline), "thorough", thorough.pipeline)
    account = f"asking {cheap.name} first and {thorough.name} where it is in doubt"
    borrowed = tuple(one for one in pair if one is not parent)
    return Edit(made, account, ("route", cheap.name, "to", thorough.name), borrowed)


OPERATORS: dict[str, Operator] = {
    "tune": tune,
    "temper": temper,
    "reword": reword,
    "plug": plug,
    "unplug": unplug,
    "drop": drop,
    "rewire": rewire,
    "route": route,
    **{name: wrap(name) for name in WRAPPERS},
}
"""Every operator by name."""

WEIGHTS = {"tune": 3.0, "temper": 6.0, "reword": 3.0, "plug": 4.0}
"""How often an operator is tried, as a multiple of those not named."""


def _steps_with_steps(parent: Material) -> frozenset[str]:
    """Return the sockets that call sockets: layers that were put around something."""
    sockets = frozenset(parent.pipeline.sockets)
    return frozenset(one for one in sockets if parent.pipeline.reach(one) & sockets - {one})
