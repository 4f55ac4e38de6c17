"""Runs designs on this machine: one warm process with torch loaded keeps boxes ready, each used once.

The engine talks to each box over two sockets: the channel, whose other end the design's process holds, and
the report, whose other end only the supervisor outside that process holds. What comes over the channel is
checked; how the box ended and what it cost is taken from the report alone. Hanging up the report ends the
box, so none outlives the engine, however it dies.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from typing import IO

from agentarch.content import content_folder
from agentarch.execution.contract import (
    ExecutionStopped,
    ExecutorUnavailable,
    Interview,
    Interviewed,
    Job,
    Limits,
    Program,
    Result,
)
from agentarch.execution.conversation import Seen, Talk, read_report, run_in_boxes
from agentarch.execution.interviewing import interview_in_boxes
from agentarch.execution.runtime import needed_files
from agentarch.text import one_line

START_SECONDS = 120.0
GRACE_SECONDS = 15.0
"""How long past its wall limit a box may take to be gone before it counts as our fault."""

CLOSE_SECONDS = 5.0
"""How long what was hung up on may take to end by itself."""

DESCRIPTORS_OF_A_BOX = 3
FIRST_FREE_DESCRIPTOR = 3
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class _Box:
    """The engine's ends of one box's sockets, and a handle on its supervisor."""

    channel: socket.socket
    report: socket.socket
    supervisor: int

    def close(self) -> None:
        """Hang up, which ends the box; one that does not listen is killed."""
        self.channel.close()
        self.report.close()
        with contextlib.suppress(ProcessLookupError):
            if not _has_ended(self.supervisor, CLOSE_SECONDS):
                signal.pidfd_send_signal(self.supervisor, signal.SIGKILL)
        os.close(self.supervisor)


class LocalExecutor:
    """Hands each part of a job to a fresh box, made ready by one warm process.

    See `agentarch.execution.contract.Executor`.

    Args:
        tier: `jail`, `landlock` or `unsafe`; which walls stand is in `sandbox/policy.py`.
        lifted: walls of that tier to leave out, to see what they hold; `syscalls.GROUP` lifts the refusal of one
            group of system calls. For tests only: what runs so is named so.
        ready_boxes: how many to keep ready ahead of need.
        program: what the boxes run, `network` or `agent`.
    """

    def __init__(
        self,
        tier: str = "jail",
        lifted: Collection[str] = (),
        ready_boxes: int = 2,
        program: Program = "network",
    ) -> None:
        self.name = tier if not lifted else f"{tier} without {', '.join(sorted(lifted))}"
        files = needed_files(program)
        self._settings = {
            "program": program,
            "tier": tier,
            "lifted": sorted(lifted),
            "shown": files.shown,
            "hidden": files.hidden,
            "ready_boxes": ready_boxes,
        }
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
        """Run one job, each part in a box of its own; see `Executor.run`."""
        result = run_in_boxes(job, self._in_a_box)
        self._raise_if_closed()
        return result

    def interview(self, interview: Interview) -> Interviewed:
        """Ask an agent design everything, several boxes one after the other; see `Executor.interview`."""
        interviewed = interview_in_boxes(interview, self._in_a_box)
        self._raise_if_closed()
        return interviewed

    def close(self) -> None:
        """Hang up on every box and on the warm process; see `Executor.close`."""
        self._is_closed = True
        control = self._control
        if control is not None:
            with contextlib.suppress(OSError):  # wakes whoever waits for the warm process, and holds the lock
                control.shutdown(socket.SHUT_RDWR)
        with self._lock:
            for report in self._open_reports:
                with contextlib.suppress(OSError):
                    report.shutdown(socket.SHUT_RDWR)
            self._stop_warm()

    def _raise_if_closed(self) -> None:
        if self._is_closed:
            raise ExecutionStopped("the executor was closed")

    def _in_a_box(self, limits: Limits, talk: Talk) -> Seen | None:
        """Talk with a fresh box, and return its supervisor's report once it is done; None when there was none."""
        with self._box(limits) as box:
            started = time.monotonic()
            talk(box.channel)
            return read_report(box.report, started + limits.wall_seconds + GRACE_SECONDS)

    @contextlib.contextmanager
    def _box(self, limits: Limits) -> Iterator[_Box]:
        """Take a box and set its limits; it is gone in the end."""
        with self._lock:
            self._raise_if_closed()
            box = self._take_box()
            self._open_reports.add(box.report)
        try:
            with contextlib.suppress(BrokenPipeError):  # it could not be made ready; its report says why
                box.report.sendall(json.dumps(asdict(limits)).encode())
            box.channel.settimeout(limits.wall_seconds + GRACE_SECONDS)
            yield box
        finally:
            with self._lock:
                self._open_reports.discard(box.report)
            box.close()

    def _take_box(self) -> _Box:
        """Ask the warm process for a box, starting another warm process when the last one has died."""
        self._start_warm()
        try:
            return self._request()
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            if self._warm is not None:
                self._warm.kill()  # hung up on, it would end the boxes of other jobs, too
            self._stop_warm()
            self._start_warm()
            return self._request()

    def _request(self) -> _Box:
        assert self._control is not None
        self._control.sendall(b"box")
        answer, descriptors, _, _ = socket.recv_fds(self._control, 16, DESCRIPTORS_OF_A_BOX)
        if not answer:
            raise ConnectionResetError(f"the warm process ended: {self._last_words()}")
        if len(descriptors) < DESCRIPTORS_OF_A_BOX:
            for descriptor in descriptors:
                os.close(descriptor)
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        for descriptor in descriptors:  # whoever starts programs must not keep boxes alive with them
            os.set_inheritable(descriptor, False)
        channel, report, supervisor = descriptors
        return _Box(socket.socket(fileno=channel), socket.socket(fileno=report), supervisor)

    def _start_warm(self) -> None:
        if self._warm is not None and self._warm.poll() is None:
            return
        self._stop_warm()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        errors = os.fdopen(os.memfd_create("errors"), "w+b")  # needs no disk that could be full
        # The standard three may be closed here, and must not be what the warm process has for them.
        with (
            theirs,
            socket.socket(fileno=fcntl.fcntl(theirs, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE_DESCRIPTOR)) as handed,
        ):
            warm = subprocess.Popen(
                [
                    sys.executable,
                    "-s",
                    "-P",
                    str(content_folder("sandbox") / "warm.py"),
                    str(handed.fileno()),
                    json.dumps(self._settings),
                ],
                pass_fds=[handed.fileno()],
                env={"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", **_ONE_THREAD},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                start_new_session=True,
            )
        self._warm, self._control, self._errors = warm, ours, errors
        self._raise_if_closed()
        ours.settimeout(START_SECONDS)
        try:
            greeting = ours.recv(4096)
        except OSError:  # nothing came in time, or it was closed meanwhile
            greeting = b""
        self._raise_if_closed()
        if not greeting:
            said = self._last_words()
            self._stop_warm()
            raise ExecutorUnavailable(f"the warm process did not come up: {said}")
        ours.settimeout(GRACE_SECONDS)

    def _last_words(self) -> str:
        """Return what the warm process, which has hung up, printed before it ended."""
        assert self._warm is not None
        assert self._errors is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._warm.wait(CLOSE_SECONDS)
        self._errors.seek(0)
        return one_line(self._errors.read().decode("utf-8", "replace")[-2000:]) or "nothing was printed"

    def _stop_warm(self) -> None:
        if self._control is not None:
            self._control.close()  # the warm process ends when its engine hangs up
        if self._warm is not None:
            try:
                self._warm.wait(CLOSE_SECONDS)
            except subprocess.TimeoutExpired:
                self._warm.kill()
                self._warm.wait()
        if self._errors is not None:
            self._errors.close()
        self._warm = self._control = self._errors = None


def _has_ended(process: int, within_seconds: float) -> bool:
    """Whether the process behind a handle ends within a time."""
    poller = select.poll()
    poller.register(process, select.POLLIN)
    return bool(poller.poll(1000 * within_seconds))
