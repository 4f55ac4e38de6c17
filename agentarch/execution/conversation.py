"""One conversation with a box: what is handed in, what may come back, and what it amounts to.

Everything that comes over the channel is a claim of the design's process; only messages of the protocol, in its
order, are taken. The outcome rests first on what the supervisor saw from outside.
"""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentarch.evaluation import Cost, Outcome
from agentarch.execution.contract import Job, Result
from agentarch.execution.wire import ChannelClosed, ProtocolViolation, receive_floats, receive_header, send
from agentarch.text import one_line, printable

MAX_COUNT = 2**53
MAX_LOSSES = 64
MAX_RECIPE_ENTRIES, MAX_RECIPE_TEXT = 32, 64
OUTPUT_CHARACTERS = 4000


@dataclass
class Said:
    """What came over the channel, all of it claims of the design's process.

    Attributes:
        claims: `parameters` and `recipe` once it was built, `losses` once it was trained.
        replies: float32, to the first questions, in order.
        fault: the outcome and the reason that the box gave, if any.
    """

    claims: dict[str, Any] = field(default_factory=dict)
    replies: list[NDArray[np.float32]] = field(default_factory=list)
    fault: tuple[Outcome, str] | None = None


def converse(channel: socket.socket, job: Job) -> Said:
    """Hand the job in, ask the questions once the box is ready for them, and note what is said.

    The channel is closed in the end. What breaks the protocol is noted as the design's fault.

    Raises:
        TimeoutError: the box neither read nor wrote for as long as the channel allows.
    """
    said = Said()
    header = {"type": "job", "kind": job.kind, "source": job.source, "seed": job.seed, **job.settings}
    try:
        with contextlib.suppress(ChannelClosed):  # it may have said why before it hung up
            send(channel, header, job.arrays)
        while said.fault is None and "losses" not in said.claims:
            _take_claim(receive_header(channel), said)
        for question in job.questions if said.fault is None else ():
            send(channel, {"type": "predict"}, {"inputs": question.inputs})
            message = receive_header(channel)
            if message.get("type") != "predicted":
                _take_claim(message, said)
                break
            said.replies.append(receive_floats(channel, question.reply_shape))
        send(channel, {"type": "end"}, {})
    except ChannelClosed:
        pass  # the supervisor's report says how it ended
    except ProtocolViolation as error:
        said.fault = (Outcome.INVALID, f"the design's process sent {error}")
    channel.close()  # a box that still reads or writes sees the end
    return said


def _take_claim(message: Mapping[str, Any], said: Said) -> None:
    """Note one message that is not a reply: `built` once, then `trained` once; a `fault` at any time.

    Raises:
        ProtocolViolation: it is none that a box may send now.
    """
    match message:
        case {"type": "fault", "outcome": "invalid" | "out_of_memory" as outcome, "reason": str(reason)}:
            said.fault = (Outcome(outcome), one_line(reason))
        case {"type": "built", "parameters": parameters, "recipe": recipe} if (
            not said.claims and _is_count(parameters) and _is_recipe(recipe)
        ):
            said.claims.update(parameters=parameters, recipe=recipe)
        case {"type": "trained", "losses": list(losses)} if (
            set(said.claims) == {"parameters", "recipe"}
            and len(losses) <= MAX_LOSSES
            and all(isinstance(loss, float) for loss in losses)
        ):
            said.claims.update(losses=losses)
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


def was_killed(said: Said, seen: Mapping[str, Any], job: Job) -> bool:
    """Whether the design's process was killed before it was done, and not by its supervisor."""
    is_unfinished = said.fault is None and len(said.replies) < len(job.questions)
    return seen["ended"] in ("exited", "setup") and seen["signal"] == signal.SIGKILL and is_unfinished


def judge(said: Said, seen: Mapping[str, Any], job: Job, wall_seconds: float) -> Result:
    """Decide the outcome: what was seen from outside goes before what was said inside.

    Args:
        said: over the channel.
        seen: the supervisor's report.
        job: what was asked.
        wall_seconds: the box took, measured by the engine.
    """
    if seen["ended"] in ("setup", "hung_up"):
        reason = f"the box did not start: {one_line(seen['output'])}"
        return Result(Outcome.INFRASTRUCTURE, reason, cost=Cost(wall_seconds=wall_seconds))
    outcome, reason = _outcome(said, seen, job)
    return Result(
        outcome=outcome,
        reason=reason,
        replies=tuple(said.replies) if outcome is Outcome.SCORED else (),
        claims=said.claims,
        cost=Cost(wall_seconds, seen["cpu_seconds"], seen["peak_memory_bytes"]),
        output=printable(seen["output"], OUTPUT_CHARACTERS),
    )


def _outcome(said: Said, seen: Mapping[str, Any], job: Job) -> tuple[Outcome, str]:
    limits = job.limits
    match seen["ended"]:
        case "timeout":
            doing = "predicting" if "losses" in said.claims else "training" if said.claims else "building"
            return Outcome.TIMEOUT, f"still {doing} after {limits.wall_seconds:g} s; make the design cheaper"
        case "memory":
            return Outcome.OUT_OF_MEMORY, f"used more than {limits.memory_bytes / 2**20:,.0f} MiB of memory"
        case "processor":
            return Outcome.TIMEOUT, (
                f"used more processor time than one core has in {limits.wall_seconds:g} s; start no threads"
            )
        case "threads":
            return Outcome.INVALID, "ran more threads than a box may have"
        case "output":
            return Outcome.OUTPUT_LIMIT, f"printed more than {limits.output_bytes / 2**10:,.0f} KiB"
    if said.fault is not None:
        return said.fault
    if len(said.replies) == len(job.questions):
        return Outcome.SCORED, ""
    how = f"by signal {seen['signal']}" if seen["signal"] else f"with exit code {seen['exit_code']}"
    return Outcome.INVALID, f"the design's process ended {how} before it was done"
