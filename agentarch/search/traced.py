"""What the agents of a run asked: finds the kept traces of a design and draws its typical graph from them.

The test split stays sealed: what was asked on it is in no picture.
"""

from __future__ import annotations

from agentarch.search.session import TRACES, Run
from agentarch.traces import Trace, TraceLost, Typical, read_trace, typical_of


def typical_graph(run: Run, design_id: str) -> Typical | None:
    """Return the typical graph of a design, from its evaluation at the highest rung of each task.

    Returns None where no calls were kept: for networks, and for designs that were not evaluated yet.
    """
    traces = _traces(run, design_id)
    return typical_of(traces) if traces else None


def _traces(run: Run, design_id: str) -> list[Trace]:
    highest: dict[str, tuple[int, str]] = {}
    for evaluation in run.state.evaluations(design_id):
        request, name = evaluation.request, evaluation.report.get("trace")
        known = highest.get(request.task)
        if (
            isinstance(name, str)
            and request.split == "search"
            and (known is None or request.rung >= known[0])
        ):
            highest[request.task] = request.rung, name
    found = []
    for task in run.tasks:
        if task.name in highest:
            try:
                found.append(read_trace(highest[task.name][1], run.folder / TRACES))
            except TraceLost:  # the folder was cleared: the run's scores hold without it
                continue
    return found
