"""Whether what a search found holds elsewhere: its finalists and controls on other tasks and models, once.

The test split is used, of tasks that no decision of the run has seen. What was found of a task and a model is kept with
the run and not looked at again, unless that is forced; then every figure says so.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from agentarch.design import Design
from agentarch.errors import AgentarchError, UsageError
from agentarch.evaluation import Request, Score
from agentarch.execution import Executor
from agentarch.files import write_whole
from agentarch.scoring import Difference, difference
from agentarch.scoring.evidence import LEVEL
from agentarch.scoring.headroom import headroom
from agentarch.search.answered import OnDone, Sheet, Sheets, score_of
from agentarch.search.decision import Choice
from agentarch.search.finish import FINALIST, judged_contenders
from agentarch.search.session import Run
from agentarch.search.state import RunState
from agentarch.seeding import TRANSFER_SEEDS
from agentarch.task import AnyTask

FILE_NAME = "transfers.json"
SEEDS_A_LOOK = 10_000
"""Each look at a task and a model has seeds of its own; what they draw from a file may be the same questions."""

SPLIT = "test"


@dataclass(frozen=True)
class Row:
    """What one design did on another task or model.

    Attributes:
        design: its id.
        name: what it calls itself.
        role: `finalist`, or which control.
        is_leader: whether the verdict of the run is about it.
        score: None where it failed.
        low: lower end of the 95% interval.
        high: upper end.
        tokens: a question, prompts and answers together.
        dollars: in all.
        against_control: score less the control's, paired by question, with an interval that holds for all finalists
            of the row at once; None for the control itself, and where either failed.
        reason: why it failed.
    """

    design: str
    name: str
    role: str
    is_leader: bool
    score: float | None = None
    low: float | None = None
    high: float | None = None
    tokens: float | None = None
    dollars: float = 0.0
    against_control: Difference | None = None
    reason: str = ""


@dataclass(frozen=True)
class Transfer:
    """What a run's finalists did on one task with one model.

    Attributes:
        task: its name.
        fingerprint: of the task, for one that is named twice is looked at once.
        model: that was asked.
        rung: of the task.
        wanted: questions that were asked for.
        questions: that each design was asked: fewer than wanted where the task has no more.
        asked_before: of these, how many the run or an earlier look has asked.
        look: 1 for the first; a later one is a choice and no test.
        at: when it was done, seconds since the epoch.
        control: id of the design that the others are compared with: the hardest control of the run's verdict.
        rows: one a design.
        warning: why little can be told from this task and model; empty where much can.
    """

    task: str
    fingerprint: str
    model: str
    rung: int
    wanted: int
    questions: int
    asked_before: int
    look: int
    at: float
    control: str
    rows: tuple[Row, ...]
    warning: str

    @property
    def sentence(self) -> str:
        """Whether the leading finalist beats the control here as well."""
        leader = next(one for one in self.rows if one.is_leader)
        control = next(one for one in self.rows if one.design == self.control)
        found = leader.against_control
        where = f"on {self.task} with {self.model}"
        if found is None:
            return f"{leader.name} and {control.name} cannot be compared {where}: {leader.reason or control.reason}"
        if found.low > 0:
            return f"{leader.name} beats {control.name} {where} as well: {found}"
        if found.high < 0:
            return f"{leader.name} is worse than {control.name} {where}: {found}"
        return f"{leader.name} is not surely better than {control.name} {where}: {found}"

    def is_of(self, task: AnyTask, fingerprint: str, model: str) -> bool:
        """Whether it is of a task, by its name or what it asks, and a model."""
        return self.model == model and (self.task == task.name or self.fingerprint == fingerprint)


_TRANSFERS = TypeAdapter(tuple[Transfer, ...])


@dataclass(frozen=True)
class LineUp:
    """Who is looked at.

    Attributes:
        roles: of each design, by id, the leader first.
        leader: id of the finalist that the verdict is about.
        control: id of the control that it met.
        rung: of the run's finish.
    """

    roles: Mapping[str, str]
    leader: str
    control: str
    rung: int


def line_up_of(state: RunState, folder: Path) -> LineUp:
    """Return the finalists and controls of a run.

    Raises:
        UsageError: the run has not come to its end, or confirmed nothing.
    """
    if not state.decided(Choice.VERDICT):
        raise UsageError(f"the run has no verdict yet; go on with it first: agentarch resume {folder}")
    facts = state.decided(Choice.VERDICT)[-1].facts
    if not state.decided(Choice.FINALISTS) or not facts.get("leader"):
        raise UsageError(
            "the run confirmed no finalist against a control, so there is nothing to transfer; a search with a larger "
            "budget has room for a finish"
        )
    leader, control = facts["leader"]["design"], facts["control"]["design"]
    roles = {one.design_id: one.role for one in reversed(judged_contenders(state))}
    first = [leader, *(one for one in reversed(roles) if one != leader)]
    return LineUp(
        {one: roles[one] for one in first}, leader, control, state.decided(Choice.FINALISTS)[-1].facts["rung"]
    )


def transfers_of(folder: Path) -> tuple[Transfer, ...]:
    """Return what was found before, in order.

    Raises:
        AgentarchError: the file is not what was written.
    """
    file = folder / FILE_NAME
    try:
        return _TRANSFERS.validate_json(file.read_bytes())
    except FileNotFoundError:
        return ()
    except (OSError, ValidationError):
        raise AgentarchError(
            f"{str(file)!r} cannot be read, so nobody knows what was looked at; restore it, or move it away"
        ) from None


def save(found: Sequence[Transfer], folder: Path) -> None:
    """Write everything that was found, whole or not at all.

    Raises:
        AgentarchError: it cannot be written.
    """
    write_whole(folder / FILE_NAME, json.dumps([asdict(one) for one in found], indent=2) + "\n")


def questions_before(task: AnyTask, run: Run, earlier: Sequence[Transfer], sheets: Sheets) -> set[str]:
    """Return every question that the run has asked on its own tasks, and earlier looks at a task have."""
    found: set[str] = set()
    for own in run.tasks:
        done = [one.request for one in run.state.all_evaluations() if one.request.task == own.name]
        found |= sheets.questions_of(own, done)
    for one in earlier:
        if one.rung < len(task.rungs):
            seeds = _seeds(one.wanted, task, one.rung, one.look)
            found |= sheets.questions_of(task, _requests("", one.task, one.rung, seeds))
    return found


def look(
    line_up: LineUp,
    designs: Mapping[str, Design],
    task: AnyTask,
    fingerprint: str,
    model: str,
    rung: int,
    questions: int,
    number: int,
    before: Container[str],
    sheets: Sheets,
    executor: Callable[[], Executor],
    workers: int,
    on_done: OnDone,
) -> Transfer:
    """Ask finalists and controls the questions of one task with one model.

    Args:
        line_up: who is asked.
        designs: by id.
        task: another than the run's, or with another model.
        fingerprint: of the task.
        model: that is asked; the only one of the kind's broker.
        rung: of the task.
        questions: at most so many, none twice.
        number: of the look, from 1.
        before: questions that were asked before; see `questions_before`.
        sheets: of the run, with this model.
        executor: see `agentarch.search.answered.Sheets.fill`.
        workers: boxes at a time.
        on_done: see `agentarch.search.answered.Sheets.fill`.

    Raises:
        AgentarchError: some could not be asked through no fault of theirs; what was answered is kept.
    """
    seeds = _seeds(questions, task, rung, number)
    requests = {one: _requests(one, task.name, rung, seeds) for one in line_up.roles}
    wanted = [request for found in requests.values() for request in found]
    sheets_of = sheets.fill(designs, {task.name: task}, wanted, executor, workers, on_done)
    if lacking := [request for request in wanted if request not in sheets_of]:
        raise AgentarchError(
            f"{len(lacking)} of {len(wanted)} sheets on {task.name} with {model} were not answered, through no fault "
            "of the designs; what was is kept, and the same command asks for the rest"
        )
    answered = {
        one: _together([sheets_of[request] for request in found], questions)
        for one, found in requests.items()
    }
    finalists = sum(role == FINALIST for role in line_up.roles.values())
    rows = tuple(_row(line_up, designs[one], answered, 1 - (1 - LEVEL) / finalists) for one in line_up.roles)
    known = {one.name: one.score for one in rows if one.score is not None}
    asked = max((found.questions for found in answered.values()), key=len)
    return Transfer(
        task=task.name,
        fingerprint=fingerprint,
        model=model,
        rung=rung,
        wanted=questions,
        questions=len(asked),
        asked_before=sum(one in before for one in asked),
        look=number,
        at=time.time(),
        control=line_up.control,
        rows=rows,
        warning=headroom(known),
    )


def _seeds(questions: int, task: AnyTask, rung: int, number: int) -> Sequence[int]:
    """Return the seeds that draw so many questions at a look."""
    first = (number - 1) * SEEDS_A_LOOK
    count = -(-questions // task.rungs[rung].scored_items)
    return [TRANSFER_SEEDS[first + at] for at in range(count)]


def _requests(design: str, task: str, rung: int, seeds: Sequence[int]) -> list[Request]:
    return [Request(design, task, rung, seed, SPLIT) for seed in seeds]


@dataclass(frozen=True)
class _Answered:
    questions: tuple[str, ...]
    scores: tuple[float, ...]
    tokens: tuple[int, ...]
    dollars: float
    reason: str


def _together(sheets: Sequence[Sheet], most: int) -> _Answered:
    """Return what a design answered on several sheets: so many questions at most, none twice."""
    failed = next((one for one in sheets if not one.questions), None)
    dollars = sum(one.dollars for one in sheets)
    if failed is not None:
        return _Answered((), (), (), dollars, f"{failed.outcome.value}: {failed.reason}")
    rows: dict[str, tuple[float, int]] = {}
    for sheet in sheets:
        for question, score, tokens in zip(sheet.questions, sheet.scores, sheet.tokens, strict=True):
            rows.setdefault(question, (score, tokens))
    asked = tuple(rows)[:most]
    kept = [rows[one] for one in asked]
    return _Answered(
        asked, tuple(score for score, _ in kept), tuple(tokens for _, tokens in kept), dollars, ""
    )


def _row(line_up: LineUp, design: Design, answered: Mapping[str, _Answered], level: float) -> Row:
    mine, control = answered[design.id], answered[line_up.control]
    role, is_leader = line_up.roles[design.id], design.id == line_up.leader
    if not mine.scores:
        return Row(design.id, design.name, role, is_leader, dollars=mine.dollars, reason=mine.reason)
    score = _score(mine)
    against = None
    if design.id != line_up.control and control.scores:
        against = difference({"": {0: score}}, {"": {0: _score(control)}}, {}, level)
    return Row(
        design=design.id,
        name=design.name,
        role=role,
        is_leader=is_leader,
        score=score.value,
        low=score.low,
        high=score.high,
        tokens=float(np.mean(mine.tokens)),
        dollars=mine.dollars,
        against_control=against,
    )


def _score(answered: _Answered) -> Score:
    return score_of(np.array(answered.scores))
