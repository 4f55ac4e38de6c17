"""What each part of a design contributes: the design and what is left without the part, paired by task and seed.

Changes nothing in the run. The seeds are none that a search uses, so that the luck by which a design became an elite is
not taken for the merit of its parts.
"""

from __future__ import annotations

import contextlib
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

from agentarch.catalogue import seed_designs
from agentarch.design import Design, DesignError, Proposal, read_design
from agentarch.errors import AgentarchError
from agentarch.evaluation import Cells, Evaluation, Outcome, Request, Score
from agentarch.execution import Executor
from agentarch.files import write_whole
from agentarch.kinds import Kind
from agentarch.proposers.ablation import Ablation, ablations
from agentarch.proposers.anatomy import Anatomy, NotRecombinableError
from agentarch.proposers.parts import mixes
from agentarch.proposers.reading import read_anatomy
from agentarch.proposers.variation import plain_name
from agentarch.scoring import Difference, Noise, NoisePool, difference
from agentarch.scoring.evidence import LEVEL
from agentarch.seeding import KNOCKOUT_SEEDS
from agentarch.task import AnyTask

FOLDER = "knockouts"
ATTEMPTS = 3
SMALLEST_EFFECT = 0.01
"""A difference below this is none, however little it varies: it is that of a few items."""

NEEDED, NO_EFFECT, BETTER_WITHOUT = "needed", "no effect seen", "better without"
FAILS_WITHOUT, NOT_MEASURED = "fails without it", "not measured"


class NotReadable(AgentarchError):
    """The design cannot be taken apart; the message says why."""


@dataclass(frozen=True)
class Contribution:
    """What one part of a design contributed.

    Attributes:
        part: in words.
        done: what was done with it.
        verdict: `needed`, `no effect seen`, `better without`, `fails without it`, or `not measured`.
        difference: score with the part less score without it, mean over tasks; None when one failed.
        low: lower end of its 95% interval, which holds for all parts at once.
        high: upper end.
        n: pairs of evaluations behind it.
        by_task: the difference on each task.
        parameters: of what is left, on the first task; None when it was never built.
        reason: why it failed; empty when it did not.
        source: of what is left.
    """

    part: str
    done: str
    verdict: str
    difference: float | None
    low: float | None
    high: float | None
    n: int
    by_task: Mapping[str, float]
    parameters: int | None
    reason: str
    source: str


@dataclass(frozen=True)
class Knockout:
    """What every part of a design contributed.

    Attributes:
        design: its id.
        name: what it calls itself.
        rung: at which all were evaluated.
        seeds: how many each was given on each task.
        scores: of the whole design, mean over seeds, by task.
        parameters: of the whole design, on the first task.
        contributions: of its parts.
    """

    design: str
    name: str
    rung: int
    seeds: int
    scores: Mapping[str, float]
    parameters: int | None
    contributions: tuple[Contribution, ...]


def parts_of(design: Design, kind: Kind) -> tuple[tuple[Ablation, Design], ...]:
    """Return what is left of a design without each of its parts, screened like any proposal.

    Raises:
        NotReadable: it is not laid out so that parts can be told apart, or nothing can be taken from it.
    """
    try:
        anatomy = read_anatomy(design.source)
    except NotRecombinableError as error:
        raise NotReadable(f"the design {design.id} cannot be read part by part: {error}") from None
    found = []
    for one in ablations(anatomy, plain_name(design), _plain(kind)):
        proposal = Proposal(
            one.source, design.name, proposer="knockout", operator="remove", parents=(design.id,)
        )
        with contextlib.suppress(DesignError):
            found.append((one, read_design(proposal, kind.contract)))
    if not found:
        raise NotReadable(f"the design {design.id} has no part that could be taken away")
    return tuple(found)


def knock_out(
    design: Design,
    kind: Kind,
    tasks: Sequence[AnyTask],
    rung: int,
    seeds: int,
    executor: Executor,
    workers: int = 1,
    on_done: Callable[[int, int], None] = lambda done, all_: None,
) -> Knockout:
    """Measure what every part of a design contributes.

    Args:
        design: laid out by the convention of `archive/README.md`.
        kind: of the design, with the run's secret.
        tasks: to score on.
        rung: of each task.
        seeds: on each task, at least 2.
        executor: started; closed when this is interrupted.
        workers: boxes at a time.
        on_done: told how many evaluations are done, of how many.

    Raises:
        NotReadable: see `parts_of`.
        agentarch.execution.ExecutionStopped: the executor was closed meanwhile.
    """
    variants = parts_of(design, kind)
    designs = {one.id: one for one in (design, *(left for _, left in variants))}
    by_name = {task.name: task for task in tasks}
    requests = [
        Request(one, task, rung, KNOCKOUT_SEEDS[seed])
        for one, task, seed in product(designs, by_name, range(seeds))
    ]

    def evaluate(request: Request) -> Evaluation:
        for _ in range(ATTEMPTS):
            done = kind.evaluate(designs[request.design_id], by_name[request.task], request, executor)
            if done.outcome is not Outcome.INFRASTRUCTURE:
                break
        return done

    results: dict[str, list[Evaluation]] = {one: [] for one in designs}
    pool = ThreadPoolExecutor(workers)
    try:
        futures = [pool.submit(evaluate, request) for request in requests]
        for count, future in enumerate(as_completed(futures), 1):
            done = future.result()
            results[done.request.design_id].append(done)
            on_done(count, len(requests))
    except BaseException:
        executor.close()  # so that what is under way ends, too
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    whole = results[design.id]
    level = 1 - (1 - LEVEL) / len(variants)  # so that all intervals hold at once (Bonferroni)
    noise = NoisePool()
    for one, found in results.items():
        noise.put(one, _cells(found))
    return Knockout(
        design=design.id,
        name=design.name,
        rung=rung,
        seeds=seeds,
        scores={
            task: statistics.fmean(score.value for score in found.values())
            for task, found in _cells(whole).items()
        },
        parameters=_parameters(whole, tasks[0].name),
        contributions=tuple(
            _contribution(ablation, whole, results[left.id], noise.noise, level, tasks[0].name)
            for ablation, left in variants
        ),
    )


def save(knockout: Knockout, run_folder: Path) -> Path:
    """Write a knockout to the run's folder, whole or not at all; return the file.

    Raises:
        AgentarchError: it cannot be written.
    """
    file = run_folder / FOLDER / f"{knockout.design}.json"
    write_whole(file, json.dumps(asdict(knockout), indent=2) + "\n")
    return file


def _contribution(
    ablation: Ablation,
    whole: Sequence[Evaluation],
    left: Sequence[Evaluation],
    noise: Noise,
    level: float,
    first_task: str,
) -> Contribution:
    with_it, without = _cells(whole), _cells(left)
    failed = next((one for one in (*whole, *left) if one.score is None), None)
    found = difference(with_it, without, noise, level) if failed is None else None
    return Contribution(
        part=ablation.part,
        done=ablation.done,
        verdict=_verdict(found, failed is not None and _is_its_fault(failed, whole)),
        difference=None if found is None else found.value,
        low=None if found is None else found.low,
        high=None if found is None else found.high,
        n=0 if found is None else found.n,
        by_task=_by_task(with_it, without),
        parameters=_parameters(left, first_task),
        reason="" if failed is None else f"{failed.outcome.value}: {failed.reason}",
        source=ablation.source,
    )


def _by_task(with_it: Cells, without: Cells) -> dict[str, float]:
    """Return the mean difference on each task that both have a seed of."""
    return {
        task: statistics.fmean(with_it[task][seed].value - without[task][seed].value for seed in seeds)
        for task in with_it
        if task in without and (seeds := with_it[task].keys() & without[task].keys())
    }


def _is_its_fault(failed: Evaluation, whole: Sequence[Evaluation]) -> bool:
    """Whether what is left failed where the whole did not, and not by a fault of ours."""
    return all(one.score is not None for one in whole) and failed.outcome is not Outcome.INFRASTRUCTURE


def _verdict(difference: Difference | None, fails: bool) -> str:
    if difference is None:
        return FAILS_WITHOUT if fails else NOT_MEASURED
    if difference.low > 0 and difference.value >= SMALLEST_EFFECT:
        return NEEDED
    if difference.high < 0 and difference.value <= -SMALLEST_EFFECT:
        return BETTER_WITHOUT
    return NO_EFFECT


def _cells(evaluations: Sequence[Evaluation]) -> Cells:
    cells: dict[str, dict[int, Score]] = {}
    for one in evaluations:
        if one.score is not None:
            cells.setdefault(one.request.task, {})[one.request.seed] = one.score
    return cells


def _parameters(evaluations: Sequence[Evaluation], task: str) -> int | None:
    found = [one.parameters for one in evaluations if one.request.task == task and one.parameters is not None]
    return found[0] if found else None


def _plain(kind: Kind) -> Anatomy:
    """Return a seed design that has a feed forward."""
    for seed in seed_designs(kind.contract):
        with contextlib.suppress(NotRecombinableError):
            anatomy = read_anatomy(seed.source)
            if any(not mixes(part) for part in anatomy.parts):
                return anatomy
    raise NotReadable("no seed design has a feed forward to put in a mixer's place")
