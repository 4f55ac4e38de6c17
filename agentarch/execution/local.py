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
from collections.abc import Iterator
from typing import IO, Any

from agentarch.content import content_folder
from agentarch.evaluation import Cost, Outcome
from agentarch.execution.contract import ExecutionStopped, ExecutorUnavailable, Job, Limits, Result
from agentarch.execution.conversation import converse, judge, was_killed
from agentarch.execution.wire import ProtocolViolation, parse_strict
from agentarch.text import one_line

START_SECONDS = 120.0
GRACE_SECONDS = 15.0
"""How long past its wall limit a box may take to be gone before it counts as our fault."""

MAX_REPORT_BYTES = 64 * 1024
RUNS_OF_A_KILLED_BOX = 3
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


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

        A box that is killed, by a signal its supervisor did not send or together with it, is run again: a person
        or the system may have done it once, and a design to which it happens every time is invalid.
        """
        started = time.monotonic()
        for _ in range(RUNS_OF_A_KILLED_BOX):
            box_started = time.monotonic()
            try:
                with self._box(job.limits) as (channel, report):
                    said = converse(channel, job)
                    seen = _read_report(report, box_started + job.limits.wall_seconds + GRACE_SECONDS)
            except (OSError, ExecutorUnavailable) as error:
                self._raise_if_closed()
                reason = one_line(f"the box could not be run: {type(error).__name__}: {error}")
                return Result(Outcome.INFRASTRUCTURE, reason, cost=Cost(time.monotonic() - started))
            self._raise_if_closed()
            if seen is not None and not was_killed(said, seen, job):
                return judge(said, seen, job, wall_seconds=time.monotonic() - box_started)
        reason = f"its box was killed (signal 9), {RUNS_OF_A_KILLED_BOX} times out of {RUNS_OF_A_KILLED_BOX}"
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
