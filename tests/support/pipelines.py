"""Agent designs in real boxes, with a model whose answers a test writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from agentarch.broker import Allowance, Answer, Broker, BrokerDesk, Call
from agentarch.execution import Executor, Interview, LocalExecutor
from agentarch.execution.contract import Ending, Limits
from agentarch.kinds.agent import AgentKind
from agentarch.task import QuestionRung, Questions
from agentarch.traces import CallRecord

Answerer = Callable[[str, int], str]
"""Given a prompt, system text before it, and the number of the sample, returns what the model says."""


class Scripted:
    """A backend that says what a test tells it to; counts words as tokens, and writes no more than it may."""

    def __init__(self, answer: Answerer, batch: int = 16, workers: int = 1) -> None:
        self.batch, self.workers = batch, workers
        self.calls: list[Call] = []
        self.most_at_once = 0
        self._answer, self._lock, self._now = answer, threading.Lock(), 0

    def answer(self, calls: Sequence[Call]) -> list[Answer | Exception]:
        with self._lock:
            self.calls += calls
            self._now += len(calls)
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            return [self._one(call) for call in calls]
        finally:
            with self._lock:
                self._now -= len(calls)

    def close(self) -> None:
        pass

    def _one(self, call: Call) -> Answer | Exception:
        text = f"{call.system}\n{call.prompt}" if call.system else call.prompt
        try:
            said = self._answer(text, call.repeat)
        except Exception as error:
            return error
        if len(said.split()) > call.max_tokens:
            said = " ".join(said.split()[: call.max_tokens])
        return Answer(said, len(text.split()), len(said.split()), 0.001)


class Quiz:
    """A task of a test's own: questions with right answers, graded by equality."""

    kind, metric, chance, ceiling, world = "agent", "accuracy", 0.0, 1.0, ""
    answer_form = "One word."

    def __init__(self, items: Sequence[tuple[str, str]], name: str = "quiz", **rung: Any) -> None:
        self.name, self.description, self._items = name, "questions of a test", tuple(items)
        level = QuestionRung(questions=len(items), **rung)
        self.rungs = (level, level, level)

    def data(self, split: str, rung: int, seed: int) -> Questions:
        return Questions(*zip(*self._items, strict=True))

    def grade(self, predictions: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
        pairs = zip(predictions, labels, strict=True)
        return {"accuracy": np.array([float(said == right) for said, right in pairs])}


@contextmanager
def agent_executor(tier: str = "jail", **settings: Any) -> Iterator[LocalExecutor]:
    """Start an executor whose boxes run agents."""
    executor = LocalExecutor(tier, program="agent", **settings)
    executor.start()
    try:
        yield executor
    finally:
        executor.close()


def kind_with(answer: Answerer, **settings: Any) -> AgentKind:
    """Return the kind of design with a scripted model behind its broker."""
    return AgentKind("secret", Broker({"scripted": Scripted(answer)}), **settings)


def solve(
    executor: Executor, source: str, question: str, answer: Answerer, calls: int = 200, tokens: int = 10**6
) -> tuple[Ending, tuple[CallRecord, ...]]:
    """Let a design answer one question in a box; return how it ended, and the calls that it made."""
    broker = Broker({"scripted": Scripted(answer)})
    desk = BrokerDesk(broker, Allowance(calls, tokens), "", (), (b"key",))
    try:
        asked = executor.interview(Interview(source, (question,), (1,), 1, 20.0, Limits(120.0), desk))
    finally:
        broker.close()
    return asked.endings[0], desk.calls(0)
