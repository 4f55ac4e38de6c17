"""How each arm of a run got where it is: a point for whatever changed, over evaluations and over cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentarch.qd import Axis
from agentarch.search.arm import BASELINE, Arm
from agentarch.search.state import RunState
from agentarch.store import EVALUATIONS, Event
from agentarch.task import AnyTask


def progress(
    tasks: Sequence[AnyTask], axes: tuple[Axis, ...], events: Iterable[Event]
) -> list[dict[str, Any]]:
    """Return the points of every arm that proposed, in order, by living through the log once more.

    What the seeds of a run cost and scored counts in every arm.
    """
    state = RunState.empty(tasks, axes)
    courses = {name: _Course(arm) for name, arm in state.arms.items() if name != BASELINE}
    for event in events:
        state.apply(event)
        if event.kind == "evaluated":
            request = EVALUATIONS.validate_python(event.body["evaluation"]).request
            for arm in state.arms_of(request.design_id):
                if arm.name in courses and request.split == "search":
                    courses[arm.name].look()
    return [point for course in courses.values() for point in course.points()]


@dataclass
class _Course:
    arm: Arm
    _evaluations: int = 0
    _points: list[dict[str, Any]] = field(default_factory=list)
    _changed_at: tuple[Any, ...] = (None, 0.0)
    _last: dict[str, Any] | None = None

    def look(self) -> None:
        """Take note of one more evaluation of the arm."""
        self._evaluations += 1
        best, coverage = self.arm.archive.best, self.arm.archive.coverage
        self._last = {
            "arm": self.arm.name,
            "evaluations": self._evaluations,
            "cpu_seconds": self.arm.cpu_seconds,
            "best": None if best is None else best.score.value,
            "interval": None if best is None else [best.score.low, best.score.high],
            "rung": None if best is None else best.rung,
            "coverage": coverage,
        }
        now = (None if best is None else (best.rung, best.score), coverage)
        if now != self._changed_at:
            self._points.append(self._last)
            self._changed_at = now

    def points(self) -> list[dict[str, Any]]:
        """Return a point for every change, and one for where the arm stands now."""
        is_new = self._points and self._last is not self._points[-1]
        return [*self._points, self._last] if is_new and self._last else self._points
