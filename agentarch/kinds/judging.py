"""Has a model judge answers, for tasks that no rule can grade. What the judge says is read by the task."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from agentarch.broker import Answer, Broker, Call
from agentarch.task import JudgedTask, Questions, blamed_on

MOST_TOKENS = 512
"""No judgement is longer."""


def judgements(
    task: JudgedTask, questions: Questions, answers: Sequence[str], broker: Broker
) -> tuple[str, ...]:
    """Return what the judge, the first model of the broker, said of each answer; empty for an empty answer.

    Raises:
        agentarch.models.ModelFault: it could not be asked.
        agentarch.models.BudgetSpent: a ceiling of the run was reached.
    """
    said: dict[int, Answer | Exception] = {}
    wanted = [number for number, answer in enumerate(answers) if answer.strip()]
    done = threading.Semaphore(0)
    line = object()
    for number in wanted:
        with blamed_on(task):
            prompt = task.judgement_prompt(
                questions.inputs[number], answers[number], questions.labels[number]
            )

        def take(answer: Answer | Exception, number: int = number) -> None:
            said[number] = answer
            done.release()

        broker.submit(line, number, Call(broker.names[0], prompt, "", 0.0, MOST_TOKENS, 0), take)
    for _ in wanted:
        done.acquire()
    return tuple(_text(said[number]) if number in said else "" for number in range(len(answers)))


def _text(answer: Answer | Exception) -> str:
    if isinstance(answer, Exception):
        raise answer
    return answer.text
