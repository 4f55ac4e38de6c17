"""Measures seed designs on tasks, cell by cell, each kept as soon as it is known: it can be stopped at any time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from agentarch.design import Design
from agentarch.evaluation import Outcome, Request
from agentarch.execution.contract import Executor
from agentarch.kinds.measured import Cell, Measurements
from agentarch.kinds.network import NetworkKind
from agentarch.task import Task

ATTEMPTS = 3
SECRET = "measured"
"""The secret behind the data of all measurements: everybody who measures gets the same items."""


@dataclass(frozen=True)
class Wanted:
    """One cell that is still to be measured."""

    task: Task
    rung: int
    design: Design
    seed: int
    data: str


def still_wanted(
    tasks: Sequence[Task], rungs: Sequence[int], designs: Sequence[Design], seeds: int, known: Measurements
) -> list[Wanted]:
    """Return the cells that are not known, or are of other data or another source than now.

    Those of one seed come before those of the next, and cheap rungs before dear ones, so that stopping early
    leaves a table that can be used.

    Args:
        tasks: to be measured.
        rungs: of each; a task that has fewer is measured at those it has.
        designs: to measure with.
        seeds: how many, from 0 up.
        known: what was measured before.

    Raises:
        TaskFailed: a task's own code raised.
    """
    kind, wanted = NetworkKind(SECRET), []
    for task in tasks:
        for rung in (one for one in rungs if one < len(task.rungs)):
            data = kind.fingerprint(task, rung)
            for seed in range(seeds):
                for design in designs:
                    cell = known.cells.get((task.name, rung, design.name, seed))
                    if cell is None or (cell.data, cell.design_id) != (data, design.id):
                        wanted.append(Wanted(task, rung, design, seed, data))
    return sorted(wanted, key=lambda one: (one.seed, one.rung))


def measure(
    wanted: Sequence[Wanted],
    executor: Executor,
    workers: int,
    known: Measurements,
    keep: Callable[[Cell], None],
) -> int:
    """Measure cells, several at a time, and hand each on as it is done.

    Args:
        wanted: what to measure.
        executor: started; it is closed when anything is raised.
        workers: boxes at a time.
        known: what each cell is added to.
        keep: called with each cell, one at a time, after it was added.

    Returns:
        How many could not be measured, for no fault of the design; they are wanted still.

    Raises:
        TaskFailed: a task's own code raised.
        agentarch.execution.ExecutionStopped: the executor was closed meanwhile.
    """
    kind, lost = NetworkKind(SECRET), 0
    pool = ThreadPoolExecutor(workers)
    try:
        running = {pool.submit(_measured, one, kind, executor): one for one in wanted}
        for done in as_completed(running):
            cell = done.result()
            if cell is None:
                lost += 1
            else:
                known.add(running[done].task, cell)
                keep(cell)
    except BaseException:
        executor.close()  # so that what runs ends at once
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return lost


def _measured(one: Wanted, kind: NetworkKind, executor: Executor) -> Cell | None:
    """Return a cell, or None when it failed every time for a fault of ours."""
    request = Request(one.design.id, one.task.name, one.rung, one.seed)
    for _ in range(ATTEMPTS):
        found = kind.evaluate(one.design, one.task, request, executor)
        if found.outcome is not Outcome.INFRASTRUCTURE:
            return Cell(
                task=one.task.name,
                rung=one.rung,
                design=one.design.name,
                design_id=one.design.id,
                seed=one.seed,
                data=one.data,
                score=None if found.score is None else round(found.score.value, 5),
                outcome=found.outcome.value,
                seconds=round(found.cost.cpu_seconds, 2),
            )
    return None
