"""From a run to a router: what it chooses among, what it was fitted on, what it is worth, and its file."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agentarch.design import Contract, Design
from agentarch.execution import Executor
from agentarch.files import write_whole
from agentarch.search.answered import OnDone, Sheets
from agentarch.search.routing.cascades import best_cascades, with_cascades
from agentarch.search.routing.fitting import Answers, NothingToRoute, Policy, fit
from agentarch.search.routing.judging import Judged, judge_router
from agentarch.search.routing.measuring import FITTED, HELD_OUT, measure, pipelines_of
from agentarch.search.routing.writing import clean_label, why_not_alone, write_router
from agentarch.search.session import Run
from agentarch.task import check_rung
from agentarch.text import one_line

FOLDER = "routes"
HIGHEST_DEFAULT_RUNG = 2
KEEP = 0.95
QUESTIONS, HELD_OUT_QUESTIONS = 300, 400


@dataclass(frozen=True)
class Wanted:
    """What a router is asked for.

    Attributes:
        keep: share of the best pipeline's score to keep for as few tokens as can be; None where a price is given.
        price: of a token, as a share of a right answer; None where a share to keep is given.
        questions: of every task to fit on.
        held_out: of every task to judge on.
        rung: of every task; None for the highest that every pipeline has done, up to 2.
    """

    keep: float | None = KEEP
    price: float | None = None
    questions: int = QUESTIONS
    held_out: int = HELD_OUT_QUESTIONS
    rung: int | None = None


@dataclass(frozen=True)
class Route:
    """A router and what is known of it.

    Attributes:
        design: it, as one pipeline.
        policy: its numbers.
        judged: what it is worth on questions that it was not fitted on.
        names: of the pipelines and cascades, by id.
        left_out: why some pipelines are not chosen among, by name.
        rung: of every task.
        fitted_before: of the questions that it was fitted on, how many the run had asked before.
        judged_before: likewise, of those that it was judged on.
    """

    design: Design
    policy: Policy
    judged: Judged
    names: Mapping[str, str]
    left_out: Mapping[str, str]
    rung: int
    fitted_before: int
    judged_before: int

    @property
    def sentence(self) -> str:
        """What it is worth, and whether routing helps at all."""
        return told(self.judged, self.names, self.judged_before)


def route(
    run: Run, wanted: Wanted, sheets: Sheets, executor: Callable[[], Executor], workers: int, on_done: OnDone
) -> Route:
    """Fit a router for a run and judge it.

    Args:
        run: opened; its kind has a broker.
        wanted: what is asked for.
        sheets: of the run.
        executor: see `agentarch.search.answered.Sheets.fill`.
        workers: boxes at a time.
        on_done: see `agentarch.search.answered.Sheets.fill`.

    Raises:
        UsageError: a task has no such rung.
        agentarch.search.routing.fitting.NothingToRoute: there is nothing to choose between.
        agentarch.search.routing.writing.NotWritable: all pipelines together are too long for one file.
    """
    scored = pipelines_of(run.state)
    designs, left_out = writable([one.design for one in scored], run.kind.contract)
    rung = min(*(one.rung for one in scored), HIGHEST_DEFAULT_RUNG) if wanted.rung is None else wanted.rung
    for task in run.tasks:
        check_rung(task, rung)
    counts = {FITTED: wanted.questions, HELD_OUT: wanted.held_out}
    answers, failed = measure(sheets, designs, run.tasks, rung, counts, executor, workers, on_done)
    cascades = best_cascades(answers[FITTED])
    answers = {split: with_cascades(found, cascades) for split, found in answers.items()}
    fitted = fit(answers[FITTED])
    keep = wanted.keep
    policy = fitted.at(wanted.price or 0.0) if keep is None else fitted.policy_that_keeps(keep)
    judged = judge_router(fitted, policy, wanted.keep, answers[HELD_OUT])
    names = {one: one_line(design.name, 60) for one, design in designs.items()}
    names |= {one.id: one.told(names) for one in cascades}
    before = _asked_by(run, sheets)
    fitted_before, judged_before = (_number_in(answers[split], before) for split in (FITTED, HELD_OUT))
    sentence = told(judged, names, judged_before)
    return Route(
        design=write_router(policy, designs, run.kind.contract, sentence, cascades),
        policy=policy,
        judged=judged,
        names=names,
        left_out={**left_out, **{clean_label(designs[one]): why for one, why in failed.items()}},
        rung=rung,
        fitted_before=fitted_before,
        judged_before=judged_before,
    )


def writable(designs: Sequence[Design], contract: Contract) -> tuple[dict[str, Design], dict[str, str]]:
    """Return the designs that can stand in a router, by id, and why the others cannot, by name.

    Raises:
        NothingToRoute: fewer than two can.
    """
    faults = {one.id: why_not_alone(one, contract) for one in designs}
    left_out = {clean_label(one): faults[one.id] for one in designs if faults[one.id]}
    kept = {one.id: one for one in designs if not faults[one.id]}
    if len(kept) < 2:
        said = "; ".join(f"{name}: {why}" for name, why in left_out.items())
        raise NothingToRoute(f"fewer than two pipelines can stand in a router: {said}")
    return kept, left_out


def _asked_by(run: Run, sheets: Sheets) -> dict[str, set[str]]:
    """Return every question that the run has asked, by task."""
    done = [one.request for one in run.state.all_evaluations()]
    return {
        task.name: sheets.questions_of(task, [one for one in done if one.task == task.name])
        for task in run.tasks
    }


def _number_in(answers: Answers, before: Mapping[str, set[str]]) -> int:
    pairs = zip(answers.tasks, answers.questions, strict=True)
    return sum(question in before[task] for task, question in pairs)


def told(judged: Judged, names: Mapping[str, str], asked_before: int = 0) -> str:
    """Return what a router is worth, in plain words.

    Args:
        judged: its numbers.
        names: of the pipelines and cascades, by id.
        asked_before: of the held-out questions, how many the run had asked before.
    """
    best = names[judged.best]
    where = f"{judged.questions:,} held-out questions"
    where += f", {asked_before:,} of which the run had asked before" if asked_before else ""
    kept, low, high = judged.kept
    share = "" if math.isnan(kept) else f"{kept:.1%} [{low:.1%}, {high:.1%}] of "
    only = next(iter(judged.shares)) if len(judged.shares) == 1 else None
    if only in {one.name for one in judged.singles}:
        if only == judged.best:
            why = (
                "At this price no other pipeline is worth its tokens"
                if judged.asked_to_keep is None
                else f"Nothing surely keeps {judged.asked_to_keep:.0%} of what {best} scores for fewer tokens"
            )
            return (
                f"{why}, so {best} is always asked: routing does not help here (fitted on {judged.fitted_on:,} "
                "questions)."
            )
        return (
            f"{names[only]} alone keeps {share}what {best} scores, for {judged.token_share:.1%} of its tokens "
            f"({where}), and no choice between pipelines did so for fewer: routing does not help here."
        )
    router = "The router" if only is None else f"Asking {names[only]}"
    said = f"{router} keeps {share}what {best} scores, the best pipeline, for {judged.token_share:.1%} of its tokens"
    first, second, part = judged.mixture
    mixed = (
        f"always asking {names[first]}"
        if part in (0.0, 1.0)
        else f"mixing {names[first]} and {names[second]} by a coin for as many tokens"
    )
    if judged.helps:
        return f"{said}, and scores {judged.against_mixture} more than {mixed} ({where})."
    lesson = (
        "what is cheap to know of a question does not say here which pipeline it needs"
        if only is None
        else "where its first answers differ is not surely where more is needed"
    )
    return (
        f"{said}. That is not surely more than {mixed} gives: {judged.against_mixture} ({where}); {lesson}."
    )


def save(found: Route, run_folder: Path) -> Path:
    """Write a router's numbers and its design to the run's folder; return the design's file.

    Raises:
        agentarch.errors.AgentarchError: they cannot be written.
    """
    folder = run_folder / FOLDER
    file = folder / "router.py"
    write_whole(file, found.design.source)
    write_whole(folder / "route.json", json.dumps(as_json(found), indent=2) + "\n")
    return file


def as_json(found: Route) -> dict[str, Any]:
    """Return a router as plain values; a number that is not defined is None."""
    judged = asdict(found.judged)
    judged["kept"] = [None if math.isnan(one) else one for one in found.judged.kept]
    return {
        "sentence": found.sentence,
        "helps": found.judged.helps,
        "design": found.design.id,
        "rung": found.rung,
        "asked_before": {"fitted_on": found.fitted_before, "questions": found.judged_before},
        "names": dict(found.names),
        "left_out": dict(found.left_out),
        "policy": asdict(found.policy),
        **judged,
    }
