"""What happens to an evaluation when what is to be graded cannot be had: a retry or a stop, and never a zero."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from support.pipelines import Quiz, Scripted, agent_executor

from agentarch.broker import Broker
from agentarch.config import RunConfig
from agentarch.design import Proposal, read_design
from agentarch.evaluation import Outcome, Request
from agentarch.execution import ExecutionStopped
from agentarch.execution.interviewing import interview_in_boxes
from agentarch.kinds.agent import AXES, AgentKind
from agentarch.kinds.faults import Ungraded
from agentarch.kinds.judging import judgements
from agentarch.models import BudgetSpent, Refused, Stopped, Unavailable
from agentarch.proposers import make_proposer
from agentarch.search.engine import Engine
from agentarch.search.log import Log
from agentarch.search.state import RunState
from agentarch.store import Store
from agentarch.task import Program, Questions, TaskFailed

ASKS = "async def solve(question, model):\n    return await model.ask(question)\n"
ITEMS = [(f"question {number}", f"answer {number}") for number in range(6)]
ANSWERS = [right for _, right in ITEMS]
DATA = Questions(*zip(*ITEMS, strict=True))


class Judged(Quiz):
    """A quiz whose answers a model judges."""

    def judgement_prompt(self, question, answer, label):
        return f"judge {answer} against {label}"

    def read_judgement(self, text):
        return float(text == "yes")

    def grade(self, predictions, labels):
        return {"accuracy": np.array([self.read_judgement(said) for said in predictions])}


class Coded(Quiz):
    """A quiz whose answers are run."""

    def programs(self, predictions, labels):
        return tuple(Program("def f(): pass", "f()", "f") for _ in predictions)


def judging(judge):
    """Return what a model says that answers questions, and judges as it is told to."""

    def said(prompt, sample):
        return judge(prompt) if prompt.startswith("judge") else prompt.replace("question", "answer")

    return said


@pytest.fixture(scope="module")
def executor():
    with agent_executor() as started:
        yield started


def evaluate(executor, task, backend):
    kind = AgentKind("secret", Broker({"scripted": backend}))
    design = read_design(Proposal(ASKS, "design"), kind.contract)
    try:
        return kind.evaluate(design, task, Request(design.id, task.name, 1, 0), executor)
    finally:
        kind.close()


class Full:
    """An executor whose boxes can be had for designs, and not for what they answered with."""

    def __init__(self, executor):
        self.name, self._executor = executor.name, executor

    def interview(self, interview):
        if interview.source == ASKS:
            return self._executor.interview(interview)

        def in_a_box(limits, talk):
            raise OSError(28, "No space left on device")

        return interview_in_boxes(interview, in_a_box)


def test_a_program_that_cannot_be_run_is_no_zero(executor):
    done = evaluate(Full(executor), Coded(ITEMS), Scripted(judging(str)))
    assert (done.outcome, done.score) == (Outcome.INFRASTRUCTURE, None)
    assert "No space left" in done.reason


def test_a_judge_who_cannot_be_asked_is_no_zero(executor):
    def judge(prompt):
        raise Unavailable("down", 1.0)

    done = evaluate(executor, Judged(ITEMS), Scripted(judging(judge)))
    assert (done.outcome, done.score) == (Outcome.INFRASTRUCTURE, None)
    assert done.reason == "the judge could not be asked: Unavailable: down"


def test_a_judge_who_says_nothing_has_not_said_yes(executor):
    def judge(prompt):
        if "answer 3" in prompt:
            return ""
        return "yes"

    done = evaluate(executor, Judged(ITEMS), Scripted(judging(judge)))
    assert done.outcome is Outcome.SCORED, done.reason
    assert done.score.items == (1, 1, 1, 0, 1, 1)


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (BudgetSpent("spent", "dollars"), BudgetSpent),
        (Refused("a wrong key"), Refused),
        (Stopped("stopped"), ExecutionStopped),
        (OSError("broken"), Ungraded),
    ],
)
def test_after_a_judge_has_failed_nobody_else_is_asked(fault, raised):
    let = threading.Event()

    def judge(prompt):
        if len(backend.calls) > 1:
            let.wait(60)
        raise fault

    backend = Scripted(judging(judge), batch=1)
    broker = Broker({"scripted": backend})
    with pytest.raises(raised):
        judgements(Judged(ITEMS), DATA, ANSWERS, broker)
    let.set()
    broker.close()
    assert len(backend.calls) <= 2, "one that failed, and one that was under way"


def test_a_task_that_fails_over_one_prompt_has_the_judge_asked_nothing():
    class Failing(Judged):
        def judgement_prompt(self, question, answer, label):
            if answer == ANSWERS[-1]:
                raise KeyError("no")
            return super().judgement_prompt(question, answer, label)

    backend = Scripted(judging(lambda prompt: "yes"))
    broker = Broker({"scripted": backend})
    with pytest.raises(TaskFailed):
        judgements(Failing(ITEMS), DATA, ANSWERS, broker)
    broker.close()
    assert backend.calls == []


def test_a_broker_that_is_closed_stops_the_evaluation():
    broker = Broker({"scripted": Scripted(judging(lambda prompt: "yes"))})
    broker.close()
    with pytest.raises(ExecutionStopped):
        judgements(Judged(ITEMS), DATA, ANSWERS, broker)


class Down(Scripted):
    """A backend that waits for a provider, when it is to judge, until it is closed."""

    def __init__(self):
        super().__init__(judging(self._judge), workers=4)
        self.is_waiting, self._stopped = threading.Event(), threading.Event()

    def close(self):
        self._stopped.set()

    def _judge(self, prompt):
        self.is_waiting.set()
        self._stopped.wait()
        raise Stopped


def test_a_run_that_waits_for_a_judge_stops_at_once_and_the_evaluation_is_put_back(tmp_path):
    backend, task = Down(), Judged(ITEMS)
    kind = AgentKind("secret", Broker({"scripted": backend}))
    seed = replace(read_design(Proposal(ASKS, "seed"), kind.contract), operator="seed")
    config = RunConfig(kind="agent", workers=1, evaluations=9, tasks=("quiz",), proposer="seeds")
    store = Store.create(tmp_path / "run", {})
    with agent_executor() as executor:
        log = Log(store, RunState.empty([task], AXES))
        engine = Engine(log, config, "secret", kind, [task], make_proposer("seeds"), (seed,), executor)
        stopping = threading.Thread(
            target=lambda: backend.is_waiting.wait(60) and engine.stop("interrupted", at_once=True)
        )
        stopping.start()
        watchdog = threading.Timer(60, backend.close)  # so that a broken promise fails rather than hangs
        watchdog.start()
        assert engine.run(lambda state: None, interval_seconds=0.02) == "interrupted"
        is_late = not watchdog.is_alive()
        watchdog.cancel()
        stopping.join()
    assert not is_late
    assert not list(engine.state.all_evaluations())
    assert len(engine.state.queued) == 1
    store.close()
