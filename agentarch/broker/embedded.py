"""Serves the embedded model to designs: calls of all boxes are answered together, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence

from agentarch.broker.contract import Answer, Call
from agentarch.config import EMBEDDED
from agentarch.embedded import EmbeddedModel, Request, worlds

NAME = EMBEDDED
TEMPERATURE = 1.0
"""Of sampling, where a design says nothing."""

MOST_TOKENS = 64
"""No answer of the embedded model is longer: its longest chain of steps fits."""


class EmbeddedBackend:
    """Answers as the model of each call's world; see `agentarch.broker.Backend`."""

    batch, workers = 64, 1

    def __init__(self) -> None:
        self._models: dict[str, EmbeddedModel] = {}

    def answer(self, calls: Sequence[Call]) -> Sequence[Answer | Exception]:
        """Answer calls of one world together."""
        answers: dict[int, Answer | Exception] = {}
        for world in dict.fromkeys(call.world for call in calls):
            numbers = [number for number, call in enumerate(calls) if call.world == world]
            try:
                replies = self._model(world).answer([_request(calls[number]) for number in numbers])
            except Exception as error:
                answers.update(dict.fromkeys(numbers, error))
                continue
            for number, reply in zip(numbers, replies, strict=True):
                (text,) = reply.texts
                answers[number] = Answer(text, reply.prompt_tokens, reply.output_tokens, dollars=0.0)
        return [answers[number] for number in range(len(calls))]

    def close(self) -> None:
        """Nothing is held."""

    def _model(self, world: str) -> EmbeddedModel:
        name = world or worlds()[0]
        if name not in self._models:
            self._models[name] = EmbeddedModel.load(name)
        return self._models[name]


def _request(call: Call) -> Request:
    return Request(
        prompt=call.prompt,
        system=call.system or None,
        temperature=TEMPERATURE if call.temperature is None else call.temperature,
        max_tokens=min(call.max_tokens, MOST_TOKENS),
        salt=call.salt,
        key=call.key,
        repeat=call.repeat,
    )
