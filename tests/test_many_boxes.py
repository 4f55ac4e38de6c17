"""Over many boxes nothing grows, and hostile neighbours change nobody's score by a bit."""

import os
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.designs import SOUND
from support.hostile import HOSTILE
from support.processes import below, memory_of, open_descriptors, wait_until, warm_processes
from support.scoring import came_of, evaluate
from support.tiny import Tiny

from agentarch.evaluation import Outcome
from agentarch.execution import LocalExecutor
from agentarch.execution.contract import MIB

BOXES, BOXES_BEFORE = 1000, 150
MOST_GROWTH = 3 * MIB // 2
ARCHIVE = Path(__file__).parent.parent / "archive" / "networks"
HONEST_SEEDS = 20
ENDLESS_SECONDS = 1.0
"""What a design that would never end is given: long enough to be at it beside others, and it ends no otherwise."""


class Counting(LocalExecutor):
    """Counts its boxes: a job takes several."""

    boxes = 0

    def _box(self, limits):
        self.boxes += 1
        return super()._box(limits)


def measured(warm: int) -> dict[str, int]:
    """Return what must not grow."""
    return {
        "engine's descriptors": open_descriptors(os.getpid()),
        "warm process's descriptors": open_descriptors(warm),
        "processes": len(below(os.getpid())),
        "mounts": len(Path("/proc/self/mountinfo").read_text().splitlines()),
        "warm process's mounts": len(Path(f"/proc/{warm}/mountinfo").read_text().splitlines()),
    }


@pytest.mark.slow
def test_a_thousand_boxes_leave_everything_as_it_was(other_warm_processes):
    executor = Counting("jail")
    executor.start()
    (warm,) = warm_processes() - other_warm_processes
    try:
        while executor.boxes < BOXES_BEFORE:
            evaluate(SOUND, executor)
        wait_until(lambda: len(below(warm)) == 4, "two boxes are ready")
        before, memory = measured(warm), (memory_of(os.getpid())[0], memory_of(warm)[0])
        while executor.boxes < BOXES_BEFORE + BOXES:
            assert evaluate(SOUND, executor).outcome is Outcome.SCORED
        wait_until(lambda: measured(warm) == before, f"what grew is given back: {before}, {measured(warm)}")
        assert memory_of(os.getpid())[0] - memory[0] < MOST_GROWTH
        assert memory_of(warm)[0] - memory[1] < MOST_GROWTH
    finally:
        executor.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_hundred_hostile_designs_change_no_honest_score(executor, nothing_left):
    honest = [
        (path.read_text(), seed) for path in sorted(ARCHIVE.glob("*.py")) for seed in range(HONEST_SEEDS)
    ]
    hostile = [HOSTILE[number % len(HOSTILE)] for number in range(200)]
    assert len(honest) == 200

    def score(work: tuple[str, int]) -> tuple:
        return came_of(evaluate(work[0], executor, task=Tiny(), seed=work[1]))

    def attack(case) -> Outcome:
        seconds = ENDLESS_SECONDS if case.outcome is Outcome.TIMEOUT else case.wall_seconds
        return evaluate(case.source, executor, seconds, case.memory_mib).outcome

    with ThreadPoolExecutor(2) as two:
        calm = list(two.map(score, honest))
        works = [(score, work) for work in honest] + [(attack, case) for case in hostile]
        order = random.Random(0).sample(range(400), 400)
        running = {number: two.submit(works[number][0], works[number][1]) for number in order}
        mixed = [running[number].result() for number in range(200)]
        outcomes = [running[number].result() for number in range(200, 400)]
    assert all(one[0] is Outcome.SCORED for one in calm)
    assert mixed == calm
    assert Outcome.INFRASTRUCTURE not in outcomes
    nothing_left()
    counted = {outcome.value: outcomes.count(outcome) for outcome in sorted(set(outcomes))}
    print(f"\n200 honest scores equal bit for bit beside 200 hostile designs, which ended so: {counted}")
