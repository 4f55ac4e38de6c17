"""What one evaluation's design may ask, and what it has asked: the other end of `model.ask`.

Everything that a design sends is checked here, counted against the budget of its question, and written down with its
answer. What a call may use is reserved before it is made and settled after. A call that there may be no room for, once
those under way are answered, is made when they are; so what a design is answered and refused is what it would be if
it made its calls one after the other, in the order in which it made them. A budget that is spent is refused the same
way each time, so that a design can count on it.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from agentarch.broker.broker import Broker
from agentarch.broker.contract import Answer, Call
from agentarch.execution.contract import Tell
from agentarch.text import one_line
from agentarch.traces import CallRecord

MOST_SAMPLES = 256
MOST_TEMPERATURE = 2.0
MOST_PROMPT_BYTES = 256 * 1024
LEAST_ANSWER_TOKENS = 16
"""A call that has less room for its answer, and asks for more, is not made: what it said would be of no use."""


@dataclass(frozen=True)
class Allowance:
    """What a design may use for one question. An evaluation has as many times that as it has questions.

    Attributes:
        calls: each sample is a call.
        tokens: prompts and answers together. They are not passed, however many calls are made at once, as long as a
            model writes no more than it is let and counts at most a token a byte of the prompt.
        answer_tokens: of one answer, where the design says nothing.
    """

    calls: int
    tokens: int
    answer_tokens: int = 1024


@dataclass
class _Asking:
    """One `model.ask`: what is wanted, and what came of it.

    Attributes:
        id: that the design's process gave it.
        call: its first sample, if the question had none of the same before.
        n: samples.
        prompt_tokens: of each, at most.
        after: answers that the design had read.
        at: when it was made.
        tell: takes its answer.
        number: of its first sample among those of the question.
        repeat: of its first sample.
        begun: samples that were asked.
        texts: of the samples that were answered.
        told: place of its answer among those that the design was sent; 0 before.
        is_over: whether it was answered.
    """

    id: int
    call: Call
    n: int
    prompt_tokens: int
    after: int
    at: float
    tell: Tell
    number: int = 0
    repeat: int = 0
    begun: int = 0
    texts: dict[int, str] = field(default_factory=dict)
    told: int = 0
    is_over: bool = False


@dataclass
class _Meter:
    """What one question has used, and what waits in it.

    Attributes:
        calls: that were made, under way or not.
        tokens: of those that were answered.
        told: answers and refusals that the design was sent.
        reserved: tokens that each call under way may use, by its number.
        line: what was asked and is not all begun, in order.
        records: of the calls that were answered, by number.
        repeats: samples that were asked of each call.
    """

    calls: int = 0
    tokens: int = 0
    told: int = 0
    reserved: dict[int, int] = field(default_factory=dict)
    line: deque[_Asking] = field(default_factory=deque)
    records: dict[int, tuple[_Asking, CallRecord]] = field(default_factory=dict)
    repeats: Counter[Call] = field(default_factory=Counter)


_Act = Callable[[], None]
"""What is to be done when the lock is free again."""


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
            meter = self._meters.get(question, _Meter())
            return tuple(
                replace(
                    record, told=asking.told or meter.told + 1
                )  # what it was never told it cannot have read
                for _, (asking, record) in sorted(meter.records.items())
            )

    def ask(self, question: int, wish: Mapping[str, Any], tell: Tell) -> None:
        """Check a call and put it in line; see `Desk.ask`."""
        acts: list[_Act]
        with self._lock:
            meter = self._meters.setdefault(question, _Meter())
            try:
                asking = self._checked(question, meter, wish, tell)
            except _Refusal as refusal:
                acts = [partial(tell, self._refused(meter, wish["id"], refusal))]
            else:
                meter.line.append(asking)
                acts = self._begin(question, meter)
        _do(acts)

    def leave(self, question: int) -> None:
        """Drop what waits for a question that is over."""
        with self._lock:
            if question in self._meters:
                self._meters[question].line.clear()
        self._broker.forget(self, question)

    def again(self, question: int) -> None:
        """Forget what a question has used: it is asked from the beginning."""
        self.leave(question)
        with self._lock:
            self._meters.pop(question, None)

    def _checked(self, question: int, meter: _Meter, wish: Mapping[str, Any], tell: Tell) -> _Asking:
        """Return what a design asks, whether there is room for it or not.

        Raises:
            _Refusal: it makes no sense.
        """
        prompt, system = wish.get("prompt"), wish.get("system")
        n, temperature, most = wish.get("n", 1), wish.get("temperature"), wish.get("max_tokens")
        model = wish.get("model") or self._broker.names[0]
        if not isinstance(prompt, str):
            raise _Refusal("argument", f"a prompt is a str, not a {type(prompt).__name__}")
        if not isinstance(system, str | None):
            raise _Refusal("argument", f"system is a str or None, not a {type(system).__name__}")
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
        call = Call(
            model=model,
            prompt=_clean(prompt),
            system=_clean(system or ""),
            temperature=None if temperature is None else float(temperature),
            max_tokens=most or self._allowance.answer_tokens,
            repeat=0,
            salt=self._salts[question] if self._salts else b"",
            world=self._world,
            key=self._keys[question],
        )
        after = min(_count(wish.get("after")), meter.told)
        return _Asking(wish["id"], call, n, size, after, time.monotonic(), tell)

    def _begin(self, question: int, meter: _Meter) -> list[_Act]:
        """Begin what is next in line, as far as there is room whatever comes of the calls under way."""
        acts: list[_Act] = []
        allowance = self._allowance
        while meter.line:
            asking = meter.line[0]
            if not asking.begun and meter.calls + asking.n > allowance.calls:
                meter.line.popleft()
                reason = f"a question has {allowance.calls} calls, and {meter.calls} were made"
                refused = self._refused(meter, asking.id, _Refusal("budget", reason))
                acts.append(partial(asking.tell, refused))
                continue
            wanted = asking.call.max_tokens
            room = allowance.tokens - meter.tokens - sum(meter.reserved.values()) - asking.prompt_tokens
            if room < wanted and meter.reserved:
                break  # there may be more when they are answered
            if room < min(wanted, LEAST_ANSWER_TOKENS):
                meter.line.popleft()
                acts.append(partial(asking.tell, self._without_room(meter, asking)))
                continue
            if not asking.begun:
                asking.number, asking.repeat = meter.calls + 1, meter.repeats[asking.call]
                meter.calls += asking.n
                meter.repeats[asking.call] += asking.n
            at, asking.begun = asking.begun, asking.begun + 1
            if asking.begun == asking.n:
                meter.line.popleft()
            call = replace(asking.call, max_tokens=min(wanted, room), repeat=asking.repeat + at)
            meter.reserved[asking.number + at] = asking.prompt_tokens + call.max_tokens
            done = partial(self._answered, question, meter, asking, at)
            acts.append(partial(self._broker.submit, self, question, call, done))
        return acts

    def _without_room(self, meter: _Meter, asking: _Asking) -> Mapping[str, Any]:
        """Return what a design is told where tokens are used up: the samples that there were, or that there is none."""
        if asking.begun:
            return self._told(meter, asking)
        left = self._allowance.tokens - meter.tokens
        reason = f"a question has {self._allowance.tokens:,} tokens, and they are used"
        if left > 0:
            reason += f" but for {left:,}, too few for this prompt and an answer"
        return self._refused(meter, asking.id, _Refusal("budget", reason))

    def _answered(
        self, question: int, meter: _Meter, asking: _Asking, at: int, answer: Answer | Exception
    ) -> None:
        """Take the answer to one sample, and begin what there is room for now."""
        with self._lock:
            meter.reserved.pop(asking.number + at, None)
            if isinstance(answer, Exception):
                acts = self._gone(meter, asking, answer)
            else:
                self._write(meter, asking, at, answer)
                acts = self._begin(question, meter)
                if len(asking.texts) == asking.n and not asking.is_over:
                    acts.append(partial(asking.tell, self._told(meter, asking)))
        _do(acts)

    def _gone(self, meter: _Meter, asking: _Asking, error: Exception) -> list[_Act]:
        """Give a question up: without an answer to one of its calls, nothing that it says is worth a score."""
        self._fault = self._fault or error
        acts: list[_Act] = []
        for one in (asking, *meter.line):
            if not one.is_over:
                one.is_over = True
                gone = {"type": "gone", "id": one.id, "reason": f"{type(error).__name__}: {error}"}
                acts.append(partial(one.tell, gone))
        meter.line.clear()
        return acts

    def _write(self, meter: _Meter, asking: _Asking, at: int, answer: Answer) -> None:
        """Write down the answer to one sample."""
        call = asking.call
        record = CallRecord(
            number=asking.number + at,
            ask=asking.id,
            after=asking.after,
            model=call.model,
            prompt=call.prompt,
            system=call.system,
            temperature=call.temperature,
            max_tokens=call.max_tokens,
            text=answer.text,
            prompt_tokens=answer.prompt_tokens,
            output_tokens=answer.output_tokens,
            seconds=time.monotonic() - asking.at,
            dollars=answer.dollars,
        )
        meter.records[record.number] = asking, record
        meter.tokens += record.tokens
        asking.texts[at] = answer.text

    def _told(self, meter: _Meter, asking: _Asking) -> Mapping[str, Any]:
        meter.told += 1
        asking.told, asking.is_over = meter.told, True
        texts = [asking.texts.get(at, "") for at in range(asking.n)]
        return {"type": "told", "id": asking.id, "texts": texts, **self._left(meter)}

    def _refused(self, meter: _Meter, asked: int, refusal: _Refusal) -> Mapping[str, Any]:
        meter.told += 1
        refused = {"type": "refused", "id": asked, "why": refusal.why, "reason": str(refusal)}
        return refused | self._left(meter)

    def _left(self, meter: _Meter) -> dict[str, int]:
        waiting = sum(asking.n for asking in meter.line if not asking.begun)
        return {
            "calls": max(0, self._allowance.calls - meter.calls - waiting),
            "tokens": max(0, self._allowance.tokens - meter.tokens),
        }


def _do(acts: Sequence[_Act]) -> None:
    for act in acts:
        act()


def _clean(text: str) -> str:
    """Return a text that can be written as UTF-8: half of a character pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def _count(value: object) -> int:
    """Return what a design's process claims to have read, as far as it is a count."""
    return value if type(value) is int and 0 <= value < 2**31 else 0
