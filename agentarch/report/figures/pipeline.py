"""How a design asks, drawn as an SVG: steps in columns by level, and what feeds what, as thick as it is frequent.

Colours are the page's own variables, so the drawing follows its light. It is text and lines only: it needs no script,
and it can be read out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from agentarch.report.contract import PipelinePart, PipelineStep
from agentarch.text import one_line
from agentarch.wording import number_text

MOST_DRAWN = 16
"""Steps of a drawing; the table below it has the others."""

_BOX_WIDTH, _BOX_HEIGHT = 192, 84
_GAP_X, _GAP_Y, _MARGIN = 64, 22, 10
_END_WIDTH = 74
_LANE = 12
"""Links that pass a column by run below all boxes, those of one level in a lane of their own so far apart."""

_LINE_CHARACTERS = 25
_WEAK = 0.1
"""Links of fewer questions are not drawn."""


@dataclass(frozen=True)
class PipelineFigure:
    """A drawn pipeline.

    Attributes:
        svg: the drawing.
        summary: what it shows, for those who cannot see it.
        left_out: steps that are not drawn.
    """

    svg: Markup
    summary: str
    left_out: int


@dataclass(frozen=True)
class _Box:
    x: float
    y: float
    width: float = _BOX_WIDTH
    height: float = _BOX_HEIGHT

    @property
    def left(self) -> tuple[float, float]:
        return self.x, self.y + self.height / 2

    @property
    def right(self) -> tuple[float, float]:
        return self.x + self.width, self.y + self.height / 2


def pipeline_figure(pipeline: PipelinePart) -> PipelineFigure | None:
    """Return the drawing of a typical graph; None when it has no steps."""
    steps = sorted(pipeline.steps, key=lambda step: -step.share * step.calls)[:MOST_DRAWN]
    steps.sort(key=lambda step: step.number)
    if not steps:
        return None
    boxes, start, end, width, height = _laid_out(steps)
    lanes = {x: height + _LANE * at for at, x in enumerate(sorted({start.x, *(b.x for b in boxes.values())}))}
    drawn = {step.number for step in steps}
    links = [
        one
        for one in pipeline.links
        if one.share >= _WEAK and (one.start == 0 or one.start in drawn) and (one.to == 0 or one.to in drawn)
    ]
    reach = [
        lanes[start.x if one.start == 0 else boxes[one.start].x]
        for one in links
        if _passes_by(start if one.start == 0 else boxes[one.start], end if one.to == 0 else boxes[one.to])
    ]
    lines = [
        _link(
            start if one.start == 0 else boxes[one.start],
            end if one.to == 0 else boxes[one.to],
            one.share,
            f"{_name(one.start, 'the question')} feeds {_name(one.to, 'the final answer')} "
            f"in {one.share:.0%} of the questions",
            lanes,
        )
        for one in sorted(links, key=lambda one: one.share)
    ]
    worst = max((step.first_errors for step in steps), default=0)
    summary = _summary(pipeline, steps)
    height = max(height, max(reach, default=0.0) + _LANE)
    svg = "".join(
        (
            f'<svg class="pipeline" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
            f'height="{height:.0f}" role="img" aria-label="{escape(summary)}">',
            *lines,
            _end(start, "question"),
            *(_step(step, boxes[step.number], bool(worst) and step.first_errors == worst) for step in steps),
            _end(end, "answer"),
            "</svg>",
        )
    )
    return PipelineFigure(Markup(svg), summary, len(pipeline.steps) - len(steps))


def _laid_out(steps: list[PipelineStep]) -> tuple[Mapping[int, _Box], _Box, _Box, float, float]:
    """Return where each step, the question and the answer stand, and the size of the drawing."""
    levels = sorted({step.level for step in steps})
    columns = [[step for step in steps if step.level == level] for level in levels]
    tallest = max(map(len, columns))
    height = 2 * _MARGIN + tallest * _BOX_HEIGHT + (tallest - 1) * _GAP_Y
    boxes = {}
    x = float(_MARGIN + _END_WIDTH + _GAP_X)
    for column in columns:
        taken = len(column) * _BOX_HEIGHT + (len(column) - 1) * _GAP_Y
        y = (height - taken) / 2
        for step in column:
            boxes[step.number] = _Box(x, y)
            y += _BOX_HEIGHT + _GAP_Y
        x += _BOX_WIDTH + _GAP_X
    middle = height / 2 - 15
    start, end = _Box(_MARGIN, middle, _END_WIDTH, 30), _Box(x, middle, _END_WIDTH, 30)
    return boxes, start, end, x + _END_WIDTH + _MARGIN, height


def _passes_by(start: _Box, end: _Box) -> bool:
    """Whether there is a column between two boxes."""
    return end.left[0] - start.right[0] > _GAP_X + 1


def _link(start: _Box, end: _Box, share: float, told: str, lanes: Mapping[float, float]) -> str:
    (x1, y1), (x2, y2) = start.right, end.left
    half, tip = _GAP_X / 2, x2 - 7
    if _passes_by(start, end):
        lane, near, far = lanes[start.x], x1 + half, x2 - half
        path = (
            f"M{x1:.0f},{y1:.0f} C{near:.0f},{y1:.0f} {x1 + 4:.0f},{lane:.0f} {x1 + _GAP_X:.0f},{lane:.0f} "
            f"H{x2 - _GAP_X:.0f} C{x2 - 8:.0f},{lane:.0f} {far:.0f},{y2:.0f} {tip:.0f},{y2:.0f}"
        )
    else:
        path = f"M{x1:.0f},{y1:.0f} C{x1 + half:.0f},{y1:.0f} {x2 - half:.0f},{y2:.0f} {tip:.0f},{y2:.0f}"
    head = f"M{x2 - 8:.0f},{y2 - 4:.0f} L{x2:.0f},{y2:.0f} L{x2 - 8:.0f},{y2 + 4:.0f} Z"
    return (
        f'<g class="link" opacity="{0.35 + 0.65 * share:.2f}"><title>{escape(told)}</title>'
        f'<path d="{path}" stroke-width="{1 + 4 * share:.1f}"/><path class="head" d="{head}"/></g>'
    )


def _end(box: _Box, text: str) -> str:
    x, y = box.x + box.width / 2, box.y + box.height / 2 + 4
    return (
        f'<g class="end"><rect x="{box.x:.0f}" y="{box.y:.0f}" width="{box.width:.0f}" height="{box.height:.0f}" '
        f'rx="15"/><text x="{x:.0f}" y="{y:.0f}" text-anchor="middle">{text}</text></g>'
    )


def _step(step: PipelineStep, box: _Box, is_worst: bool) -> str:
    first, second = _two_lines(one_line(step.label, 2 * _LINE_CHARACTERS) or "(empty)")
    times = f"×{step.calls:.1f}" if step.calls > 1.05 else ""  # noqa: RUF001 - a multiplication sign is meant
    usual = f"in {step.share:.0%}" if step.share < 0.995 else ""
    facts = ", ".join(part for part in (f"{number_text(step.tokens)} tokens", usual) if part)
    x = box.x + 12
    parts = [
        f'<g class="step{" worst" if is_worst else ""}"><title>{escape(_told(step))}</title>',
        f'<rect x="{box.x:.0f}" y="{box.y:.0f}" width="{box.width}" height="{box.height}" rx="8"/>',
        _text("number", x, box.y + 18, f"{step.number}"),
        _text("times", box.x + box.width - 12, box.y + 18, times, "end"),
        _text("label", x, box.y + 35, first),
        _text("label", x, box.y + 49, second),
        _text("facts", x, box.y + 65, facts),
    ]
    if step.first_errors:
        told = f"▲ wrong first: {step.first_errors:,} ({step.first_error_share:.0%})"
        parts.append(_text("blame", x, box.y + 78, told))
    return "".join((*parts, "</g>"))


def _text(kind: str, x: float, y: float, text: str, anchor: str = "start") -> str:
    return (
        f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(text)}</text>'
        if text
        else ""
    )


def _two_lines(label: str) -> tuple[str, str]:
    """Cut a label at a space so that it fits on two lines."""
    if len(label) <= _LINE_CHARACTERS:
        return label, ""
    at = label.rfind(" ", 0, _LINE_CHARACTERS + 1)
    first, rest = (
        (label[:at], label[at + 1 :]) if at > 0 else (label[:_LINE_CHARACTERS], label[_LINE_CHARACTERS:])
    )
    return first, rest if len(rest) <= _LINE_CHARACTERS else f"{rest[: _LINE_CHARACTERS - 1]}…"


def _told(step: PipelineStep) -> str:
    facts = [
        f"step {step.number}: {one_line(step.label, 120)}",
        f"{step.calls:.1f} calls in {step.share:.0%} of the questions, {number_text(step.tokens)} tokens each",
    ]
    if step.right is not None:
        facts.append(f"{step.right:.0%} of its calls say the right answer")
    if step.first_errors:
        facts.append(f"wrong first on {step.first_errors:,} questions")
    return "; ".join(facts)


def _name(number: int, end: str) -> str:
    return f"step {number}" if number else end


def _summary(pipeline: PipelinePart, steps: list[PipelineStep]) -> str:
    told = [
        f"{one_line(step.label, 60)} ({step.calls:.1f} calls"
        + (f", wrong first on {step.first_errors}" if step.first_errors else "")
        + ")"
        for step in steps
    ]
    return f"{len(pipeline.steps)} steps over {pipeline.questions:,} questions: {'; '.join(told)}."
