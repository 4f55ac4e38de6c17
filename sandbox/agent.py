"""Answers one question with a design: the first code of an agent's process, and the handle on models that it is given.

Runs in the design's own process, so nothing it says is believed: budgets are kept, models are chosen and every call is
written down on the other side of the channel.
"""

import asyncio
import contextlib as _contextlib
import inspect as _inspect
import json as _json
import os as _os
import random
import re  # noqa: F401 - loaded here, so that no question pays for what designs may import
import statistics  # noqa: F401
import string  # noqa: F401
import types

from inside import Refused, load, report
from wire import Channel, HungUp

MOST_ANSWER_BYTES = 64 * 1024
MOST_ASKED_BYTES = 1_000_000
"""Of a call as JSON: what the engine takes in one message, less some room."""


class BudgetSpent(RuntimeError):
    """Nothing is left of what a question may use: the design should answer with what it has."""


class ModelRefused(ValueError):
    """There is no such model, or it cannot be asked like this."""


REFUSALS = {"budget": BudgetSpent, "model": ModelRefused, "argument": ModelRefused}


class Model:
    """The handle on language models that `solve` is given.

    Attributes:
        names: models that may be asked; the first is asked when none is named.
        remaining: what is left for this question: `calls` and `tokens`, as of the last answer.
    """

    def __init__(self, channel: Channel, names: list[str], calls: int, tokens: int):
        self.names = tuple(names)
        self.remaining = types.SimpleNamespace(calls=calls, tokens=tokens)
        self._channel = channel
        self._waiting: dict[int, asyncio.Future] = {}
        self._asked = self._heard = 0

    async def ask(self, prompt, *, system=None, temperature=None, max_tokens=None, n=1, model=None):
        """Ask a model.

        Args:
            prompt: the question to it.
            system: instructions that go before.
            temperature: of sampling, 0 to 2; the model's own when None.
            max_tokens: of an answer; the run's own limit when None.
            n: how many answers are sampled; each is a call.
            model: one of `names`.

        Returns:
            Its answer; a list of them when `n` is more than 1.

        Raises:
            RuntimeError: the question's budget is spent.
            ValueError: there is no such model, or an argument makes no sense.
        """
        self._asked += 1
        number = self._asked
        self._waiting[number] = asyncio.get_running_loop().create_future()
        asked = {"prompt": prompt, "system": system, "temperature": temperature}
        asked |= {"max_tokens": max_tokens, "n": n, "model": model}
        try:
            size = len(_json.dumps(asked, allow_nan=False))
        except (TypeError, ValueError):
            raise ModelRefused("a prompt is a str, n a whole number, temperature a number") from None
        if size > MOST_ASKED_BYTES:
            raise ModelRefused(f"a call of {size:,} bytes; {MOST_ASKED_BYTES:,} are allowed")
        self._channel.send({"type": "ask", "id": number, "after": self._heard, **asked})
        told = await self._waiting[number]
        if told["type"] == "refused":
            raise REFUSALS[told["why"]](told["reason"])
        return told["texts"][0] if n == 1 else told["texts"]

    def hear(self) -> None:
        """Take one answer in; called when there is one."""
        try:
            told, _ = self._channel.receive()
        except (HungUp, OSError):  # nobody listens any more, whether the engine or the design closed it
            _os._exit(0)
        self._heard += 1
        self.remaining.calls, self.remaining.tokens = told["calls"], told["tokens"]
        waiting = self._waiting.pop(told["id"])
        if not waiting.done():  # the design may have given it up
            waiting.set_result(told)


def answer(order: dict, channel: Channel) -> None:
    """Let a design answer one question, and say what came of it.

    Args:
        order: `source`, `question`, `models` that may be asked, `calls` and `tokens` to begin with.
        channel: to the engine, by way of the porter.
    """
    try:
        model = Model(channel, order["models"], order["calls"], order["tokens"])
        random.seed(order["question"])  # so that a repeated evaluation draws what it drew
        design = load(order["source"])
        text = asyncio.run(_solve(design, order["question"], model, channel))
        channel.send({"type": "answer", "text": text})
    except HungUp:
        return
    except BaseException as error:  # SystemExit and KeyboardInterrupt are the design's doing, too
        with _contextlib.suppress(OSError):  # it may have closed the channel
            channel.send({"type": "fault", **report(error)})


async def _solve(design: types.ModuleType, question: str, model: Model, channel: Channel) -> str:
    asyncio.get_running_loop().add_reader(channel.fileno(), model.hear)
    solving = design.solve(question, model)
    if not _inspect.isawaitable(solving):
        raise Refused("`solve` must be written `async def solve(question, model)`")
    text = await solving
    if not isinstance(text, str):
        raise Refused(f"`solve` returned {_kind_of(text)}, expected a str")
    size = len(text.encode("utf-8", "replace"))
    if size > MOST_ANSWER_BYTES:
        raise Refused(f"`solve` returned {size:,} bytes; an answer has at most {MOST_ANSWER_BYTES:,}")
    return text


def _kind_of(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
