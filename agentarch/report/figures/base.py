"""What every figure shares: its form, its look, the colours of the arms, and how hostile text gets into it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

from agentarch.report.contract import DesignPart, Interval
from agentarch.text import one_line
from agentarch.wording import number_text

ARMS = ("search", "random", "baseline")
"""The arms in the order they are drawn and listed."""

_HOVER_CHARACTERS = 36
"""Longer lines would be cut off at the edge of a panel of the niche map."""

_ARM_SYMBOLS = {"search": "circle", "random": "diamond", "baseline": "square"}


@dataclass(frozen=True)
class Figure:
    """One drawing.

    Attributes:
        name: unique on the page.
        title: what is drawn, in a few words.
        traces: plotly's `data`.
        layout: plotly's `layout`.
        summary: what it shows, for those who cannot see it.
        height: in pixels.
    """

    name: str
    title: str
    traces: list[dict[str, Any]]
    layout: dict[str, Any]
    summary: str
    height: int


def layout(**more: Any) -> dict[str, Any]:
    """Return a layout in the page's look, with these settings besides; axes are given as `xaxis`, `yaxis`."""
    axes = {key: axis(**more.pop(key, {})) for key in ("xaxis", "yaxis")}
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": "var(--muted)"},
        "hoverlabel": {
            "bgcolor": "var(--raised)",
            "bordercolor": "var(--line)",
            "font": {"color": "var(--text)", "size": 13},
            "align": "left",
        },
        "hovermode": "closest",
        "showlegend": False,
        "margin": {"l": 56, "r": 12, "t": 8, "b": 44},
        **axes,
        **more,
    }


def axis(**more: Any) -> dict[str, Any]:
    """Return an axis in the page's look, with these settings besides."""
    return {
        "gridcolor": "var(--grid)",
        "zerolinecolor": "var(--line)",
        "linecolor": "var(--line)",
        "ticks": "",
        "automargin": True,
        **more,
    }


def arm_colour(arm: str, part: str = "arm") -> str:
    """Return the name of an arm's colour; `band` as part gives the pale one for intervals."""
    return f"var(--{part}-{arm if arm in ARMS else 'other'})"


def arm_symbol(arm: str) -> str:
    """Return an arm's marker, so that colour is never all that tells arms apart."""
    return _ARM_SYMBOLS.get(arm, "x")


def arms_in_order(found: set[str]) -> list[str]:
    """Return arms as they are listed: the known ones first."""
    return [arm for arm in ARMS if arm in found] + sorted(found - set(ARMS))


def label(text: str, max_characters: int = 60) -> str:
    """Return hostile text so that plotly shows it as it is; plotly reads tags and entities in every text."""
    return escape(one_line(text, max_characters), quote=False)


def score_label(score: float | None, interval: Interval) -> str:
    """Return e.g. `0.412 [0.391, 0.433]`."""
    if score is None:
        return "no score"
    return f"{score:.3f}" + (f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else "")


def design_hover(design: DesignPart) -> str:
    """Return what a figure tells of a design under the pointer."""
    facts = [
        f"<b>{label(design.name or design.id, _HOVER_CHARACTERS)}</b>",
        score_label(design.score, design.interval),
    ]
    where = [f"rung {design.rung}"] if design.rung is not None else []
    where += [f"n = {design.n:,}"] if design.n is not None else []
    origin = [
        label(text, _HOVER_CHARACTERS // 3) for text in (design.arm, design.proposer, design.operator) if text
    ]
    facts += [", ".join(part) for part in (where, origin) if part]
    facts += [
        f"{label(name.replace('_', ' '), _HOVER_CHARACTERS)} {number_text(value)}"
        for name, value in design.descriptors.items()
    ]
    return "<br>".join([*facts, label(design.id)])
