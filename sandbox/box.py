"""One box: a process for one design, and a supervisor outside it that limits, measures and ends it.

The supervisor is a fork of the warm process that never runs a line of the design and that the design can neither see
nor signal. It makes the box ready, waits for a job's limits, and watches wall time, processor time, memory and what is
printed. When the design is done, breaks a limit, or the engine goes away, it kills everything in the box and
reports what was seen from outside.
"""

import contextlib
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from dataclasses import dataclass

import cells
import inside
import jail
import kernel
import policy
import porter
import processes
from wire import Channel

TICK_SECONDS = 0.05
OUTPUT_TAIL_BYTES = 8192
MAX_ORDER_BYTES = 4096
WAITING, AT_WORK = "box (ready)", "box"
"""What the list of processes says of both processes of a box."""


@dataclass(frozen=True)
class Walls:
    """What stands around every box of this warm process.

    Attributes:
        program: what is run in it, `network` or `agent`.
        names: of the walls, as in `policy.TIERS`.
        lifted_syscalls: groups of refused system calls that are allowed after all.
        readable: paths that a design may read.
    """

    program: str
    names: frozenset[str]
    lifted_syscalls: frozenset[str]
    readable: list[str]

    def shut_in(self) -> None:
        """Put up the last of them around this process."""
        jail.shut(self.names, self.lifted_syscalls, self.readable)


def supervise(channel: socket.socket, report: socket.socket, walls: Walls, number: int) -> None:
    """Make one box ready, run one design in it to its end, and write one line of JSON about it to `report`.

    Args:
        channel: the design's only link to the engine; handed to the design's process and closed here.
        report: the supervisor's own link to the engine. One order comes over it, the job's limits as JSON
            (`wall_seconds`; `memory_bytes`, resident, whole box; `output_bytes`). When the engine hangs up, the
            box ends.
        walls: that stand.
        number: of the box.
    """
    kernel.name_process(WAITING)
    _keep_only(processes.descriptor(), channel.fileno(), report.fileno())
    adopt_orphans()  # those of the design become ours, and their cost with them
    try:
        seen = _run_one(channel, report, walls, number)
    except Exception as error:  # ours or the machine's, never the design's
        seen = {"ended": "setup", "output": f"{type(error).__name__}: {error}"}
    with contextlib.suppress(OSError):  # the engine is gone, and with it the only reader
        report.sendall(json.dumps(seen).encode() + b"\n")


def _run_one(channel: socket.socket, report: socket.socket, walls: Walls, number: int) -> dict:
    """Make the box, run the design in it to its end, and return what was seen."""
    jail.enter_namespaces(walls.names, number)
    reader, writer = os.pipe()
    ready, set_up = os.pipe()
    limited, go = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(go)
        _become_design(channel, writer, set_up, limited, walls)
    channel.close()
    os.close(writer)
    os.close(set_up)
    os.close(limited)
    try:
        is_set_up = os.read(ready, 1) != b""  # before the job's time begins, which our walls must not use up
        watch = _Watch(child, reader, report, go, walls.names)
        ended = watch.until_the_end()
    finally:
        status = end_descendants(child)[child]
    code = os.waitstatus_to_exitcode(status)
    if not is_set_up:  # no line of the design has run: the fault is ours
        ended = "setup"
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "ended": ended,
        "exit_code": code if code >= 0 else None,
        "signal": -code if code < 0 else None,
        "wall_seconds": time.monotonic() - watch.started,
        # Nobody waits for those killed last, so that what was seen of them may be more than what they left.
        "cpu_seconds": max(used.ru_utime + used.ru_stime, watch.cpu_seconds),
        "peak_memory_bytes": used.ru_maxrss * 1024,
        "output": watch.tail.decode("utf-8", "replace"),
    }


def adopt_orphans() -> None:
    """Become the parent of every descendant that loses its own, so that none gets out of sight."""
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)


def _become_design(channel: socket.socket, writer: int, set_up: int, limited: int, walls: Walls) -> None:
    """Turn this fork into the design's process, shut it in, and run the design; never returns.

    Says to `set_up` that it is shut in, and waits at `limited` until the job's limits stand.
    """
    code = 1
    try:
        os.setsid()
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        nothing, end = os.pipe()  # the box's own: boxes could signal with the flags of a shared descriptor
        os.close(end)
        os.dup2(nothing, 0)
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        sys.stdout.reconfigure(line_buffering=True)  # what a design prints counts although it is killed
        if "descriptors" in walls.names:
            _keep_only(channel.fileno(), set_up, limited)
        if walls.program == "agent":  # shut in is each question's process, not this one
            cells.try_one(walls.names, walls.shut_in)
        else:
            walls.shut_in()
        os.write(set_up, b"1")
        os.close(set_up)
        if os.read(limited, 1):  # else the supervisor is gone, and no limit stands
            os.close(limited)
            if walls.program == "agent":
                kernel.name_process(AT_WORK)
                porter.serve(Channel(channel), channel, walls.names, walls.shut_in)
            else:
                inside.serve(Channel(channel), on_job=lambda: kernel.name_process(AT_WORK))
            code = 0
    except BaseException as error:
        with contextlib.suppress(Exception):
            os.write(2, str(error).encode())
    finally:
        os._exit(code)


def _keep_only(*descriptors: int) -> None:
    """Close every descriptor but the standard three and some."""
    first = 3
    for descriptor in sorted(descriptors):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))


class _Watch:
    """Waits until the design's process ends or must end.

    Attributes:
        started: when the job's limits came, on the monotonic clock.
        tail: the last bytes the design printed.
        cpu_seconds: the most that was seen in use.
    """

    def __init__(
        self, child: int, reader: int, report: socket.socket, go: int, walls: frozenset[str]
    ) -> None:
        self.started = time.monotonic()
        self.tail = b""
        self.cpu_seconds = 0.0
        self._child, self._reader, self._report, self._walls = child, reader, report, walls
        self._go = go
        self._finished = os.pidfd_open(child)
        self._printed = 0
        self._limits: dict | None = None
        self._next_look = 0.0
        self._poller = select.poll()
        for descriptor in (self._finished, reader, report.fileno()):
            self._poller.register(descriptor, select.POLLIN)

    def until_the_end(self) -> str:
        """Return why: `exited`, `timeout`, `processor`, `memory`, `threads`, `output` or `hung_up`.

        Raises:
            processes.Hidden: the design's process cannot be seen, so that no limit would hold.
        """
        while True:
            now = time.monotonic()
            broken = self._broken_limit(now) if self._limits else None
            if broken:
                return broken
            ready = {descriptor for descriptor, _ in self._poller.poll(self._patience(now))}
            if self._reader in ready:
                self._take_output()
            elif self._finished in ready:  # only once the pipe is drained, so that no last words are lost
                return "exited"
            if self._report.fileno() in ready and not self._take_order():
                return "hung_up"

    def _patience(self, now: float) -> float | None:
        """How many milliseconds until the next look; none while no job has come."""
        if self._limits is None:
            return None
        left = self.started + self._limits["wall_seconds"] - now
        return 1000 * max(0.0, min(TICK_SECONDS, left))

    def _broken_limit(self, now: float) -> str | None:
        limits = self._limits
        if now >= self.started + limits["wall_seconds"]:
            return "timeout"
        if "supervision" not in self._walls:
            return None
        if self._printed > limits["output_bytes"]:
            return "output"
        if now < self._next_look:
            return None
        self._next_look = now + TICK_SECONDS
        use = processes.use(self._child)
        self.cpu_seconds = max(self.cpu_seconds, use.cpu_seconds)
        if use.resident_bytes > limits["memory_bytes"]:
            return "memory"
        if use.cpu_seconds > limits["wall_seconds"] + policy.SPARE_CPU_SECONDS:
            return "processor"
        if use.threads > policy.LIMITS["threads"]:
            return "threads"
        return None

    def _check_processor_limit(self, wall_seconds: float) -> None:
        """Refuse a host's limit that would kill the design, as if it had done something, before ours ends it."""
        most = resource.prlimit(self._child, resource.RLIMIT_CPU)[1]
        if most != resource.RLIM_INFINITY and most <= wall_seconds + policy.SPARE_CPU_SECONDS:
            raise OSError(
                f"the host limits processor time to {most} s (ulimit -t), less than the job may use"
            )

    def _limit_memory(self, size: int) -> None:
        """Let the kernel refuse, at once, what goes far beyond the limit that is looked at from time to time."""
        addresses, data = processes.sizes(self._child)
        for which, most in (
            (resource.RLIMIT_DATA, data + size),
            (resource.RLIMIT_AS, addresses + size + policy.LIMITS["spare_address_bytes"]),
        ):
            host = resource.prlimit(self._child, which)[1]
            least = most if host == resource.RLIM_INFINITY else min(most, host)
            resource.prlimit(self._child, which, (least, least))

    def _take_output(self) -> None:
        piece = os.read(self._reader, 65536)
        if not piece:
            self._poller.unregister(self._reader)
        self._printed += len(piece)
        self.tail = (self.tail + piece)[-OUTPUT_TAIL_BYTES:]

    def _take_order(self) -> bool:
        """Read the job's limits; return whether the engine is still there."""
        order = self._report.recv(MAX_ORDER_BYTES)
        if not order:
            return False
        kernel.name_process(AT_WORK)
        self._limits = json.loads(order)
        self.started = time.monotonic()
        if "limits" in self._walls:
            self._check_processor_limit(self._limits["wall_seconds"])
            self._limit_memory(self._limits["memory_bytes"])
        with contextlib.suppress(BrokenPipeError):
            os.write(self._go, b"1")
        return True


def end_descendants(*known: int) -> dict[int, int]:
    """Kill everything below this process until none is left; return the wait status of each child there was.

    Args:
        known: children to begin with; with the first process of a namespace go all others in it.
    """
    for pid in known:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    found = {}
    while True:
        for pid in processes.descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            pid, status = os.waitpid(-1, 0)
        except ChildProcessError:
            return found
        found[pid] = status
