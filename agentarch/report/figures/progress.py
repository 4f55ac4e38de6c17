"""Best score and coverage over evaluations and over cost, every arm in the same drawing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Any

from agentarch.report.contract import ProgressPoint
from agentarch.report.figures.base import Figure, arm_colour, arms_in_order, label, layout, score_label
from agentarch.wording import duration_text

_UNITS = ((7200.0, 3600.0, "hours"), (180.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))


def progress_figures(points: Sequence[ProgressPoint]) -> list[Figure]:
    """Return four drawings: best score, then coverage, each over evaluations and over processor time.

    There are none without points.
    """
    if not points:
        return []
    by_arm = {
        arm: sorted((p for p in points if p.arm == arm), key=lambda p: (p.evaluations, p.cpu_seconds))
        for arm in arms_in_order({point.arm for point in points})
    }
    most = max(point.cpu_seconds for point in points)
    _, seconds, unit = next(one for one in _UNITS if most >= one[0])
    figures = []
    for is_best, what in ((True, "Best score"), (False, "Coverage")):
        for over, x_title in (("evaluations", "evaluations"), ("cost", f"processor {unit}")):
            traces: list[dict[str, Any]] = []
            for arm, found in by_arm.items():
                xs = [p.evaluations if over == "evaluations" else p.cpu_seconds / seconds for p in found]
                placed = list(zip(xs, found, strict=True))
                traces += _best(arm, placed) if is_best else [_coverage(arm, placed)]
            figures.append(
                Figure(
                    name=f"{'best' if is_best else 'coverage'}-{over}",
                    title=f"{what} over {'evaluations' if over == 'evaluations' else 'cost'}",
                    traces=traces,
                    layout=layout(
                        xaxis={"title": {"text": x_title, "standoff": 8}, "rangemode": "tozero"},
                        yaxis={} if is_best else {"tickformat": ".1%", "rangemode": "tozero"},
                    ),
                    summary=_summary(by_arm, is_best),
                    height=260,
                )
            )
    return figures


Placed = list[tuple[float, ProgressPoint]]


def _best(arm: str, placed: Placed) -> list[dict[str, Any]]:
    """Return the line of an arm's best score with its interval, broken where the rung changes."""
    ends = {id(one): following[0] for one, following in pairwise(placed)}
    traces: list[dict[str, Any]] = []
    for _, group in groupby((one for one in placed if one[1].best is not None), key=lambda one: one[1].rung):
        stretch = list(group)
        last_x = ends.get(id(stretch[-1]), stretch[-1][0])
        xs = [x for x, _ in stretch] + [last_x]
        found = [point for _, point in stretch] + [stretch[-1][1]]
        step = {"type": "scatter", "mode": "lines", "x": xs}
        line = {"shape": "hv", "color": arm_colour(arm), "width": 2.5}
        if all(point.interval for point in found):
            for end, fill in ((0, {}), (1, {"fill": "tonexty", "fillcolor": arm_colour(arm, "band")})):
                ys = [point.interval[end] for point in found if point.interval]
                traces.append({**step, "y": ys, "hoverinfo": "skip", "line": {**line, "width": 0}, **fill})
        traces.append(
            {
                **step,
                "name": label(arm),
                "y": [point.best for point in found],
                "line": line,
                "hoverinfo": "text",
                "hovertext": [_hover(point) for point in found],
            }
        )
    return traces


def _coverage(arm: str, placed: Placed) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label(arm),
        "x": [x for x, _ in placed],
        "y": [point.coverage for _, point in placed],
        "line": {"shape": "hv", "color": arm_colour(arm), "width": 2.5},
        "hoverinfo": "text",
        "hovertext": [_hover(point) for _, point in placed],
    }


def _hover(point: ProgressPoint) -> str:
    rung = f" at rung {point.rung}" if point.rung is not None else ""
    return (
        f"<b>{label(point.arm)}</b> after {point.evaluations:,} evaluations, {duration_text(point.cpu_seconds)}<br>"
        f"best {score_label(point.best, point.interval)}{rung}<br>coverage {point.coverage:.1%}"
    )


def _summary(by_arm: dict[str, list[ProgressPoint]], is_best: bool) -> str:
    said = []
    for arm, found in by_arm.items():
        last = found[-1]
        reached = score_label(last.best, last.interval) if is_best else f"{last.coverage:.1%}"
        said.append(
            f"{arm}: {reached} after {last.evaluations:,} evaluations, {duration_text(last.cpu_seconds)}"
        )
    return "; ".join(said) + "."
