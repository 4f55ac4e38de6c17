"""The generated part of `evals/networks/README.md`: what was measured, as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentarch.errors import AgentarchError
from agentarch.kinds.measured import Measurements, RungFound, rungs_found
from agentarch.text import counted

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"

HEADERS = (
    *("task", "chance → ceiling", "seconds per rung", "best and worst seed design"),
    *("spread", "noise", "what it separates"),
)


class NoPlaceForMeasurements(AgentarchError):
    """A page lacks the marks between which measurements are written."""


def render(measurements: Measurements) -> str:
    """Return the generated part as Markdown, from the measurements alone."""
    lines = [
        f"| {' | '.join(HEADERS)} |",
        f"|{'---|' * len(HEADERS)}",
    ]
    told: dict[str, RungFound] = {}
    for name in sorted(measurements.tasks):
        found = rungs_found(measurements.of(name))
        if found:
            lines.append(_row(name, measurements.tasks[name], found))
            told[name] = _told(found)
    wins: dict[str, list[str]] = {}
    for name, one in told.items():
        wins.setdefault(one.best, []).append(name)
    won = "; ".join(f"{design}: {', '.join(names)}" for design, names in sorted(wins.items()))
    return "\n".join(
        [
            *lines,
            "",
            f"Best on each task, of the seed designs that were measured: {won or 'none yet'}.",
            "",
            f"Best and worst lie further apart than equal designs would one time in 20 on {_told_apart(told)}.",
            "",
            "Seconds are of one core, the median over designs. Best, worst, spread and noise (the standard deviation "
            "of a score over training seeds) are of the highest rung that was measured with two seeds, or else of the "
            "highest.",
        ]
    )


def with_measurements(page: str, measurements: Measurements) -> str:
    """Return a page with its generated part written anew.

    Raises:
        NoPlaceForMeasurements: it has not exactly one place for it.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after or END in after:
        raise NoPlaceForMeasurements(f"the page needs one {BEGIN} and, after it, one {END}")
    return f"{before}{BEGIN}\n\n{render(measurements)}\n\n{END}{after}"


def _told(found: tuple[RungFound, ...]) -> RungFound:
    """Return the rung that stands for the task: the highest whose noise is known, else the highest."""
    return next((one for one in reversed(found) if one.noise is not None), found[-1])


def _told_apart(told: Mapping[str, RungFound]) -> str:
    """Return on how many tasks designs are told apart, and on which they are not."""
    others = [f"`{name}`" for name, one in told.items() if not one.separates]
    but = f"; not, or not known to, on {', '.join(others)}" if others else ""
    return f"{len(told) - len(others)} of {counted(len(told), 'task')}{but}"


def _row(name: str, words: Mapping[str, Any], found: tuple[RungFound, ...]) -> str:
    told = _told(found)
    best, worst = (f"{design} {told.scores[design]:.2f}" for design in (told.best, told.worst))
    noise = "unknown" if told.noise is None else f"{told.noise:.3f}"
    cells = (
        f"`{name}`",
        f"{words['metric'].replace('_', ' ')} {words['chance']:.3g} → {words['ceiling']:.3g}",
        ", ".join(f"{one.rung}: {one.median_seconds:.0f}" for one in found),
        f"{best}, {worst} (rung {told.rung}, {counted(told.seeds, 'seed')}, {counted(len(told.scores), 'design')})",
        f"{told.spread:.2f}",
        noise,
        words["separates"],
    )
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
