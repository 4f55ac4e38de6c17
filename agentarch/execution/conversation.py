"""The conversation with the boxes of a job: what is handed in, what may come back, and what it amounts to.

Everything that comes over the channel is a claim of the design's process; only messages of the protocol, in its
order, are taken. The outcome rests first on what the supervisor saw from outside. The boxes that predict are fresh
ones: of the box that trained they get bytes, which are counted here and mean nothing to the engine.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentarch.evaluation import Cost, Outcome
from agentarch.execution.contract import ExecutorUnavailable, Job, Limits, Question, Result
from agentarch.execution.surveying import Surveying, survey_seconds
from agentarch.execution.wire import (
    ChannelClosed,
    ProtocolViolation,
    parse_strict,
    receive_bytes,
    receive_floats,
    receive_header,
    send,
)
from agentarch.text import one_line, printable

RUNS_OF_A_KILLED_BOX = 3
MAX_REPORT_BYTES = 64 * 1024
MAX_COUNT = 2**53
MAX_LOSSES = 64
MAX_RECIPE_ENTRIES, MAX_RECIPE_TEXT = 32, 64
OUTPUT_CHARACTERS = 4000


@dataclass
class Said:
    """What came over the channels, all of it claims of the design's processes.

    Attributes:
        claims: `parameters` and `recipe` once it was built, `losses` once it was trained, with `stopped_at_step` when
            that was early.
        learnt: what the box that trained handed over, once it was trained.
        replies: float32, to the first questions, in order.
        fault: the outcome and the reason that a box gave, if any.
    """

    claims: dict[str, Any] = field(default_factory=dict)
    learnt: bytes | None = None
    replies: list[NDArray[np.float32]] = field(default_factory=list)
    fault: tuple[Outcome, str] | None = None


Seen = Mapping[str, Any]
"""A supervisor's report."""

Talk = Callable[[socket.socket], None]
"""Talks with one box over its channel, and closes it."""


def run_in_boxes(job: Job, in_a_box: Callable[[Limits, Talk], Seen | None]) -> Result:
    """Let one box train, and others, which know nothing else of it, predict with what was learnt.

    Each group of questions is asked in a box of its own, so that what a design makes of some it cannot use for others.
    The job's survey comes last, in another, and only when everything was answered.

    When a box is killed, by a signal its supervisor did not send or together with it, the job is run again: a person or
    the system may have done it once. A design to which it happens every time is invalid; that a supervisor ends so is
    no design's doing. Nor is it when a box cannot be had, or neither reads nor writes while its channel waits.

    Args:
        job: what is asked.
        in_a_box: runs one box within limits, talks with it, and returns its supervisor's report, or None when there
            was none; raises `OSError` or `ExecutorUnavailable` when it cannot.
    """
    started = time.monotonic()
    killed: list[_BoxKilled] = []
    while len(killed) < RUNS_OF_A_KILLED_BOX:
        try:
            result = _run_once(job, in_a_box)
        except _BoxKilled as error:
            killed.append(error)
        except (OSError, ExecutorUnavailable) as error:
            reason = one_line(f"the box could not be run: {type(error).__name__}: {error}")
            return Result(Outcome.INFRASTRUCTURE, reason, cost=Cost(time.monotonic() - started))
        else:
            return replace(result, cost=total_cost([*(one.cost for one in killed), result.cost]))
    is_designs = all(one.was_supervised for one in killed)
    return Result(
        Outcome.INVALID if is_designs else Outcome.INFRASTRUCTURE,
        f"its box{'' if is_designs else ' or its supervisor'} was killed, {len(killed)} times out of {len(killed)}",
        cost=total_cost([one.cost for one in killed]),
    )


class _BoxKilled(Exception):
    """A box was killed, and not by its supervisor.

    Attributes:
        was_supervised: whether the supervisor lived to report it.
        cost: of the boxes that were reported until then.
    """

    def __init__(self, was_supervised: bool, cost: Cost) -> None:
        super().__init__("a box was killed")
        self.was_supervised, self.cost = was_supervised, cost


def _run_once(job: Job, in_a_box: Callable[[Limits, Talk], Seen | None]) -> Result:
    """Run a job's boxes one after the other, as long as each does its part.

    Raises:
        _BoxKilled: before it was done, and not by its supervisor.
    """
    said = Said()
    costs: list[Cost] = []
    printed = ""
    seen: Seen = {}
    for talk, replies in _parts(job):
        left = job.limits.wall_seconds - total_cost(costs).wall_seconds
        report = in_a_box(replace(job.limits, wall_seconds=max(left, 0.0)), partial(talk, job, said))
        if report is None:
            raise _BoxKilled(False, total_cost(costs))
        seen = report
        if seen["ended"] in ("setup", "hung_up"):
            reason = f"the box did not start: {one_line(seen['output'])}"
            return Result(Outcome.INFRASTRUCTURE, reason, cost=total_cost(costs))
        costs.append(cost_seen(seen))
        printed += seen["output"]
        is_done = said.fault is None and said.learnt is not None and len(said.replies) == replies
        was_killed = seen["ended"] == "exited" and seen["signal"] == signal.SIGKILL
        if was_killed and not is_done and said.fault is None:
            raise _BoxKilled(True, total_cost(costs))
        if not is_done or seen["ended"] != "exited":
            break
    outcome, reason = _outcome(said, seen, job)
    result = Result(
        outcome=outcome,
        reason=reason,
        replies=tuple(said.replies) if outcome is Outcome.SCORED else (),
        claims=said.claims,
        learnt_bytes=len(said.learnt or b""),
        cost=total_cost(costs),
        output=printable(printed, OUTPUT_CHARACTERS),
    )
    return _with_survey(result, job, said, in_a_box) if outcome is Outcome.SCORED and job.survey else result


def _parts(job: Job) -> Iterator[tuple[Callable[[Job, Said, socket.socket], None], int]]:
    """Yield how to talk with each box, and how many replies there are once it is done."""
    yield _train, 0
    replies = 0
    for sitting in job.sittings:
        replies += len(sitting)
        yield partial(_ask, sitting), replies


def _with_survey(
    result: Result, job: Job, said: Said, in_a_box: Callable[[Limits, Talk], Seen | None]
) -> Result:
    """Return a result with what came of the job's survey, in one more box, no fault of which changes anything else."""
    assert job.survey is not None
    seconds = survey_seconds(job.limits, result.cost)
    if seconds <= 0:
        return result
    asked = Surveying(job.survey, _header(job, "survey"), said.learnt or b"")
    try:
        seen = in_a_box(replace(job.limits, wall_seconds=seconds), asked.talk)
    except (OSError, ExecutorUnavailable):
        seen = None
    cost = result.cost
    if seen is not None and seen["ended"] not in ("setup", "hung_up"):
        wall, cpu = cost.wall_seconds + seen["wall_seconds"], cost.cpu_seconds + seen["cpu_seconds"]
        cost = replace(cost, wall_seconds=wall, cpu_seconds=cpu)
    return replace(result, cost=cost, surveyed=asked.surveyed())


def broken_limit(seen: Seen, limits: Limits) -> tuple[Outcome, str] | None:
    """Return the outcome and the reason of a box that was stopped over its memory, output or threads; else None."""
    match seen["ended"]:
        case "memory":
            return Outcome.OUT_OF_MEMORY, f"used more than {limits.memory_bytes / 2**20:,.0f} MiB of memory"
        case "output":
            return Outcome.OUTPUT_LIMIT, f"printed more than {limits.output_bytes / 2**10:,.0f} KiB"
        case "threads":
            return Outcome.INVALID, "ran more threads than a box may have"
    return None


def cost_seen(seen: Seen) -> Cost:
    """Return what a box cost, as its supervisor has measured it."""
    return Cost(seen["wall_seconds"], seen["cpu_seconds"], seen["peak_memory_bytes"])


def total_cost(costs: Sequence[Cost]) -> Cost:
    """Return what several boxes cost, one after the other: times add up, the greatest memory counts."""
    return Cost(
        sum(one.wall_seconds for one in costs),
        sum(one.cpu_seconds for one in costs),
        max((one.peak_memory_bytes for one in costs), default=0),
    )


def read_report(report: socket.socket, deadline: float) -> Seen | None:
    """Read a supervisor's one line; None when it ended without one.

    Raises:
        TimeoutError: it said nothing until the deadline.
    """
    collected = bytearray()
    while len(collected) <= MAX_REPORT_BYTES:
        report.settimeout(max(0.1, deadline - time.monotonic()))
        try:
            piece = report.recv(65536)
        except ConnectionResetError:
            piece = b""
        if not piece:
            break
        collected += piece
    try:
        return parse_strict(collected)
    except ProtocolViolation:
        return None


def _train(job: Job, said: Said, channel: socket.socket) -> None:
    """Hand the job in, and note what is said until it is trained."""
    with _held(channel, said):
        with contextlib.suppress(ChannelClosed):  # it may have said why before it hung up
            send(channel, _header(job, "train"), job.arrays)
        while said.fault is None and said.learnt is None:
            _take_claim(receive_header(channel), said, job, channel)


def _ask(questions: Sequence[Question], job: Job, said: Said, channel: socket.socket) -> None:
    """Hand in what was learnt, and ask some questions."""
    learnt = np.frombuffer(said.learnt or b"", np.uint8)
    with _held(channel, said):
        with contextlib.suppress(ChannelClosed):
            send(channel, _header(job, "predict"), {"learnt": learnt})
        for question in questions:
            with contextlib.suppress(ChannelClosed):
                send(channel, {"type": "predict"}, {"inputs": question.inputs})
            message = receive_header(channel)
            if message.get("type") != "predicted":
                _take_fault(message, said)
                return
            said.replies.append(receive_floats(channel, question.reply_shape))
        send(channel, {"type": "end"}, {})


@contextlib.contextmanager
def _held(channel: socket.socket, said: Said) -> Iterator[None]:
    """Close the channel in the end; what breaks the protocol is noted as the design's fault."""
    try:
        yield
    except ChannelClosed:
        pass  # the supervisor's report says how it ended
    except ProtocolViolation as error:
        said.fault = (Outcome.INVALID, f"the design's process sent {error}")
    channel.close()  # a box that still reads or writes sees the end


def _header(job: Job, part: str) -> dict[str, Any]:
    return {
        "type": "job",
        "kind": job.kind,
        "part": part,
        "source": job.source,
        "seed": job.seed,
        **job.settings,
    }


def _take_claim(message: Mapping[str, Any], said: Said, job: Job, channel: socket.socket) -> None:
    """Note one message of the box that trains: `built` once, then `trained` once; a `fault` at any time.

    Raises:
        ProtocolViolation: it is none that a box may send now.
        ChannelClosed: the box is gone.
    """
    match message:
        case {"type": "built", "parameters": parameters, "recipe": recipe} if (
            not said.claims and _is_count(parameters) and _is_recipe(recipe)
        ):
            said.claims.update(parameters=parameters, recipe=recipe)
        case {"type": "trained", "losses": list(losses), "bytes": size} if (
            set(said.claims) == {"parameters", "recipe"}
            and len(losses) <= MAX_LOSSES
            and all(isinstance(loss, float) for loss in losses)
            and _is_count(size)
        ):
            if size > job.max_learnt_bytes:
                raise ProtocolViolation(
                    f"{size:,} bytes that it learnt; {job.max_learnt_bytes:,} are allowed"
                )
            said.claims.update(losses=losses)
            if _is_count(message.get("stopped_at_step")):
                said.claims.update(stopped_at_step=message["stopped_at_step"])
            said.learnt = receive_bytes(channel, size)
        case _:
            _take_fault(message, said)


def _take_fault(message: Mapping[str, Any], said: Said) -> None:
    """Note a `fault`.

    Raises:
        ProtocolViolation: it is none.
    """
    match message:
        case {"type": "fault", "outcome": "invalid" | "out_of_memory" as outcome, "reason": str(reason)}:
            said.fault = (Outcome(outcome), one_line(reason))
        case _:
            raise ProtocolViolation(f"an unexpected message of type {str(message.get('type'))[:40]!r}")


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < MAX_COUNT


def _is_recipe(value: object) -> bool:
    """Whether a claimed recipe is None or a small, flat, printable dictionary."""
    if not isinstance(value, dict):
        return value is None
    plain = all(
        isinstance(one, bool | float)
        or (type(one) is int and abs(one) < MAX_COUNT)
        or (isinstance(one, str) and one == one_line(one, MAX_RECIPE_TEXT))
        for one in value.values()
    )
    names = all(name == one_line(name, MAX_RECIPE_TEXT) for name in value)
    return len(value) <= MAX_RECIPE_ENTRIES and plain and names


def _outcome(said: Said, seen: Seen, job: Job) -> tuple[Outcome, str]:
    limits = job.limits
    match seen["ended"]:
        case "timeout":
            doing = "predicting" if said.learnt is not None else "training" if said.claims else "building"
            return Outcome.TIMEOUT, f"still {doing} after {limits.wall_seconds:g} s; make the design cheaper"
        case "processor":
            return Outcome.TIMEOUT, (
                f"used more processor time than one core has in {limits.wall_seconds:g} s; start no threads"
            )
    if (broken := broken_limit(seen, limits)) is not None:
        return broken
    if said.fault is not None:
        return said.fault
    if said.learnt is not None and len(said.replies) == len(job.questions):
        return Outcome.SCORED, ""
    how = f"by signal {seen['signal']}" if seen["signal"] else f"with exit code {seen['exit_code']}"
    return Outcome.INVALID, f"the design's process ended {how} before it was done"
