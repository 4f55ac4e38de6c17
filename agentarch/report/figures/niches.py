"""The niche map: which cells of the archive hold a design, how good it is, and which cells are empty.

Two axes are drawn as a grid; a third as one panel for each of its bins.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from agentarch.kinds.words import WORDS
from agentarch.report.contract import AxisPart, DesignPart
from agentarch.report.figures.base import Figure, design_hover, label, layout
from agentarch.wording import number_text

DRAWN_AXES = 3
_PANEL_AXES = {words.size for words in WORDS.values()}
"""What a design's size is called: panels go from small designs to large ones."""

_DARK_SHARE = 0.45
"""Below this share of the scale its colours are dark enough to carry white text."""

Cells = dict[tuple[int, int], DesignPart]


@dataclass(frozen=True)
class NicheMap:
    """The panels of a niche map and the scale of its colours.

    Attributes:
        panels: one for each bin of the panel axis, smallest first.
        lowest: score of the colour at the lower end.
        highest: score of the colour at the upper end.
        notes: what a reader must know to read it right.
    """

    panels: list[Figure]
    lowest: float
    highest: float
    notes: list[str]


def niche_map(axes: Sequence[AxisPart], designs: Sequence[DesignPart]) -> NicheMap | None:
    """Return the map of the elites; None without axes or without elites that have a niche and a score."""
    elites = [d for d in designs if d.is_elite and d.score is not None and len(d.niche) == len(axes)]
    if not axes or not elites:
        return None
    drawn = _drawn_axes(axes)
    panel_axis, (across, up) = drawn[0], drawn[1:]
    scores = [design.score or 0.0 for design in elites]
    lowest, highest = min(0.0, *scores), max(0.1, math.ceil(max(scores) * 10) / 10)
    panels = []
    for number in range(_bins(axes, panel_axis)):
        cells: Cells = {}
        for design in sorted(elites, key=lambda design: design.score or 0.0):  # the best of a cell comes last
            if _bin(design, panel_axis) == number:
                cells[_bin(design, across), _bin(design, up)] = design
        panels.append(_panel(number, axes, (panel_axis, across, up), cells, (lowest, highest)))
    return NicheMap(panels, lowest, highest, _notes(axes, drawn, elites))


def _drawn_axes(axes: Sequence[AxisPart]) -> list[int | None]:
    """Return the axis of the panels, the one across and the one up, by number; None where there is none."""
    numbers = list(range(len(axes)))[:DRAWN_AXES]
    if len(numbers) < DRAWN_AXES:
        return [None, *numbers, *[None] * (2 - len(numbers))]
    panel = next((number for number in numbers if axes[number].name in _PANEL_AXES), 0)
    return [panel, *(number for number in numbers if number != panel)]


def _bins(axes: Sequence[AxisPart], number: int | None) -> int:
    return 1 if number is None else axes[number].bins


def _bin(design: DesignPart, number: int | None) -> int:
    return 0 if number is None else design.niche[number]


def _panel(
    number: int,
    axes: Sequence[AxisPart],
    drawn: tuple[int | None, int | None, int | None],
    cells: Cells,
    scale: tuple[float, float],
) -> Figure:
    panel_axis, across, up = drawn
    columns, rows = range(_bins(axes, across)), range(_bins(axes, up))
    grid = {"type": "heatmap", "x": list(columns), "y": list(rows), "xgap": 3, "ygap": 3, "showscale": False}
    empty = {
        **grid,
        "z": [[0 for _ in columns] for _ in rows],
        "colorscale": [[0, "var(--cell)"], [1, "var(--cell)"]],
        "hoverinfo": "skip",
    }
    found = [[cells.get((column, row)) for column in columns] for row in rows]
    elites = {
        **grid,
        "z": [[design.score if design else None for design in row] for row in found],
        "zmin": scale[0],
        "zmax": scale[1],
        "colorscale": [[step / 4, f"var(--scale-{step})"] for step in range(5)],
        "hoverongaps": False,
        "hoverinfo": "text",
        "hovertext": [[design_hover(design) if design else "" for design in row] for row in found],
    }
    middle = scale[0] + _DARK_SHARE * (scale[1] - scale[0])
    numbers = {
        "type": "scatter",
        "mode": "text",
        "x": [column for column, _ in cells],
        "y": [row for _, row in cells],
        "text": [_short(design.score or 0.0) for design in cells.values()],
        "textfont": {
            "size": 11,
            "color": [
                f"var(--on-{'dark' if (design.score or 0.0) < middle else 'light'})"
                for design in cells.values()
            ],
        },
        "hoverinfo": "skip",
    }
    title = "all designs" if panel_axis is None else _range_text(axes[panel_axis], number)
    held = len(cells)
    return Figure(
        name=f"niches-{number}",
        title=title,
        traces=[empty, elites, numbers],
        layout=layout(
            xaxis=_edges(axes, across), yaxis=_edges(axes, up), margin={"l": 44, "r": 14, "t": 4, "b": 40}
        ),
        summary=f"{title}: {held} of {len(columns) * len(rows)} cells hold a design.",
        height=230,
    )


def _short(score: float) -> str:
    return f"{round(score, 2) + 0.0:.2f}"  # a rounded -0.0 would show its sign


def _edges(axes: Sequence[AxisPart], number: int | None) -> dict[str, object]:
    """Return the settings of a drawn axis that is labelled at the edges of its bins."""
    if number is None:
        return {"visible": False, "range": [-0.5, 0.5], "fixedrange": True}
    one = axes[number]
    shown = range(0, one.bins + 1, 1 if one.bins <= 6 else math.ceil(one.bins / 6))
    return {
        "title": {"text": label(one.name.replace("_", " "), 30), "standoff": 6},
        "tickvals": [edge - 0.5 for edge in shown],
        "ticktext": [number_text(_edge(one, edge)) for edge in shown],
        "tickfont": {"size": 10},
        "tickangle": 0,
        "ticklabeloverflow": "allow",
        "range": [-0.5, one.bins - 0.5],
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
    }


def _edge(one: AxisPart, number: int) -> float:
    share = number / one.bins
    if one.log:
        return float(one.low * (one.high / one.low) ** share)
    return one.low + (one.high - one.low) * share


def _range_text(one: AxisPart, number: int) -> str:
    low, high = number_text(_edge(one, number)), number_text(_edge(one, number + 1))
    name = one.name.replace("_", " ")
    if number == 0:
        return f"{name} below {high}"
    return f"{name} above {low}" if number == one.bins - 1 else f"{name} {low} to {high}"


def _notes(axes: Sequence[AxisPart], drawn: Sequence[int | None], elites: Sequence[DesignPart]) -> list[str]:
    notes = []
    hidden = [one.name.replace("_", " ") for number, one in enumerate(axes) if number not in drawn]
    if hidden:
        notes.append(f"Not drawn: {', '.join(hidden)}; a cell shows the best design over these.")
    if len({design.rung for design in elites}) > 1:
        notes.append(
            "Designs stand at different rungs, whose scores do not compare: a colour says how far a design has come on "
            "its own rung."
        )
    return notes
