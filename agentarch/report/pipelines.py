"""How the best agents of a run ask: their typical graphs, of what is shown in full and of the best elites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agentarch.kinds import Asking
from agentarch.search.session import Run
from agentarch.search.traced import typical_graph
from agentarch.traces import typical_account

MOST_SHOWN = 6
"""Designs whose calls are read: each has hundreds of questions."""


def pipelines_part(run: Run, finalists: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the typical graphs of the leading designs, the leader first; none where designs ask no models."""
    if not isinstance(run.kind, Asking):
        return []
    elites = sorted(
        run.state.archive.elites.values(), key=lambda one: (one.rung, one.score.value), reverse=True
    )
    roles = {one["id"]: one["role"] for one in finalists}
    wanted = [*roles, *(elite.design.id for elite in elites)]
    found: list[dict[str, Any]] = []
    for design_id in dict.fromkeys(wanted):
        graph = typical_graph(run, design_id) if len(found) < MOST_SHOWN else None
        if graph is not None:
            design = run.state.designs[design_id]
            role = roles.get(design_id, "elite")
            found.append({"id": design_id, "name": design.name, "role": role, **typical_account(graph)})
    return found
