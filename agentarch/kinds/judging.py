"""Has a model judge answers, for tasks that no rule can grade. What the judge says is read by the task."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from queue import SimpleQueue

from agentarch.broker import Answer, Broker, Call
from agentarch.kinds.faults import Ungraded, raise_if_over
from agentarch.task import JudgedTask, Questions, blamed_on
from agentarch.text import one_line

MOST_TOKENS = 512
"""No judgement is longer."""


def judgements(
    task: JudgedTask, questions: Questions, answers: Sequence[str], broker: Broker
) -> tuple[str, ...]:
    """Return what the judge, the first model of the broker, said of each answer; empty for an empty answer.

    Nothing waits in line any more when it returns or raises.

    Raises:
        Ungraded: the judge could not be asked.
        agentarch.task.TaskFailed: the task's own code raised; the judge was asked nothing.
        BudgetSpent: see `raise_if_over`; so for `Refused` and `ExecutionStopped`.
    """
    prompts: dict[int, str] = {}
    for number, answer in enumerate(answers):
        if answer.strip():
            with blamed_on(task):
                prompts[number] = task.judgement_prompt(
                    questions.inputs[number], answer, questions.labels[number]
                )
    heard: SimpleQueue[tuple[int, Answer | Exception]] = SimpleQueue()
    line = object()
    said: dict[int, str] = {}
    try:
        for number, prompt in prompts.items():
            call = Call(broker.names[0], prompt, "", 0.0, MOST_TOKENS, 0)
            broker.submit(line, number, call, partial(_hear, heard, number))
        for _ in prompts:
            number, judgement = heard.get()
            said[number] = _text(judgement)
    finally:
        for number in prompts:
            broker.forget(line, number)
    return tuple(said.get(number, "") for number in range(len(answers)))


def _hear(
    heard: SimpleQueue[tuple[int, Answer | Exception]], number: int, judgement: Answer | Exception
) -> None:
    heard.put((number, judgement))


def _text(judgement: Answer | Exception) -> str:
    """Return what a judge said."""
    if isinstance(judgement, Answer):
        return judgement.text
    raise_if_over(judgement)
    raise Ungraded(
        one_line(f"the judge could not be asked: {type(judgement).__name__}: {judgement}")
    ) from judgement
