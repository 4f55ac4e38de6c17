"""Score against what a design costs, and which designs nobody beats on both.

A design is on the front of its rung when no other design of that rung costs at most as much and scores at
least as well, one of the two strictly (Pareto optimality). Scores of different rungs are not compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from agentarch.kinds.words import size_of, words_of
from agentarch.report.contract import DesignPart
from agentarch.report.figures.base import (
    Figure,
    arm_colour,
    arm_symbol,
    arms_in_order,
    design_hover,
    label,
    layout,
)
from agentarch.wording import number_text

MOST_POINTS = 2000
"""More points than this slow a browser down; the front and the best designs are always drawn."""

_WIDE = 5
"""Costs that differ by less than this factor are drawn on a plain scale."""

Costed = tuple[float, DesignPart]
CostOf = Callable[[DesignPart], float | None]


def _costs(kind: object) -> tuple[tuple[str, str, CostOf], ...]:
    """Return what a design of a kind costs: the name of each cost, its unit, and how it is read."""
    words = words_of(kind)
    return (
        (words.size, words.size_unit, lambda design: size_of(kind, design.parameters, design.descriptors)),
        (
            words.latency,
            words.latency_unit,
            lambda design: (
                None if design.latency_seconds is None else words.latency_scale * design.latency_seconds
            ),
        ),
    )


def pareto_front(designs: Sequence[Costed]) -> list[Costed]:
    """Return those that no other beats on cost and score, cheapest first. All have a score."""
    front: list[Costed] = []
    for cost, design in sorted(designs, key=lambda one: (one[0], -(one[1].score or 0.0))):
        if not front or (design.score or 0.0) > (front[-1][1].score or 0.0):
            front.append((cost, design))
    return front


def fronts(designs: Sequence[DesignPart], cost_of: CostOf) -> dict[int | None, list[Costed]]:
    """Return the front of every rung, for the designs whose cost is known and above zero."""
    by_rung: dict[int | None, list[Costed]] = {}
    for cost, design in _costed(designs, cost_of):
        by_rung.setdefault(design.rung, []).append((cost, design))
    return {rung: pareto_front(found) for rung, found in by_rung.items()}


def front_figures(designs: Sequence[DesignPart], kind: object = "network") -> list[Figure]:
    """Return score against size and against latency, in the words of a kind, each where any design has it."""
    figures = (_figure(name, title, designs, cost_of) for name, title, cost_of in _costs(kind))
    return [figure for figure in figures if figure is not None]


def _costed(designs: Sequence[DesignPart], cost_of: CostOf) -> list[Costed]:
    costs = ((cost_of(design), design) for design in designs if design.score is not None)
    return [(cost, design) for cost, design in costs if cost is not None and cost > 0]


def _figure(name: str, title: str, designs: Sequence[DesignPart], cost_of: CostOf) -> Figure | None:
    by_rung = fronts(designs, cost_of)
    if not by_rung:
        return None
    optimal = {design.id for front in by_rung.values() for _, design in front}
    shown = sorted(
        _costed(designs, cost_of), key=lambda one: (one[1].id in optimal, one[1].score), reverse=True
    )[:MOST_POINTS]
    top = max(rung if rung is not None else -1 for rung in by_rung)
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [cost for cost, _ in front],
            "y": [design.score for _, design in front],
            "line": {
                "shape": "hv",
                "width": 1.5,
                "color": "var(--text)",
                "dash": "solid" if rung in (top, None) else "dot",
            },
            "opacity": 0.7,
            "hoverinfo": "skip",
        }
        for rung, front in by_rung.items()
    ]
    for arm in arms_in_order({design.arm for _, design in shown}):
        for is_optimal in (False, True):
            chosen = [one for one in shown if one[1].arm == arm and (one[1].id in optimal) is is_optimal]
            if chosen:
                traces.append(_points(arm, chosen, is_optimal, top))
    return Figure(
        name=f"front-{name.replace(' ', '-')}",
        title=f"Score against {name}",
        traces=traces,
        layout=layout(
            xaxis={"title": {"text": title, "standoff": 8}, **_scale([cost for cost, _ in shown])},
            yaxis={"title": {"text": "score", "standoff": 6}},
        ),
        summary=_summary(name, by_rung, shown),
        height=340,
    )


def _scale(costs: Sequence[float]) -> dict[str, Any]:
    """Return the settings of an axis for these costs: logarithmic, unless they lie close together."""
    if max(costs) < _WIDE * min(costs):
        return {"type": "linear"}
    low, high = math.floor(math.log10(min(costs))), math.ceil(math.log10(max(costs)))
    ticks = [float(f"{digit}e{power}") for power in range(low, high + 1) for digit in (1, 2, 5)]
    names = [number_text(tick) if tick >= 10_000 else f"{tick:g}" for tick in ticks]
    return {"type": "log", "tickvals": ticks, "ticktext": names}


def _points(arm: str, chosen: list[Costed], is_optimal: bool, top: int) -> dict[str, Any]:
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "name": label(arm),
        "x": [cost for cost, _ in chosen],
        "y": [design.score for _, design in chosen],
        "marker": {
            "symbol": arm_symbol(arm),
            "color": arm_colour(arm),
            "size": 11 if is_optimal else 8,
            "opacity": [1.0 if is_optimal or design.rung in (top, None) else 0.45 for _, design in chosen],
            "line": {"width": 2 if is_optimal else 0, "color": "var(--text)"},
        },
        "hoverinfo": "text",
        "hovertext": [design_hover(design) for _, design in chosen],
    }
    if is_optimal:
        ends = [design.interval or (design.score or 0.0,) * 2 for _, design in chosen]
        trace["error_y"] = {
            "type": "data",
            "symmetric": False,
            "array": [high - (d.score or 0.0) for (_, high), (_, d) in zip(ends, chosen, strict=True)],
            "arrayminus": [(d.score or 0.0) - low for (low, _), (_, d) in zip(ends, chosen, strict=True)],
            "thickness": 1,
            "width": 3,
            "color": arm_colour(arm),
        }
    return trace


def _summary(name: str, by_rung: dict[int | None, list[Costed]], shown: list[Costed]) -> str:
    said = []
    for rung, front in sorted(by_rung.items(), key=lambda one: -1 if one[0] is None else one[0]):
        where = "" if rung is None else f" of rung {rung}"
        best = front[-1][1]
        said.append(
            f"{len(front)} on the front{where}, up to {best.name or best.id} with {best.score or 0.0:.3f}"
        )
    return f"{len(shown)} designs by {name}: {'; '.join(said)}."
