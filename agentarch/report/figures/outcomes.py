"""How the evaluations of every proposer ended."""

from __future__ import annotations

from agentarch.report.contract import Outcomes
from agentarch.report.figures.base import Figure, label, layout

ORDER = ("scored", "invalid", "timeout", "out_of_memory", "output_limit", "infrastructure")
"""Outcomes as they are drawn and listed; others follow."""

ALL = "all"


def outcome_names(outcomes: Outcomes) -> list[str]:
    """Return every outcome that occurred, in the order in which outcomes are listed."""
    found = {
        name
        for counts in (outcomes.by_class, *outcomes.by_proposer.values())
        for name, count in counts.items()
        if count
    }
    return [name for name in ORDER if name in found] + sorted(found - set(ORDER))


def outcomes_figure(outcomes: Outcomes) -> Figure | None:
    """Return the drawing of outcomes as shares of each proposer's evaluations; None when nothing has ended."""
    names = outcome_names(outcomes)
    if not names:
        return None
    rows = [
        (who, counts)
        for who, counts in ((ALL, outcomes.by_class), *sorted(outcomes.by_proposer.items()))
        if any(counts.values())
    ]
    totals = {who: sum(counts.values()) for who, counts in rows}
    ends = [f"{label(who, 24)} ({totals[who]:,})" for who, _ in rows]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": label(name),
            "y": ends,
            "x": [counts.get(name, 0) / totals[who] for who, counts in rows],
            "marker": {
                "color": f"var(--outcome-{name.replace('_', '-') if name in ORDER else 'other'})",
                "line": {"width": 1, "color": "var(--page)"},
            },
            "hoverinfo": "text",
            "hovertext": [
                f"<b>{label(who)}</b><br>{counts.get(name, 0):,} {label(name.replace('_', ' '))}, "
                f"{counts.get(name, 0) / totals[who]:.1%}"
                for who, counts in rows
            ],
        }
        for name in names
    ]
    told = ", ".join(f"{outcomes.by_class.get(name, 0):,} {name.replace('_', ' ')}" for name in names)
    return Figure(
        name="outcomes",
        title="Share of evaluations by how they ended",
        traces=traces,
        layout=layout(
            barmode="stack",
            bargap=0.35,
            xaxis={"tickformat": ".0%", "range": [0, 1], "ticklabeloverflow": "allow"},
            yaxis={"type": "category", "autorange": "reversed", "ticksuffix": "  "},
            margin={"l": 12, "r": 24, "t": 4, "b": 32},
        ),
        summary=f"All evaluations: {told}.",
        height=60 + 40 * len(rows),
    )
