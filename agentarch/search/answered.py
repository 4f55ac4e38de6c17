"""What designs answered, question by question, beyond a run's own evaluations: kept beside the run, so paid once.

Each design on each set of questions is a file of its own, written whole once it is answered; whoever is killed goes on
with what lacks. Nothing here enters the run's log but what asking models cost.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from agentarch.design import Design
from agentarch.evaluation import Evaluation, Outcome, Request, Score
from agentarch.execution import Executor
from agentarch.files import write_whole
from agentarch.kinds import Kind
from agentarch.kinds.agent import AgentKind
from agentarch.scoring import score_items
from agentarch.task import AnyTask
from agentarch.traces import read_trace

FOLDER = "sheets"
"""Of a run, in which what was answered lies."""

ATTEMPTS = 3

OnDone = Callable[[int, int], None]


@dataclass(frozen=True)
class Sheet:
    """What one design answered to one set of questions.

    Attributes:
        request: design, task, split, rung and seed.
        models: that it could ask.
        outcome: how it ended; without a score, the lists below are empty.
        reason: why it has no score.
        questions: as it was asked.
        answers: as it answered; empty where it failed.
        scores: of each answer, mapped as a score is.
        tokens: that each took, prompts and answers together.
        dollars: that all took together, at the given prices.
    """

    request: Request
    models: tuple[str, ...]
    outcome: Outcome
    reason: str = ""
    questions: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    tokens: tuple[int, ...] = ()
    dollars: float = 0.0


_SHEETS = TypeAdapter(Sheet)


class Sheets:
    """The sheets of one run.

    Args:
        folder: of the run.
        kind: of the designs, with the run's secret, a broker, and a folder for traces.
        models: that designs may ask.
    """

    def __init__(self, folder: Path, kind: AgentKind, models: Sequence[str]) -> None:
        self._folder, self._kind, self._models = folder / FOLDER, kind, tuple(models)
        self._fingerprints: dict[tuple[str, int], str] = {}

    def find(self, task: AnyTask, request: Request) -> Sheet | None:
        """Return a sheet that is there already, None when it is not, or was made on other questions."""
        with contextlib.suppress(OSError, ValidationError):
            return _SHEETS.validate_json(self._file(task, request).read_bytes())
        return None

    def fill(
        self,
        designs: Mapping[str, Design],
        tasks: Mapping[str, AnyTask],
        requests: Sequence[Request],
        executor: Callable[[], Executor],
        workers: int = 1,
        on_done: OnDone = lambda done, all_: None,
    ) -> dict[Request, Sheet]:
        """Return the sheets of requests; what is not there is asked now.

        Where asking raises, executor and kind are closed.

        Args:
            designs: by id.
            tasks: by name.
            requests: the cheapest first, for they are asked in this order.
            executor: returns a started one; called only where something lacks.
            workers: boxes at a time.
            on_done: told how many sheets are there, of how many.

        Returns:
            By request; one that failed through no fault of its design's is left out, and asked again next time.

        Raises:
            agentarch.models.BudgetSpent: a ceiling was reached; what was answered is kept.
            agentarch.models.Refused: a provider will not answer as things are.
            agentarch.execution.ExecutionStopped: the executor was closed meanwhile.
        """
        found = {one: sheet for one in requests if (sheet := self.find(tasks[one.task], one)) is not None}
        lacking = [one for one in dict.fromkeys(requests) if one not in found]
        if not lacking:
            return found
        on_done(len(found), len(requests))
        for done in _evaluated(self._kind, designs, tasks, lacking, executor(), workers):
            if done.outcome is not Outcome.INFRASTRUCTURE:
                sheet = self._sheet(done)
                text = _SHEETS.dump_json(sheet).decode()
                write_whole(self._file(tasks[done.request.task], done.request), text + "\n")
                found[done.request] = sheet
            on_done(len(found), len(requests))
        return found

    def questions_of(self, task: AnyTask, requests: Iterable[Request]) -> set[str]:
        """Return every question that requests ask of a task, whichever designs they are about."""
        sets = {replace(one, design_id="") for one in requests}
        return {question for one in sets for question in self._kind.questions(task, one)}

    def _sheet(self, done: Evaluation) -> Sheet:
        dollars = done.measures.get("dollars", 0.0)
        if done.score is None:
            return Sheet(done.request, self._models, done.outcome, done.reason, dollars=dollars)
        assert self._kind.traces is not None
        trace = read_trace(str(done.report["trace"]), self._kind.traces)
        return Sheet(
            done.request,
            self._models,
            done.outcome,
            questions=trace.questions,
            answers=trace.answers,
            scores=done.score.items,
            tokens=tuple(sum(call.tokens for call in calls) for calls in trace.calls),
            dollars=dollars,
        )

    def _file(self, task: AnyTask, request: Request) -> Path:
        key = (request.task, request.rung)
        if key not in self._fingerprints:
            self._fingerprints[key] = self._kind.fingerprint(task, request.rung)
        told = json.dumps([self._models, self._fingerprints[key], asdict(request)])
        return self._folder / f"{hashlib.sha256(told.encode()).hexdigest()[:20]}.json"


def score_of(values: NDArray[np.float64]) -> Score:
    """Return the mean of single questions' scores, `(questions,)`, with its 95% interval and the scores themselves."""
    return replace(score_items(values, 0.0, 1.0), items=tuple(values.tolist()))


def _evaluated(
    kind: Kind,
    designs: Mapping[str, Design],
    tasks: Mapping[str, AnyTask],
    requests: Sequence[Request],
    executor: Executor,
    workers: int,
) -> Iterator[Evaluation]:
    """Evaluate in boxes, and yield each evaluation as it ends; executor and kind are closed when one raises."""

    def evaluate(request: Request) -> Evaluation:
        for _ in range(ATTEMPTS):
            done = kind.evaluate(designs[request.design_id], tasks[request.task], request, executor)
            if done.outcome is not Outcome.INFRASTRUCTURE:
                break
        return done

    pool = ThreadPoolExecutor(workers)
    try:
        futures = [pool.submit(evaluate, request) for request in requests]
        for future in as_completed(futures):
            yield future.result()
    except BaseException:
        executor.close()  # so that what is under way ends, too, in boxes
        kind.close()  # and outside of them, where answers are graded
        raise
    finally:
        pool.shutdown(cancel_futures=True)
