"""What one evaluation's design may ask, and what it has asked: the other end of `model.ask`.

Everything that a design sends is checked here, counted against the budget of its question, and written down with its
answer. A budget that is spent is refused the same way each time, so that a design can count on it.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentarch.broker.broker import Broker
from agentarch.broker.contract import Answer, Call
from agentarch.execution.contract import Tell
from agentarch.models.contract import NoAnswer
from agentarch.text import one_line
from agentarch.traces import CallRecord

MOST_SAMPLES = 256
MOST_TEMPERATURE = 2.0
MOST_PROMPT_BYTES = 256 * 1024


@dataclass(frozen=True)
class Allowance:
    """What a design may use.

    Attributes:
        calls: for one question; each sample is a call.
        tokens: for one question, prompts and answers together; the call that passes it is still answered.
        answer_tokens: of one answer, where the design says nothing.
        evaluation_tokens: for all questions together; None for no limit but that of each question.
    """

    calls: int
    tokens: int
    answer_tokens: int = 1024
    evaluation_tokens: int | None = None


@dataclass
class _Meter:
    """What one question has used."""

    calls: int = 0
    tokens: int = 0
    told: int = 0
    records: dict[int, CallRecord] = field(default_factory=dict)
    repeats: Counter[tuple[Any, ...]] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Made:
    """When a call was made: the number of its first sample, that of the ask, answers read before, and the time."""

    number: int
    ask: int
    after: int
    at: float


class _Refusal(Exception):
    """A call that is not made; the message is for the design.

    Attributes:
        why: `budget`, `model` or `argument`.
    """

    def __init__(self, why: str, message: str) -> None:
        super().__init__(message)
        self.why = why


class BrokerDesk:
    """The desk of one evaluation; see `agentarch.execution.contract.Desk`.

    Args:
        broker: that answers.
        allowance: what each question may use.
        world: of the task; see `Call.world`.
        salts: of the questions, in the order in which they are asked; empty for none.
        keys: of the questions, in that order; chance follows from them.
    """

    def __init__(
        self,
        broker: Broker,
        allowance: Allowance,
        world: str,
        salts: Sequence[bytes],
        keys: Sequence[bytes],
    ) -> None:
        self._broker, self._allowance = broker, allowance
        self._world, self._salts, self._keys = world, salts, keys
        self._lock = threading.Lock()
        self._meters: dict[int, _Meter] = {}
        self._spent = 0
        self._fault: Exception | None = None

    @property
    def terms(self) -> Mapping[str, Any]:
        """Which models there are, and the budget of a question."""
        return {
            "models": list(self._broker.names),
            "calls": self._allowance.calls,
            "tokens": self._allowance.tokens,
        }

    @property
    def fault(self) -> Exception | None:
        """The first fault that kept a call from being answered through no doing of the design's; None for none."""
        return self._fault

    def calls(self, question: int) -> tuple[CallRecord, ...]:
        """Return the answered calls of a question, in the order they were made."""
        with self._lock:
            meter = self._meters.get(question)
            return () if meter is None else tuple(meter.records[number] for number in sorted(meter.records))

    def ask(self, question: int, wish: Mapping[str, Any], tell: Tell) -> None:
        """Check a call and put it in line; see `Desk.ask`."""
        call: Call | None
        with self._lock:
            meter = self._meters.setdefault(question, _Meter())
            try:
                call = self._checked(question, meter, wish)
            except _Refusal as refusal:
                meter.told += 1
                refused = {"type": "refused", "id": wish["id"], "why": refusal.why, "reason": str(refusal)}
                call, answer = None, refused | self._left(meter)
            else:
                after = min(_count(wish.get("after")), meter.told)
                made = _Made(meter.calls + 1, wish["id"], after, time.monotonic())
                meter.calls += call.n
        if call is None:
            tell(answer)
            return

        def done(answer: Answer | Exception) -> None:
            tell({"id": wish["id"], **self._settled(meter, call, made, answer)})

        self._broker.submit(self, question, call, done)

    def leave(self, question: int) -> None:
        """Drop what waits for a question that is over."""
        self._broker.forget(self, question)

    def again(self, question: int) -> None:
        """Forget what a question has used: it is asked from the beginning."""
        self.leave(question)
        with self._lock:
            self._meters.pop(question, None)

    def _checked(self, question: int, meter: _Meter, wish: Mapping[str, Any]) -> Call:
        """Return a call that may be made.

        Raises:
            _Refusal: it may not.
        """
        prompt, system = wish.get("prompt"), wish.get("system")
        n, temperature, most = wish.get("n", 1), wish.get("temperature"), wish.get("max_tokens")
        model = wish.get("model") or self._broker.names[0]
        if not isinstance(prompt, str) or not isinstance(system, str | None):
            raise _Refusal("argument", f"a prompt is a str, not a {type(prompt).__name__}")
        size = len(prompt.encode("utf-8", "replace")) + len((system or "").encode("utf-8", "replace"))
        if size > MOST_PROMPT_BYTES:
            raise _Refusal("argument", f"a prompt of {size:,} bytes; {MOST_PROMPT_BYTES:,} are allowed")
        if type(n) is not int or not 1 <= n <= MOST_SAMPLES:
            raise _Refusal("argument", f"n={n!r}; expected a whole number from 1 to {MOST_SAMPLES}")
        if temperature is not None and not (
            type(temperature) in (int, float) and 0 <= temperature <= MOST_TEMPERATURE
        ):
            raise _Refusal(
                "argument", f"temperature={temperature!r}; expected 0 to {MOST_TEMPERATURE:g}, or None"
            )
        if most is not None and (type(most) is not int or most < 1):
            raise _Refusal("argument", f"max_tokens={most!r}; expected a whole number from 1 up, or None")
        if not isinstance(model, str) or model not in self._broker.names:
            allowed = ", ".join(self._broker.names)
            raise _Refusal(
                "model", f"there is no model {one_line(str(model), 60)!r} here; there is {allowed}"
            )
        allowance = self._allowance
        if meter.calls + n > allowance.calls:
            raise _Refusal("budget", f"a question has {allowance.calls} calls, and {meter.calls} were made")
        if meter.tokens >= allowance.tokens:
            raise _Refusal("budget", f"a question has {allowance.tokens:,} tokens, and they are used")
        if allowance.evaluation_tokens is not None and self._spent >= allowance.evaluation_tokens:
            raise _Refusal(
                "budget", f"an evaluation has {allowance.evaluation_tokens:,} tokens, and they are used"
            )
        text, instructions = _clean(prompt), _clean(system or "")
        same = (text, instructions, temperature, most, model)
        repeat = meter.repeats[same]
        meter.repeats[same] += n
        return Call(
            model=model,
            prompt=text,
            system=instructions,
            temperature=None if temperature is None else float(temperature),
            max_tokens=min(most or allowance.answer_tokens, allowance.tokens - meter.tokens),
            n=n,
            repeat=repeat,
            salt=self._salts[question] if self._salts else b"",
            world=self._world,
            key=self._keys[question],
        )

    def _settled(
        self, meter: _Meter, call: Call, made: _Made, answer: Answer | Exception
    ) -> Mapping[str, Any]:
        """Write down what came of a call; return what the design is told."""
        if isinstance(answer, NoAnswer):  # it answered, with nothing: the design may ask again
            answer = Answer(("",) * call.n, 0, (0,) * call.n)
        if isinstance(answer, Exception):
            with self._lock:
                self._fault = self._fault or answer
            return {"type": "gone", "reason": f"{type(answer).__name__}: {answer}"}
        share, seconds = math.ceil(answer.prompt_tokens / call.n), time.monotonic() - made.at
        with self._lock:
            meter.told += 1
            for at, (text, written) in enumerate(zip(answer.texts, answer.output_tokens, strict=True)):
                record = CallRecord(
                    number=made.number + at,
                    ask=made.ask,
                    after=made.after,
                    model=call.model,
                    prompt=call.prompt,
                    system=call.system,
                    temperature=call.temperature,
                    text=text,
                    prompt_tokens=share,
                    output_tokens=written,
                    seconds=seconds,
                    dollars=None if answer.dollars is None else answer.dollars / call.n,
                    told=meter.told,
                )
                meter.records[record.number] = record
                meter.tokens += record.tokens
                self._spent += record.tokens
            return {"type": "told", "texts": list(answer.texts), **self._left(meter)}

    def _left(self, meter: _Meter) -> dict[str, int]:
        return {
            "calls": max(0, self._allowance.calls - meter.calls),
            "tokens": max(0, self._allowance.tokens - meter.tokens),
        }


def _clean(text: str) -> str:
    """Return a text that can be written as UTF-8: half of a character pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def _count(value: object) -> int:
    """Return what a design's process claims to have read, as far as it is a count."""
    return value if type(value) is int and 0 <= value < 2**31 else 0
