"""The paired difference between the leading finalist and the control, with its interval, beside zero."""

from __future__ import annotations

from agentarch.report.contract import Verdict
from agentarch.report.figures.base import Figure, layout


def verdict_figure(verdict: Verdict | None) -> Figure | None:
    """Return the drawing of a verdict's difference; None when it has none."""
    difference = verdict.difference if verdict else None
    if (
        verdict is None
        or difference is None
        or difference.value is None
        or difference.low is None
        or difference.high is None
    ):
        return None
    value, low, high = difference.value, difference.low, difference.high
    control = verdict.control or "control"
    rest = f", n = {difference.n:,}" if difference.n is not None else ""
    reach = 1.25 * max(abs(low), abs(high), abs(value), 0.02)
    told = f"{value:+.3f} [{low:+.3f}, {high:+.3f}]{rest}"
    return Figure(
        name="difference",
        title="Paired difference in score",
        traces=[
            {
                "type": "scatter",
                "mode": "markers",
                "x": [value],
                "y": [0],
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [high - value],
                    "arrayminus": [value - low],
                    "thickness": 3,
                    "width": 8,
                    "color": "var(--accent)",
                },
                "marker": {"size": 14, "color": "var(--accent)"},
                "hoverinfo": "text",
                "hovertext": [told],
            }
        ],
        layout=layout(
            xaxis={
                "range": [-reach, reach],
                "zeroline": True,
                "zerolinewidth": 2,
                "tickformat": "+.2f",
                "title": {
                    "text": "← control better | finalist better →",
                    "font": {"color": "var(--muted)"},
                },
            },
            yaxis={"visible": False, "range": [-1, 1]},
            margin={"l": 12, "r": 12, "t": 4, "b": 44},
        ),
        summary=f"Leading finalist minus {control}: {told}. "
        + ("The interval excludes zero." if low > 0 or high < 0 else "The interval includes zero."),
        height=130,
    )
