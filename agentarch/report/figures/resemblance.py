"""How alike proposals are to the designs that they were shown, and to those that they were not, run by run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agentarch.report.contract import ArchiveUsePart, Estimate
from agentarch.report.figures.base import Figure, label, layout

KINDS = (
    ("to_shown", "designs they were shown", "shown"),
    ("to_chosen", "chosen by the archive, not shown", "chosen"),
    ("to_others", "other designs of the search", "others"),
)
"""What proposals are held against: the part's attribute, in words, and the name of its colour and marker."""

_SYMBOLS = {"shown": "circle", "chosen": "diamond", "others": "square"}
_APART = 0.2


def resemblance_figure(uses: Sequence[ArchiveUsePart]) -> Figure | None:
    """Return the drawing of similarities with their intervals; None where none was found."""
    traces, told = [], []
    for place, (name, words, kind) in enumerate(KINDS):
        found = [
            (row + (place - 1) * _APART, use, one)
            for row, use in enumerate(uses)
            if (one := getattr(use, name)) is not None and one.value is not None
        ]
        if found:
            traces.append(_trace(kind, words, found))
            told += [f"{run_label(use)}, {words}: {_text(one)}" for _, use, one in found]
    if not traces:
        return None
    return Figure(
        name="resemblance",
        title="Similarity of proposals, from 0 to 1",
        traces=traces,
        layout=layout(
            xaxis={"rangemode": "tozero", "tickformat": ".2f"},
            yaxis={
                "tickvals": list(range(len(uses))),
                "ticktext": [label(run_label(use), 30) for use in uses],
                "range": [len(uses) - 0.5, -0.5],
                "ticksuffix": "  ",
                "showgrid": False,
                "zeroline": False,
            },
            margin={"l": 12, "r": 24, "t": 4, "b": 32},
        ),
        summary="; ".join(told) + ".",
        height=70 + 80 * len(uses),
    )


def run_label(use: ArchiveUsePart) -> str:
    """Return a run as it is called beside others: what it showed, and the end of its folder's name."""
    return f"{use.placebo} ({use.run_dir.rstrip('/').rpartition('/')[2]})"


def _trace(kind: str, words: str, found: Sequence[tuple[float, ArchiveUsePart, Estimate]]) -> dict[str, Any]:
    values = [one.value or 0.0 for _, _, one in found]
    colour = f"var(--{kind})"
    return {
        "type": "scatter",
        "mode": "markers",
        "name": words,
        "x": values,
        "y": [row for row, _, _ in found],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [
                (one.high if one.high is not None else v) - v
                for v, (_, _, one) in zip(values, found, strict=True)
            ],
            "arrayminus": [
                v - (one.low if one.low is not None else v)
                for v, (_, _, one) in zip(values, found, strict=True)
            ],
            "thickness": 2.5,
            "width": 5,
            "color": colour,
        },
        "marker": {"size": 11, "color": colour, "symbol": _SYMBOLS[kind]},
        "hoverinfo": "text",
        "hovertext": [
            f"<b>{label(run_label(use))}</b><br>{label(words)}: {_text(one)}" for _, use, one in found
        ],
    }


def _text(one: Estimate) -> str:
    reach = "" if one.low is None or one.high is None else f" [{one.low:.2f}, {one.high:.2f}]"
    return f"{one.value:.2f}{reach}, n = {one.n:,}" if one.n is not None else f"{one.value:.2f}{reach}"
