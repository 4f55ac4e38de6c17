"""Runs designs on this machine: one warm process with torch loaded forks a fresh box for every job.

The engine talks to each box over two sockets: the channel, whose other end the design's process holds, and
the report, whose other end only the supervisor outside that process holds. What comes over the channel is
checked; how the box ended and what it cost is taken from the report alone. Hanging up the report ends the
box, so none outlives the engine, however it dies.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from agentarch.content import content_folder
from agentarch.evaluation import Cost, Outcome
from agentarch.execution.contract import ExecutionStopped, ExecutorUnavailable, Job, Limits, Result
from agentarch.execution.wire import (
    ChannelClosed,
    ProtocolViolation,
    parse_strict,
    receive_floats,
    receive_header,
    send,
)
from agentarch.text import one_line, printable

START_SECONDS = 120.0
GRACE_SECONDS = 15.0
"""How long past its wall limit a box may take to be gone before it counts as our fault."""

MAX_REPORT_BYTES = 64 * 1024
MAX_COUNT = 2**53
MAX_LOSSES = 64
MAX_RECIPE_ENTRIES, MAX_RECIPE_TEXT = 32, 64
RUNS_OF_A_KILLED_BOX = 3
OUTPUT_CHARACTERS = 4000
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass
class _Said:
    """What came over the channel, all of it claims of the design's process."""

    claims: dict[str, Any] = field(default_factory=dict)
    replies: list[NDArray[np.float32]] = field(default_factory=list)
    fault: tuple[Outcome, str] | None = None


class LocalExecutor:
    """Forks a box for each job from one warm process; see `agentarch.execution.contract.Executor`.

    The walls are those of a separate process: limits on time, memory and output, no environment, no
    inherited descriptors, no bytes to a disk. It does not yet keep a design from files it could delete, from
    the network, or from processes of the same user.
    """

    name = "local"

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal handler may close what its own thread is starting
        self._warm: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._errors: IO[bytes] | None = None
        self._open_reports: set[socket.socket] = set()
        self._is_closed = False

    def start(self) -> None:
        """Start the warm process and wait until torch is loaded; does nothing when it runs already.

        Raises:
            ExecutorUnavailable: it did not come up.
            ExecutionStopped: `close` was called meanwhile.
        """
        with self._lock:
            self._start_warm()

    def run(self, job: Job) -> Result:
        """Run one job in a box of its own; see `Executor.run`.

        A box whose supervisor is killed is run again: a person or the system may have done it once, and a
        design that does it every time is invalid.
        """
        started = time.monotonic()
        for _ in range(RUNS_OF_A_KILLED_BOX):
            box_started = time.monotonic()
            try:
                with self._box(job.limits) as (channel, report):
                    said = _converse(channel, job)
                    seen = _read_report(report, box_started + job.limits.wall_seconds + GRACE_SECONDS)
            except (OSError, ExecutorUnavailable) as error:
                self._raise_if_closed()
                reason = one_line(f"the box could not be run: {type(error).__name__}: {error}")
                return Result(Outcome.INFRASTRUCTURE, reason, cost=Cost(time.monotonic() - started))
            self._raise_if_closed()
            if seen is not None:
                return _result(said, seen, job, wall_seconds=time.monotonic() - box_started)
        reason = f"its box was killed from inside, {RUNS_OF_A_KILLED_BOX} times out of {RUNS_OF_A_KILLED_BOX}"
        return Result(Outcome.INVALID, reason, cost=Cost(time.monotonic() - started))

    def close(self) -> None:
        """Hang up on every box and on the warm process; see `Executor.close`."""
        with self._lock:
            self._is_closed = True
            for report in self._open_reports:
                with contextlib.suppress(OSError):
                    report.shutdown(socket.SHUT_RDWR)
            self._stop_warm()

    def _raise_if_closed(self) -> None:
        if self._is_closed:
            raise ExecutionStopped("the executor was closed")

    @contextlib.contextmanager
    def _box(self, limits: Limits) -> Iterator[tuple[socket.socket, socket.socket]]:
        """Open a box; yield the engine's ends of its channel and its report."""
        channel, channel_inside = socket.socketpair()
        report, report_inside = socket.socketpair()
        wanted = {
            "wall_seconds": limits.wall_seconds,
            "memory_bytes": limits.memory_bytes,
            "output_bytes": limits.output_bytes,
        }
        with channel, report:
            with channel_inside, report_inside, self._lock:
                self._raise_if_closed()
                self._request(json.dumps(wanted).encode(), [channel_inside.fileno(), report_inside.fileno()])
                self._open_reports.add(report)
            try:
                channel.settimeout(limits.wall_seconds + GRACE_SECONDS)
                yield channel, report
            finally:
                with self._lock:
                    self._open_reports.discard(report)

    def _request(self, message: bytes, descriptors: list[int]) -> None:
        """Ask the warm process for a box, starting another warm process when the last one has died."""
        self._start_warm()
        assert self._control is not None
        try:
            socket.send_fds(self._control, [message], descriptors)
        except (BrokenPipeError, ConnectionResetError):
            self._stop_warm()
            self._start_warm()
            socket.send_fds(self._control, [message], descriptors)

    def _start_warm(self) -> None:
        if self._warm is not None and self._warm.poll() is None:
            return
        self._stop_warm()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process it belongs to
        with theirs:
            warm = subprocess.Popen(
                [
                    sys.executable,
                    "-s",
                    "-P",
                    str(content_folder("sandbox") / "warm.py"),
                    str(theirs.fileno()),
                ],
                pass_fds=[theirs.fileno()],
                env={"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", **_ONE_THREAD},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                start_new_session=True,
            )
        self._warm, self._control, self._errors = warm, ours, errors
        ours.settimeout(START_SECONDS)
        try:
            greeting = ours.recv(4096)
        except OSError:  # nothing came in time, or it was closed meanwhile
            greeting = b""
        self._raise_if_closed()
        if not greeting:
            errors.seek(0)
            said = one_line(errors.read().decode("utf-8", "replace")[-2000:]) or "nothing was printed"
            self._stop_warm()
            raise ExecutorUnavailable(
                f"the warm process did not come up: {said}. Is torch installed? Try `agentarch doctor`."
            )
        ours.settimeout(GRACE_SECONDS)

    def _stop_warm(self) -> None:
        if self._control is not None:
            self._control.close()  # the warm process ends when its engine hangs up
        if self._warm is not None:
            try:
                self._warm.wait(timeout=2)
            except subprocess.TimeoutExpired:
                self._warm.kill()
                self._warm.wait()
        if self._errors is not None:
            self._errors.close()
        self._warm = self._control = self._errors = None


def _converse(channel: socket.socket, job: Job) -> _Said:
    """Hand the job in, ask the questions once the box is ready for them, and note what is said."""
    said = _Said()
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


def _take_claim(message: Mapping[str, Any], said: _Said) -> None:
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


def _read_report(report: socket.socket, deadline: float) -> dict[str, Any] | None:
    """Read the supervisor's one line; None when it ended without one."""
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


def _result(said: _Said, seen: Mapping[str, Any], job: Job, wall_seconds: float) -> Result:
    """Decide the outcome: what was seen from outside goes before what was said inside."""
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


def _outcome(said: _Said, seen: Mapping[str, Any], job: Job) -> tuple[Outcome, str]:
    limits = job.limits
    match seen["ended"]:
        case "timeout":
            doing = "predicting" if "losses" in said.claims else "training" if said.claims else "building"
            return Outcome.TIMEOUT, f"still {doing} after {limits.wall_seconds:g} s; make the design cheaper"
        case "memory":
            return Outcome.OUT_OF_MEMORY, f"used more than {limits.memory_bytes / 2**20:,.0f} MiB of memory"
        case "output":
            return Outcome.OUTPUT_LIMIT, f"printed more than {limits.output_bytes / 2**10:,.0f} KiB"
    if said.fault is not None:
        return said.fault
    if len(said.replies) == len(job.questions):
        return Outcome.SCORED, ""
    how = f"by signal {seen['signal']}" if seen["signal"] else f"with exit code {seen['exit_code']}"
    return Outcome.INVALID, f"the design's process ended {how} before it was done"
