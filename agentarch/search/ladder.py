"""Which evaluations a design gets: the rungs it climbs, and when.

Every design that survives the smoke run is scored on every task at the first ranked rung, so that slow
learners are not judged by their first steps. From there the best quarter of each rung climbs on, as results
come in and without waiting for a whole generation (asynchronous successive halving: Li et al. 2020).
"""

from __future__ import annotations

from collections.abc import Sequence

from agentarch.evaluation import Evaluation, Outcome, Request
from agentarch.search.state import FIRST_RANKED_RUNG, RunState
from agentarch.task import Task

PROMOTED_SHARE = 4
"""One of so many designs of a rung climbs to the next."""

SMOKE_RUNG = 0


class Ladder:
    """The rungs of a run.

    Args:
        tasks: the run's tasks, by name; the smoke run is on the first.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tuple(task.name for task in tasks)
        self.top = min(len(task.rungs) for task in tasks) - 1

    def first(self, design_id: str) -> list[Request]:
        """Return what a new design begins with."""
        return [Request(design_id, self._tasks[0], SMOKE_RUNG, seed=0)]

    def after(self, evaluation: Evaluation, state: RunState) -> list[Request]:
        """Return what follows at once from a finished evaluation."""
        request = evaluation.request
        survived = evaluation.outcome is Outcome.SCORED and request.design_id not in state.same_as
        if request.rung == SMOKE_RUNG and survived and self.top >= FIRST_RANKED_RUNG:
            return self._on_every_task(request.design_id, FIRST_RANKED_RUNG)
        return []

    def promotion(self, state: RunState) -> list[Request]:
        """Return the evaluations of the next design that has earned a higher rung; none when none has.

        Ranks by the upper end of the interval, so that a design is not held back by bad luck in its items.
        """
        for rung in range(self.top - 1, FIRST_RANKED_RUNG - 1, -1):
            contenders = [scored for scored in state.all_scored() if rung in scored.scores]
            contenders.sort(key=lambda scored: scored.scores[rung].high, reverse=True)
            for scored in contenders[: len(contenders) // PROMOTED_SHARE]:
                requests = self._on_every_task(scored.design.id, rung + 1)
                if not all(state.was_requested(request) for request in requests):
                    return requests
        return []

    def _on_every_task(self, design_id: str, rung: int) -> list[Request]:
        return [Request(design_id, task, rung, seed=0) for task in self._tasks]
