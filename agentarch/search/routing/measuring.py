"""Which pipelines of a run a router chooses among, and what they answer to questions drawn for it alone.

An elite's luck on the search's own questions is none of its merit, so the seeds are others. A task that draws from a
file has only so many questions, and may draw again what the run has asked: the router says of how many that holds.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from itertools import product

import numpy as np

from agentarch.design import Design
from agentarch.evaluation import Request, ScoredDesign
from agentarch.execution import Executor
from agentarch.search.answered import OnDone, Sheet, Sheets
from agentarch.search.routing.fitting import Answers, NothingToRoute
from agentarch.search.state import RunState
from agentarch.seeding import ROUTER_SEEDS
from agentarch.task import AnyTask
from agentarch.text import one_line

MOST_PIPELINES = 12
FITTED, HELD_OUT = "search", "confirm"
"""The splits that a router is fitted on, and judged on."""


def pipelines_of(state: RunState) -> list[ScoredDesign]:
    """Return the elites that a router may choose among, cheapest first.

    Where there are many, those that no other beats on score and tokens come first, then those that only they beat, and
    so on (non-dominated sorting, Goldberg 1989): such a set spans the front from cheap to good.

    Raises:
        NothingToRoute: there are fewer than two.
    """
    left = [one for one in state.archive.elites.values() if one.descriptors.get("tokens", 0) > 0]
    if len(left) < 2:
        raise NothingToRoute(
            f"the run has {len(left)} elites, and a router chooses among two at least; search on with a larger budget"
        )
    rung = min(one.rung for one in left)  # scores of different rungs are never compared
    shared = max((r for r in range(rung + 1) if all(r in one.scores for one in left)), default=None)
    chosen: list[ScoredDesign] = []
    while left and len(chosen) < MOST_PIPELINES:
        front = [one for one in left if not any(_beats(other, one, shared) for other in left)]
        front.sort(key=lambda one: -_score(one, shared))
        chosen += front[: MOST_PIPELINES - len(chosen)]
        left = [one for one in left if one not in front]
    return sorted(chosen, key=lambda one: (one.descriptors["tokens"], one.design.id))


def requests_for(
    designs: Sequence[str], tasks: Sequence[AnyTask], rung: int, questions: int, split: str
) -> list[Request]:
    """Return the evaluations that ask so many questions of every task, design by design in the order given."""
    found = []
    for design, task in product(designs, tasks):
        seeds = -(-questions // task.rungs[rung].scored_items)
        found += [Request(design, task.name, rung, ROUTER_SEEDS[seed], split) for seed in range(seeds)]
    return found


def measure(
    sheets: Sheets,
    designs: Mapping[str, Design],
    tasks: Sequence[AnyTask],
    rung: int,
    counts: Mapping[str, int],
    executor: Callable[[], Executor],
    workers: int,
    on_done: OnDone,
) -> tuple[Mapping[str, Answers], Mapping[str, str]]:
    """Return what pipelines answered on each split, and why some are left out, by id.

    Args:
        sheets: of the run.
        designs: by id, cheapest first.
        tasks: of the run.
        rung: of every task.
        counts: questions of every task, by split.
        executor: see `Sheets.fill`.
        workers: boxes at a time.
        on_done: see `Sheets.fill`.

    Raises:
        NothingToRoute: fewer than two pipelines have answered everything.
    """
    by_name = {task.name: task for task in tasks}
    wanted = {
        split: requests_for(list(designs), tasks, rung, count, split) for split, count in counts.items()
    }
    # Of one design both splits, then of the next: what is there when someone stops it is of use.
    order = {design: at for at, design in enumerate(designs)}
    requests = sorted(
        (one for found in wanted.values() for one in found), key=lambda one: order[one.design_id]
    )
    found = sheets.fill(designs, by_name, requests, executor, workers, on_done)
    left_out = {}
    for one in requests:
        sheet = found.get(one)
        if sheet is None:
            left_out[one.design_id] = (
                "it was not answered through a fault of ours; the same command tries again"
            )
        elif not sheet.questions:
            left_out[one.design_id] = f"{sheet.outcome.value}: {sheet.reason}"
    kept = [one for one in designs if one not in left_out]
    if len(kept) < 2:
        told = "; ".join(f"{one_line(designs[one].label, 80)}: {why}" for one, why in left_out.items())
        raise NothingToRoute(
            f"fewer than two pipelines answered everything, so there is nothing to choose: {told}"
        )
    answers: dict[str, Answers] = {}
    seen: set[str] = set()
    for split in wanted:  # a question that two splits of a task share is of the first
        answers[split] = _answers(kept, wanted[split], found, counts[split], seen)
        seen.update(answers[split].questions)
    return answers, left_out


def _answers(
    designs: Sequence[str],
    requests: Sequence[Request],
    sheets: Mapping[Request, Sheet],
    count: int,
    seen: Container[str],
) -> Answers:
    """Return answers side by side: of every task the same number of questions, none of them twice or seen before."""
    by_design: dict[str, dict[str, dict[str, tuple[float, int, str]]]] = {one: {} for one in designs}
    for request in requests:
        if request.design_id in by_design:
            sheet = sheets[request]
            rows = by_design[request.design_id].setdefault(request.task, {})
            found = zip(sheet.questions, sheet.scores, sheet.tokens, sheet.answers, strict=True)
            for question, score, tokens, said in found:
                if question not in seen:
                    rows.setdefault(question, (score, tokens, said))
    first = by_design[designs[0]]
    number = min([count, *(len(rows) for rows in first.values())])
    asked = [(task, question) for task, rows in first.items() for question in list(rows)[:number]]
    rows_of = [[by_design[one][task][question] for task, question in asked] for one in designs]
    cells = np.array([[row[:2] for row in found] for found in rows_of], float)
    return Answers(
        designs=tuple(designs),
        questions=tuple(question for _, question in asked),
        tasks=tuple(task for task, _ in asked),
        scores=cells[:, :, 0],
        tokens=cells[:, :, 1],
        said=tuple(tuple(said for *_, said in found) for found in rows_of),
    )


def _beats(one: ScoredDesign, other: ScoredDesign, rung: int | None) -> bool:
    mine, others = one.descriptors["tokens"], other.descriptors["tokens"]
    better = _score(one, rung) >= _score(other, rung) and mine <= others
    return better and (mine < others or _score(one, rung) > _score(other, rung))


def _score(one: ScoredDesign, rung: int | None) -> float:
    return (one.score if rung is None else one.scores[rung]).value
