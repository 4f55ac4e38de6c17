"""Draws what a router keeps for which tokens as one small HTML file that needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise

from agentarch.search.routing.judging import Judged, Point
from agentarch.text import one_line
from agentarch.wording import number_text

WIDTH, HEIGHT = 860, 460
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 18, 52
_ROOM = 0.06
"""Of the drawing, left free about the points."""

_LABEL = 130
"""Pixels that a name may need."""

_STEPS = 12

_STYLE = """
:root {
  color-scheme: light dark;
  --text: #1d2329; --muted: #5c6670; --line: #d5dbe1; --router: #0b66c2; --best: #b4540a;
}
@media (prefers-color-scheme: dark) {
  :root { --text: #e8ecf0; --muted: #9aa5b1; --line: #3a434d; --router: #6db3ff; --best: #ffb066; }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); max-width: 54rem; margin: 2rem auto; padding: 0 1rem; }
svg { width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: var(--muted); }
.axis { stroke: var(--line); } .hull { stroke: var(--muted); stroke-dasharray: 4 4; fill: none; }
.curve { stroke: var(--router); stroke-width: 2; fill: none; } .router { fill: var(--router); stroke: var(--router); }
.single { fill: var(--muted); stroke: var(--muted); } .best { fill: var(--best); stroke: var(--best); }
table { border-collapse: collapse; width: 100%; } td, th { text-align: right; padding: .2rem .6rem; }
td { white-space: nowrap; }
td:first-child, th:first-child { text-align: left; } tr { border-bottom: 1px solid var(--line); }
"""


def render_route(judged: Judged, names: Mapping[str, str], sentence: str) -> str:
    """Return the page.

    Args:
        judged: what the router is worth.
        names: of the pipelines, by id.
        sentence: the same in words.
    """
    shown = {one: escape(one_line(name, 40)) for one, name in names.items()}
    rows = [*judged.singles, judged.router, judged.oracle]
    best = next(one for one in judged.singles if one.name == judged.best)
    table = "".join(
        f"<tr><td>{shown.get(one.name, one.name)}</td><td>{one.score:.3f} [{one.low:.3f}, {one.high:.3f}]</td>"
        f"<td>{number_text(one.tokens)}</td><td>{one.tokens / max(best.tokens, 1e-9):.0%}</td>"
        f"<td>{_share(judged, one.name)}</td></tr>"
        for one in rows
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>agentarch route</title>'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>Router</h1><p>{escape(sentence)}</p>{_drawing(judged, shown, sentence)}"
        "<p>The line is the router at every price of a token; the ring is the price that was chosen in fitting. Dots "
        "are single pipelines with 95% intervals; what a coin buys between them lies on the broken line, whose "
        "pipelines are picked here with hindsight.</p>"
        "<table><tr><th>way</th><th>score [95%]</th><th>tokens a question</th><th>of the best one's</th>"
        f"<th>questions sent to it</th></tr>{table}</table></html>\n"
    )


def _share(judged: Judged, name: str) -> str:
    return f"{judged.shares[name]:.0%}" if name in judged.shares else ""


def _drawing(judged: Judged, shown: Mapping[str, str], sentence: str) -> str:
    points = [*judged.singles, judged.router, judged.oracle, *(one for _, one in judged.curve)]
    costs = [math.log(max(one.tokens, 1.0)) for one in points]
    x_low, x_high = _padded(min(costs), max(costs))
    y_low, y_high = _padded(min(one.low for one in points), max(one.high for one in points))

    def x(tokens: float) -> float:
        return LEFT + (math.log(max(tokens, 1.0)) - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)

    def y(score: float) -> float:
        return TOP + (y_high - score) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM)

    def line(kind: str, through: Sequence[tuple[float, float]]) -> str:
        path = " ".join(f"{x(tokens):.1f},{y(score):.1f}" for tokens, score in through)
        return f'<polyline class="{kind}" points="{path}"/>'

    def dot(one: Point, kind: str, name: str) -> str:
        at, top, bottom = x(one.tokens), y(one.high), y(one.low)
        side = "end" if at > WIDTH - RIGHT - _LABEL else "start"
        beside = at - 8 if side == "end" else at + 8
        label = f'<text x="{beside:.1f}" y="{y(one.score) - 6:.1f}" text-anchor="{side}">{name}</text>'
        bar = f'<line class="{kind}" x1="{at:.1f}" x2="{at:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"/>'
        size, fill = (7, ' style="fill:none;stroke-width:2.5"') if kind == "router" else (4, "")
        return f'{bar}<circle class="{kind}" cx="{at:.1f}" cy="{y(one.score):.1f}" r="{size}"{fill}/>{label}'

    parts = [line("hull", _mixed(_hull(judged.singles)))]
    curve = sorted(
        {(one.tokens, one.score): one for _, one in judged.curve}.values(), key=lambda one: one.tokens
    )
    parts.append(line("curve", [(one.tokens, one.score) for one in curve]))
    parts += [
        dot(one, "best" if one.name == judged.best else "single", shown.get(one.name, one.name))
        for one in judged.singles
    ]
    parts += [dot(judged.oracle, "single", "oracle"), dot(judged.router, "router", "router")]
    for tick in _ticks(y_low, y_high):
        parts.append(
            f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
            f'<text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.2f}</text>'
        )
    for power in range(-1, 24):
        tokens = 2.0**power
        if x_low <= math.log(max(tokens, 1.0)) <= x_high and tokens >= 1:
            place = f'x="{x(tokens):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle"'
            parts.append(f"<text {place}>{number_text(tokens)}</text>")
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">tokens a question</text>'
        f'<text x="4" y="{TOP}">score</text>'
    )
    label = escape(sentence, quote=True)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _hull(singles: Sequence[Point]) -> list[Point]:
    """Return the single pipelines that no mixture of two others beats here, cheapest first."""
    hull: list[Point] = []
    for one in sorted(singles, key=lambda point: (point.tokens, -point.score)):
        if hull and one.score <= hull[-1].score:
            continue
        while len(hull) > 1 and _slope(hull[-2], hull[-1]) <= _slope(hull[-2], one):
            hull.pop()
        hull.append(one)
    return hull


def _mixed(hull: Sequence[Point]) -> list[tuple[float, float]]:
    """Return tokens and score of mixtures of neighbours; on a logarithmic axis they lie on no straight line."""
    shares = [number / _STEPS for number in range(_STEPS + 1)]
    return [
        (one.tokens + share * (other.tokens - one.tokens), one.score + share * (other.score - one.score))
        for one, other in pairwise(hull)
        for share in shares
    ]


def _slope(one: Point, other: Point) -> float:
    return (other.score - one.score) / max(other.tokens - one.tokens, 1e-9)


def _padded(low: float, high: float) -> tuple[float, float]:
    room = _ROOM * max(high - low, 0.05)
    return low - room, high + room


def _ticks(low: float, high: float) -> list[float]:
    step = next(one for one in (0.02, 0.05, 0.1, 0.2, 0.5) if (high - low) / one <= 9 or one == 0.5)
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]
