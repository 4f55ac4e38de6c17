"""Everything that is particular to agent designs: their contract, what they are asked, how their answers are scored.

Turns a task's questions into an interview, in which each question goes to a fresh process in a box and every call to a
model to the broker, and the answers into a graded evaluation. Labels stay here, and so do names' salts.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from agentarch.broker import Allowance, Broker, BrokerDesk
from agentarch.design import Contract, Design
from agentarch.evaluation import QUARANTINED, Evaluation, Outcome, Request
from agentarch.execution.contract import Ending, Executor, Interview, Interviewed, Limits, Program
from agentarch.kinds.agent_controls import agent_controls
from agentarch.kinds.controls import Controls
from agentarch.kinds.faults import Ungraded, raise_if_over
from agentarch.kinds.judging import judgements
from agentarch.kinds.network import GRADED_DIGITS, ROUNDING, grading_fault
from agentarch.kinds.programs import verdicts
from agentarch.kinds.shelf import Shelf
from agentarch.qd.axes import Axis
from agentarch.scoring import score_items
from agentarch.seeding import derive_seed
from agentarch.task import AgentTask, AnyTask, CodeTask, JudgedTask, QuestionRung, Questions, blamed_on
from agentarch.text import counted, one_line
from agentarch.traces import CallRecord, Shape, Trace, shape_of, write_trace

T = TypeVar("T")

CONTRACT = Contract(
    kind="agent",
    function="solve",
    arguments=2,
    is_async=True,
    allowed_imports=frozenset(
        {
            *(
                "__future__",
                "asyncio",
                "collections",
                "dataclasses",
                "functools",
                "itertools",
                "json",
                "math",
            ),
            *("random", "re", "statistics", "string", "typing"),
        }
    ),
)

AXES: tuple[Axis, ...] = (
    Axis("tokens", 16, 16_384, bins=5, log=True),
    Axis("depth", 1, 16, bins=4, log=True),
    Axis("width", 1, 32, bins=5, log=True),
    Axis("revision_share", 0.0, 1.0, bins=3),
)

IN_FLIGHT = 8
"""So many questions of a box at a time; each has three processes, and a box may have 32."""

SMALLEST_SITTING, LARGEST_SITTING = 24, 96
MOST_FAILED = 0.5
"""A design that fails on more than this share of the questions has no score."""

NEVER_ASKED = "it never asked a model on any question; an agent must"
CACHED_SETS = 16
MOST_REASONS = 5


@dataclass(frozen=True)
class _Materials:
    """What every design is asked for one task, split, rung and seed, with a key for the chance of each question."""

    questions: Questions
    keys: tuple[bytes, ...]


class AgentKind:
    """Pipelines that call language models; see `agentarch.kinds.Kind`.

    Args:
        secret: the run's secret, from which questions and chance are derived.
        broker: answers the designs' calls; that of the embedded model when None.
        memory_bytes: limit on a box's resident memory.
        traces: folder in which every call is kept; None to keep none.
    """

    name = "agent"
    program: Program = "agent"
    contract = CONTRACT
    axes = AXES

    def __init__(
        self,
        secret: str,
        broker: Broker | None = None,
        memory_bytes: int = Limits.memory_bytes,
        traces: Path | None = None,
    ) -> None:
        self._secret, self._memory_bytes = secret, memory_bytes
        self.broker, self.traces = broker, traces
        self._materials: Shelf[_Materials] = Shelf(CACHED_SETS)

    def limits(self, tasks: Sequence[AnyTask]) -> dict[str, float]:
        """Return the smallest budget of a question; see `agentarch.kinds.Kind.limits`."""
        rungs = [rung for task in tasks for rung in cast("AgentTask", task).rungs]
        return {
            "calls": float(min(rung.calls for rung in rungs)),
            "tokens": float(min(rung.tokens for rung in rungs)),
        }

    def controls(self, tasks: Sequence[AnyTask]) -> Controls:
        """Return plain ways to ask with as many tokens as the winner; see `agentarch.kinds.Kind.controls`."""
        return agent_controls(CONTRACT, round(self.limits(tasks)["calls"]))

    def fingerprint(self, task: AnyTask, rung: int) -> str:
        """Hash the budget, the questions of a fixed seed, how answers are graded, and what answers; see `Kind`."""
        agents = cast("AgentTask", task)
        with blamed_on(task):
            data = agents.data("search", rung, 0)
            graded = agents.grade([*data.labels[1:], ""], data.labels)
        means = {name: round(float(np.nanmean(graded[name])), GRADED_DIGITS) for name in sorted(graded)}
        terms = f"{agents.rungs[rung]} {task.metric} {task.chance:.6f} {task.ceiling} {means} {agents.world}"
        told = hashlib.sha256(terms.encode())
        for text in (*data.inputs, *data.labels):
            told.update(text.encode() + b"\0")
        for salt in data.salts:
            told.update(salt)
        return told.hexdigest()[:12]

    def questions(self, task: AnyTask, request: Request) -> tuple[str, ...]:
        """Return what every design is asked by a request."""
        return self._prepare(cast("AgentTask", task), request).questions.inputs

    def close(self) -> None:
        """Close the broker; see `agentarch.kinds.Kind.close`."""
        if self.broker is not None:
            self.broker.close()

    def evaluate(self, design: Design, task: AnyTask, request: Request, executor: Executor) -> Evaluation:
        """Ask a design the questions of a rung and grade its answers; see `agentarch.kinds.Kind.evaluate`.

        Raises:
            agentarch.models.BudgetSpent: a ceiling of the run was reached in the middle of it.
            agentarch.models.Refused: a provider will not answer as things are.
            agentarch.execution.ExecutionStopped: the executor or the broker was closed meanwhile.
        """
        agents = cast("AgentTask", task)
        with blamed_on(task):
            rung = agents.rungs[request.rung]
        materials = self._materials.get(_parts(request), lambda: self._prepare(agents, request))
        rng = np.random.default_rng(derive_seed(self._secret, "order", *_parts(request), request.design_id))
        order = [int(number) for number in rng.permutation(len(materials.questions.inputs))]
        desk, interviewed = self._interview(design, agents, rung, materials, order, rng, executor)
        raise_if_over(desk.fault)
        endings = _in_place(interviewed.endings, order)
        calls = tuple(_in_place([desk.calls(at) for at in range(len(order))], order))
        ungraded = Evaluation(
            request=request,
            outcome=Outcome.SCORED,
            cost=interviewed.cost,
            report=_told(endings),
            output=interviewed.output,
            sandbox=executor.name,
        )
        questions = materials.questions
        answers = tuple(ending.answer for ending in endings)
        fault = _fault_of(endings, calls)
        if fault is None:
            try:
                said = self._what_is_graded(agents, questions, answers, executor)
            except Ungraded as error:
                fault = Outcome.INFRASTRUCTURE, str(error)
        if fault is not None:
            graded, values = replace(ungraded, outcome=fault[0], reason=fault[1]), np.zeros(len(answers))
        else:
            graded, values = _graded(ungraded, agents, said, questions.labels)
        shape = shape_of(questions.inputs, calls)
        graded = replace(graded, measures=_measures(shape, calls))
        if graded.score is not None:
            graded = replace(graded, descriptors=_descriptors(shape), behaviour=_behaviour(answers, calls))
        if self.traces is not None and any(calls):
            outcomes = tuple(str(ending.outcome.value) for ending in endings)
            kept = Trace(questions.inputs, answers, outcomes, tuple(values.tolist()), calls, questions.labels)
            graded = replace(graded, report={**graded.report, "trace": write_trace(kept, self.traces)})
        return graded

    def _interview(
        self,
        design: Design,
        task: AgentTask,
        rung: QuestionRung,
        materials: _Materials,
        order: Sequence[int],
        rng: np.random.Generator,
        executor: Executor,
    ) -> tuple[BrokerDesk, Interviewed]:
        """Ask a design every question, in an order and in batches of its own."""
        questions = materials.questions
        desk = BrokerDesk(
            self._broker(),
            Allowance(rung.calls, rung.tokens),
            task.world,
            [questions.salts[number] for number in order] if questions.salts else (),
            [materials.keys[number] for number in order],
        )
        interview = Interview(
            source=design.source,
            questions=tuple(questions.inputs[number] for number in order),
            sittings=_sittings(len(order), rng),
            in_flight=IN_FLIGHT,
            question_seconds=rung.question_seconds,
            limits=Limits(rung.wall_seconds, self._memory_bytes),
            desk=desk,
        )
        return desk, executor.interview(interview)

    def _what_is_graded(
        self, task: AgentTask, questions: Questions, answers: Sequence[str], executor: Executor
    ) -> Sequence[str]:
        """Return the answers, or, where a task asks for it, what came of running them or what a judge said of them."""
        if isinstance(task, CodeTask):
            with blamed_on(task):
                programs = task.programs(answers, questions.labels)
            return verdicts(programs, executor)
        if isinstance(task, JudgedTask):
            return judgements(task, questions, answers, self._broker())
        return answers

    def _broker(self) -> Broker:
        if self.broker is None:
            from agentarch.broker.embedded import NAME, EmbeddedBackend

            self.broker = Broker({NAME: EmbeddedBackend()})
        return self.broker

    def _prepare(self, task: AgentTask, request: Request) -> _Materials:
        with blamed_on(task):
            seed = derive_seed(self._secret, "data", *_parts(request))
            questions = task.data(request.split, request.rung, seed)
            if not questions.inputs or len(questions.inputs) != len(questions.labels):
                raise ValueError(
                    f"{counted(len(questions.inputs), 'question')} and {counted(len(questions.labels), 'label')}; "
                    "expected as many of one as of the other, and at least one"
                )
        secret = derive_seed(self._secret, "chance", *_parts(request)).to_bytes(8, "big")
        keys = tuple(secret + number.to_bytes(4, "big") for number in range(len(questions.inputs)))
        return _Materials(questions, keys)


def _parts(request: Request) -> tuple[str | int, ...]:
    """Return what seeds hang on."""
    return request.task, request.split, request.rung, request.seed


def _sittings(count: int, rng: np.random.Generator) -> tuple[int, ...]:
    """Cut so many questions into batches of varying size, one a box."""
    sizes: list[int] = []
    while (left := count - sum(sizes)) > 0:
        sizes.append(min(left, int(rng.integers(SMALLEST_SITTING, LARGEST_SITTING + 1))))
    return tuple(sizes)


def _in_place(found: Sequence[T], order: Sequence[int]) -> list[T]:
    """Put what came in an order back into the task's."""
    placed = dict(zip(order, found, strict=True))
    return [placed[number] for number in range(len(order))]


def _fault_of(endings: Sequence[Ending], calls: Sequence[Sequence[CallRecord]]) -> tuple[Outcome, str] | None:
    """Return the outcome and the reason of a design that has no score; None for one that has."""
    ours = [ending for ending in endings if ending.outcome is Outcome.INFRASTRUCTURE]
    if ours:
        return (
            Outcome.INFRASTRUCTURE,
            f"{ours[0].reason} ({counted(len(ours), 'question')} of {len(endings)})",
        )
    failed = [ending for ending in endings if ending.outcome is not Outcome.SCORED]
    if len(failed) <= MOST_FAILED * len(endings):
        return None if any(calls) else (Outcome.INVALID, NEVER_ASKED)
    outcome = Counter(ending.outcome for ending in failed).most_common(1)[0][0]
    reason = Counter(ending.reason for ending in failed if ending.outcome is outcome).most_common(1)[0][0]
    where = "every question" if len(failed) == len(endings) else f"{len(failed)} of {len(endings)} questions"
    return outcome, one_line(f"failed on {where}: {reason}")


def _told(endings: Sequence[Ending]) -> Mapping[str, object]:
    """Return how the questions ended: counts by outcome, and why those failed that did."""
    counts = Counter(str(ending.outcome.value) for ending in endings)
    reasons = Counter(f"{ending.outcome.value}: {ending.reason}" for ending in endings if ending.reason)
    return {"questions": dict(counts), "reasons": dict(reasons.most_common(MOST_REASONS))}


def _graded(
    ungraded: Evaluation, task: AgentTask, answers: Sequence[str], labels: Sequence[str]
) -> tuple[Evaluation, NDArray[np.float64]]:
    """Return the evaluation with its score, and the metric of each question.

    Raises:
        TaskFailed: the task's grading raised, or returned what the contract does not allow.
    """
    with blamed_on(task):
        found = task.grade(answers, labels)
        fault = grading_fault(found, task.metric, len(answers))
        if fault:
            raise ValueError(fault)
        values = found[task.metric].astype(np.float64)
        if np.isnan(values).any():
            raise ValueError(
                f"grade left {task.metric} undefined for {int(np.isnan(values).sum())} questions"
            )
        score = score_items(values, task.chance, task.ceiling)
    metrics = {name: float(np.nanmean(one)) for name, one in found.items() if not np.isnan(one).all()}
    if score.value > 1 + ROUNDING:
        reason = (
            f"{QUARANTINED}: its {task.metric} of {metrics[task.metric]:.4g} is better than the task's ceiling of "
            f"{task.ceiling:.4g}, so the task is at fault or the score is forged"
        )
        return replace(ungraded, outcome=Outcome.INVALID, reason=reason, metrics=metrics), values
    items = tuple(((values - task.chance) / (task.ceiling - task.chance)).round(6).tolist())
    return replace(ungraded, score=replace(score, items=items), metrics=metrics), values


def _measures(shape: Shape, calls: Sequence[Sequence[CallRecord]]) -> dict[str, float]:
    """Return what is known of a design's calls, whether it has a score or not."""
    priced = [call.dollars for found in calls for call in found if call.dollars is not None]
    return {
        "calls": shape.calls,
        "prompt_tokens": shape.prompt_tokens,
        "output_tokens": shape.output_tokens,
        "rounds": shape.rounds,
        "critical_seconds": shape.critical_seconds,
        "dollars": float(sum(priced)),
    }


def _descriptors(shape: Shape) -> dict[str, float]:
    return {
        "tokens": shape.tokens,
        "depth": shape.depth,
        "width": shape.width,
        "revision_share": shape.revision_share,
    }


def _behaviour(answers: Sequence[str], calls: Sequence[Sequence[CallRecord]]) -> str:
    """Hash answers with all that models were asked for each, in whatever order: equal for designs that do the same.

    Answers alone would not do: two good designs may well answer the few questions of a smoke run alike.
    """
    told = hashlib.sha256()
    for answer, made in zip(answers, calls, strict=True):
        asked = sorted(
            repr((one.model, one.system, one.prompt, one.temperature, one.max_tokens)) for one in made
        )
        told.update(repr((" ".join(answer.split()), asked)).encode())
    return told.hexdigest()[:16]
