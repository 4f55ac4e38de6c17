"""The conversation with the boxes of an agent: questions in, calls to models out and answers back, one text a question.

Everything that a design's process says is a claim: its messages are taken only in their form and within their size, and
how a question ended rests on what the porter saw of its process and the supervisor of its box. Where a whole box is
lost, what was under way in it is asked again one at a time, so that one question's design brings down no other's.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentarch.evaluation import Cost, Outcome
from agentarch.execution.contract import (
    Ending,
    ExecutorUnavailable,
    Interview,
    Interviewed,
    Limits,
    Tell,
)
from agentarch.execution.conversation import (
    OUTPUT_CHARACTERS,
    Seen,
    Talk,
    broken_limit,
    cost_seen,
    total_cost,
)
from agentarch.execution.wire import ChannelClosed, ProtocolViolation, parse_strict
from agentarch.text import one_line, printable

MOST_MESSAGE_BYTES = 1024 * 1024
MOST_ANSWER_BYTES = 64 * 1024
MOST_LOST_BOXES = 8
"""So many boxes may be lost before what is left unasked ends as they did."""

FRAME_BYTES = 64 * 1024
LOOK_SECONDS = 0.25
SIGXCPU, SIGKILL = 24, 9
_LENGTH = struct.Struct(">I")


def interview_in_boxes(interview: Interview, in_a_box: Callable[[Limits, Talk], Seen | None]) -> Interviewed:
    """Ask a design every question.

    Args:
        interview: what is asked.
        in_a_box: runs one box within limits, talks with it, and returns its supervisor's report, or None when there
            was none; raises `OSError` or `ExecutorUnavailable` when it cannot.
    """
    course = _Course(interview)
    for sitting in course.sittings():
        try:
            seen = in_a_box(interview.limits, sitting.talk)
        except (OSError, ExecutorUnavailable) as error:
            course.lose(sitting, None, f"the box could not be run: {type(error).__name__}: {error}")
            continue
        course.take(sitting, seen)
    return course.interviewed()


class _Course:
    """How far an interview has come."""

    def __init__(self, interview: Interview) -> None:
        self._interview = interview
        self._endings: dict[int, Ending] = {}
        self._cost, self._output, self._lost = Cost(), "", 0
        self._suspects: deque[int] = deque()
        numbers = iter(range(len(interview.questions)))
        self._planned = deque([next(numbers) for _ in range(size)] for size in interview.sittings)

    def sittings(self) -> Iterable[_Sitting]:
        """Yield what each box is asked: suspects one at a time, then what was planned."""
        while self._suspects or self._planned:
            if self._suspects:
                yield _Sitting(self._interview, [self._suspects.popleft()], self._endings)
            else:
                yield _Sitting(self._interview, self._planned.popleft(), self._endings)

    def take(self, sitting: _Sitting, seen: Seen | None) -> None:
        """Take in what a box has answered, and how it ended."""
        if seen is None or seen["ended"] in ("setup", "hung_up"):
            self.lose(sitting, None, one_line(seen["output"]) if seen else "the box was killed")
            return
        self._cost = total_cost([self._cost, cost_seen(seen)])
        self._output = printable(self._output + seen["output"], OUTPUT_CHARACTERS)
        if sitting.left:
            self.lose(sitting, _fault_of(seen, self._interview.limits), "the box ended before it was done")

    def lose(self, sitting: _Sitting, fault: tuple[Outcome, str] | None, reason: str) -> None:
        """Have what a lost box left unanswered asked again, or end it where that is of no use.

        Args:
            sitting: of that box.
            fault: what the box ended of, where that is the design's doing.
            reason: what happened, where it is ours.
        """
        self._lost += 1
        begun, unbegun = sitting.begun, sitting.unbegun
        outcome, why = fault or (Outcome.INFRASTRUCTURE, one_line(reason))
        if fault and len(begun) == 1:  # nobody else can have done it
            self._endings[begun[0]], begun = Ending(outcome, reason=why), []
        if self._lost > MOST_LOST_BOXES:
            everything = [*begun, *unbegun, *self._suspects, *(n for one in self._planned for n in one)]
            self._endings.update(dict.fromkeys(everything, Ending(outcome, reason=why)))
            self._suspects.clear()
            self._planned.clear()
            return
        for number in begun:
            self._interview.desk.again(number)
        self._suspects.extend(begun)
        if unbegun:
            self._planned.appendleft(unbegun)

    def interviewed(self) -> Interviewed:
        """Return what came of it all."""
        endings = tuple(self._endings[number] for number in range(len(self._interview.questions)))
        return Interviewed(endings, self._cost, self._output)


@dataclass
class _Asked:
    """One question under way.

    Attributes:
        received: bytes of a message that is not whole yet.
        calls: that wait for an answer.
        since: when the design's own time began to run, on the monotonic clock; it stands still while a call waits.
        spent: the design's own time before that, in seconds.
        claim: how its process said that it ended.
    """

    received: bytearray = field(default_factory=bytearray)
    calls: int = 0
    since: float = field(default_factory=time.monotonic)
    spent: float = 0.0
    claim: Ending | None = None

    def own_seconds(self, now: float) -> float:
        """Return how long the design has taken, without waiting for models."""
        return self.spent + (0.0 if self.calls else now - self.since)


class _Sitting:
    """The questions of one box.

    Args:
        interview: of which it is a part.
        numbers: of its questions.
        endings: takes how each ended once it is over, by number.
    """

    def __init__(self, interview: Interview, numbers: list[int], endings: dict[int, Ending]) -> None:
        self._interview, self._waiting, self._endings = interview, deque(numbers), endings
        self._asked: dict[int, _Asked] = {}
        self._inbox, self._outbox = bytearray(), bytearray()
        self._answers: deque[tuple[int, _Asked, Mapping[str, Any]]] = deque()
        self._waker = -1
        self._waker_lock = threading.Lock()  # held to write and to close: its number is soon another's

    @property
    def begun(self) -> list[int]:
        """Numbers of the questions that were under way."""
        return list(self._asked)

    @property
    def unbegun(self) -> list[int]:
        """Numbers of the questions that were not."""
        return list(self._waiting)

    @property
    def left(self) -> bool:
        """Whether anything is unanswered."""
        return bool(self._asked or self._waiting)

    def talk(self, channel: socket.socket) -> None:
        """Ask every question, as many at a time as the interview says, and close the channel."""
        reader, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        channel.setblocking(False)
        try:
            while self.left:
                self._begin_more()
                self._wait(channel, reader)
                self._hand_out_answers()
                self._stop_the_slow()
            self._send({"type": "end"})
            channel.settimeout(LOOK_SECONDS)
            with contextlib.suppress(OSError):
                channel.sendall(self._outbox)
        except (ChannelClosed, OSError):
            pass  # the supervisor's report says how it ended
        except ProtocolViolation:
            pass  # by the porter itself: the box is not to be trusted, and is lost
        finally:
            for number in self._asked:
                self._interview.desk.leave(number)
            with self._waker_lock:
                os.close(self._waker)
                self._waker = -1
            os.close(reader)
            channel.close()

    def _begin_more(self) -> None:
        while self._waiting and len(self._asked) < self._interview.in_flight:
            number = self._waiting.popleft()
            self._asked[number] = _Asked()
            message = {
                "source": self._interview.source,
                "question": self._interview.questions[number],
                "seconds": self._interview.question_seconds,
                "memory_bytes": self._interview.question_bytes,
                **self._interview.desk.terms,
            }
            self._send({"type": "question", "number": number, "message": message})

    def _wait(self, channel: socket.socket, reader: int) -> None:
        """Wait until something comes, and take it in; send what waits to be sent."""
        poller = select.poll()
        poller.register(channel, select.POLLIN | (select.POLLOUT if self._outbox else 0))
        poller.register(reader, select.POLLIN)
        ready = dict(poller.poll(1000 * LOOK_SECONDS))
        on_channel = ready.get(channel.fileno(), 0)
        if on_channel & select.POLLOUT:
            with contextlib.suppress(BlockingIOError):
                del self._outbox[: channel.send(self._outbox)]
        if reader in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(reader, 4096)
        if on_channel & ~select.POLLOUT:  # something to read, or its end
            piece = channel.recv(4 * FRAME_BYTES)
            if not piece:
                raise ChannelClosed
            self._inbox += piece
            self._take_frames()

    def _take_frames(self) -> None:
        """Take in whatever the porter has said in whole."""
        while (header := _message(self._inbox, FRAME_BYTES)) is not None:
            size, frame = header
            match frame:
                case {"type": "piece", "number": int(number), "bytes": int(length)} if (
                    0 < length <= FRAME_BYTES
                ):
                    if len(self._inbox) < size + length:
                        return
                    piece = bytes(self._inbox[size : size + length])
                    del self._inbox[: size + length]
                    if number in self._asked:
                        self._hear(number, piece)
                case {
                    "type": "ended",
                    "number": int(number),
                    "began": bool(),
                    "exit_code": int() | None,
                    "signal": int() | None,
                    "cpu_seconds": int() | float(),
                }:
                    del self._inbox[:size]
                    self._end(number, frame)
                case _:
                    raise ProtocolViolation(f"an unexpected message of type {str(frame.get('type'))[:40]!r}")

    def _hear(self, number: int, piece: bytes) -> None:
        """Take in what a design's process says."""
        asked = self._asked[number]
        asked.received += piece
        try:
            while (
                asked.claim is None and (header := _message(asked.received, MOST_MESSAGE_BYTES)) is not None
            ):
                size, message = header
                del asked.received[:size]
                self._take_message(number, asked, message)
        except ProtocolViolation as error:
            asked.claim = Ending(Outcome.INVALID, reason=f"its process sent {error}")
        if asked.claim is not None:
            self._send({"type": "drop", "number": number})  # whatever it does now is of no use to anybody

    def _take_message(self, number: int, asked: _Asked, message: Mapping[str, Any]) -> None:
        """Take one message of a design's process: any number of `ask`, then an `answer` or a `fault`.

        Raises:
            ProtocolViolation: it is none of these.
        """
        match message:
            case {"type": "ask", "id": int()}:
                now = time.monotonic()
                asked.spent, asked.since = asked.own_seconds(now), now
                asked.calls += 1
                self._interview.desk.ask(number, message, self._teller(number, asked))
            case {"type": "answer", "text": str(text)}:
                answer = text.encode("utf-8", "replace").decode()
                if len(answer.encode()) > MOST_ANSWER_BYTES:
                    reason = f"its answer is longer than {MOST_ANSWER_BYTES:,} bytes"
                    asked.claim = Ending(Outcome.OUTPUT_LIMIT, reason=reason)
                else:
                    asked.claim = Ending(Outcome.SCORED, answer)
            case {
                "type": "fault",
                "outcome": "invalid" | "out_of_memory" | "output_limit" as outcome,
                "reason": str(reason),
            }:
                asked.claim = Ending(Outcome(outcome), reason=one_line(reason))
            case _:
                raise ProtocolViolation(f"an unexpected message of type {str(message.get('type'))[:40]!r}")

    def _teller(self, number: int, asked: _Asked) -> Tell:
        """Return what takes the answer to a call, from whatever thread."""

        def tell(answer: Mapping[str, Any]) -> None:
            self._answers.append((number, asked, answer))
            with self._waker_lock, contextlib.suppress(BlockingIOError):  # it is awake
                if self._waker != -1:
                    os.write(self._waker, b"1")

        return tell

    def _hand_out_answers(self) -> None:
        while self._answers:
            number, asked, answer = self._answers.popleft()
            if self._asked.get(number) is not asked or asked.claim is not None:
                continue
            if answer["type"] == "gone":
                asked.claim = Ending(Outcome.INFRASTRUCTURE, reason=one_line(str(answer["reason"])))
                self._send({"type": "drop", "number": number})
                continue
            asked.calls -= 1
            asked.since = time.monotonic()
            self._send({"type": "say", "number": number, "message": answer})

    def _stop_the_slow(self) -> None:
        """End questions whose design takes longer than it may, the time it waits for models not counted."""
        now, most = time.monotonic(), self._interview.question_seconds
        for number, asked in self._asked.items():
            if asked.claim is None and asked.own_seconds(now) > most:
                reason = (
                    f"took more than {most:g} s over one question, the time it waits for models not counted"
                )
                asked.claim = Ending(Outcome.TIMEOUT, reason=reason)
                self._send({"type": "drop", "number": number})

    def _end(self, number: int, frame: Mapping[str, Any]) -> None:
        """Note how a question ended, once its process has."""
        asked = self._asked.pop(number, None)
        if asked is None:
            return
        self._interview.desk.leave(number)
        self._endings[number] = asked.claim or _died(frame, self._interview.question_seconds)

    def _send(self, message: Mapping[str, Any]) -> None:
        encoded = json.dumps(message).encode()
        self._outbox += _LENGTH.pack(len(encoded)) + encoded


def _message(buffer: bytearray, most: int) -> tuple[int, dict[str, Any]] | None:
    """Return the size and the value of the first whole message in a buffer; None when there is none yet.

    Raises:
        ProtocolViolation: it is too long, or no plain JSON object.
    """
    if len(buffer) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack_from(buffer)
    if length > most:
        raise ProtocolViolation(f"a message of {length:,} bytes; {most:,} are allowed")
    if len(buffer) < _LENGTH.size + length:
        return None
    return _LENGTH.size + length, parse_strict(buffer[_LENGTH.size : _LENGTH.size + length])


def _died(frame: Mapping[str, Any], most: float) -> Ending:
    """Return the ending of a process that went without a word."""
    if not frame["began"]:
        reason = "no process could be made ready for the question; what its box printed says why"
        return Ending(Outcome.INFRASTRUCTURE, reason=reason)
    number = frame["signal"]
    if number in (SIGXCPU, SIGKILL) and frame["cpu_seconds"] >= most * 0.9:
        return Ending(Outcome.TIMEOUT, reason=f"used more than {most:g} s of processor time for one question")
    how = f"by signal {number}" if number else f"with exit code {frame['exit_code']}"
    return Ending(Outcome.INVALID, reason=f"the design's process ended {how} before it answered")


def _fault_of(seen: Seen, limits: Limits) -> tuple[Outcome, str] | None:
    """Return what of a design's doing ended a whole box; None when it was no doing of it."""
    if seen["ended"] in ("timeout", "processor"):
        return Outcome.TIMEOUT, f"its box was not done after {limits.wall_seconds:g} s"
    return broken_limit(seen, limits)
