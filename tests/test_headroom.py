"""A run says of each task whether its seeds leave anything to find, from its log alone."""

from dataclasses import replace

import pytest
from support.tricky_pipelines import design

from agentarch.catalogue import find_task
from agentarch.evaluation import Evaluation, Outcome, Request, Score
from agentarch.kinds import make_kind
from agentarch.search.log import Log
from agentarch.search.probe import headroom_warnings
from agentarch.search.state import RunState
from agentarch.store import Store

HARD, EASY, FAIR = 0.1, 0.95, 0.5
"""Scores, of 0 at chance and 1 when perfect."""

DESCRIPTORS = {"tokens": 10.0, "depth": 1.0, "width": 1.0, "revision_share": 0.0}


class Course:
    """A run over agents whose scores are said rather than measured."""

    def __init__(self, store: Store) -> None:
        kind = make_kind("agent", "secret", 512)
        self.store = store
        self.log = Log(store, RunState.empty([find_task("sorting", "agent")], kind.axes))

    def score(self, name: str, *values: float | None, operator: str = "seed") -> None:
        """Add a design and score it at the first rungs; None is a failure."""
        read = design(f"async def solve(question, model):\n    return await model.ask('{name}')\n", name)
        one = replace(read, operator=operator)
        self.store.add_design(one, [Request(one.id, "sorting", rung, 0) for rung in range(2)])
        for value in values:
            lease = self.store.lease(100)
            if value is None:
                found = Evaluation(lease.request, Outcome.INVALID, "raised")
            else:
                found = Evaluation(
                    lease.request,
                    Outcome.SCORED,
                    score=Score(value, value, value, 60),
                    descriptors=DESCRIPTORS,
                )
            self.store.settle(lease, found)

    def warnings(self) -> dict[str, str]:
        self.log.advance()
        return headroom_warnings(self.log.state)


@pytest.fixture
def course(tmp_path):
    store = Store.create(tmp_path / "run", {})
    yield Course(store)
    store.close()


def test_a_task_that_a_seed_has_solved_is_told_at_once(course):
    course.score("single", EASY, FAIR)
    assert course.warnings() == {}, "the smoke run, on a few questions, says nothing"
    course.score("debate", EASY, EASY)
    assert "debate, scores 0.95 already" in course.warnings()["sorting"]


def test_a_hopeless_task_is_told_when_every_seed_has_been_scored(course):
    course.score("single", HARD, HARD)
    course.score("debate", HARD)
    assert course.warnings() == {}
    course.score("evolved", operator="crossover")
    assert course.warnings() == {}, "`debate` may yet do well"
    course.score("anything", HARD, operator="crossover")  # settles what `debate` waits for
    assert "scores 0.10, next to chance" in course.warnings()["sorting"]


def test_seeds_that_fail_are_not_waited_for(course):
    course.score("broken", None)
    course.store.drop_queued("it fails")
    course.score("single", HARD, HARD)
    course.score("evolved", operator="crossover")
    assert "single, scores 0.10" in course.warnings()["sorting"]


def test_nothing_is_said_where_there_is_room_whatever_others_score(course):
    course.score("single", FAIR, FAIR)
    course.score("evolved", EASY, EASY, operator="crossover")
    assert course.warnings() == {}
