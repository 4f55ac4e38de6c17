"""One box: a process for one design, and a supervisor outside it that limits, measures and ends it.

The supervisor is a fork of the warm process that never runs a line of the design. It watches wall time,
the memory of the whole process tree, and what is printed; when the design is done, breaks a limit, or the
engine goes away, it kills everything that descends from it and reports what was seen from outside.
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from pathlib import Path

import inside
from wire import Channel

TICK_SECONDS = 0.05
OUTPUT_TAIL_BYTES = 8192
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 36, 38
PAGE_BYTES = resource.getpagesize()


def supervise(channel: socket.socket, report: socket.socket, limits: dict) -> None:
    """Run one design to its end and write one line of JSON about it to `report`.

    Args:
        channel: the design's only link to the engine; handed to the design's process and closed here.
        report: the supervisor's own link to the engine. When the engine hangs up, the box ends.
        limits: `wall_seconds`, `memory_bytes` (resident, whole tree), `output_bytes`.
    """
    adopt_orphans()  # those of the design become ours, and their cost with them
    started = time.monotonic()
    reader, writer = os.pipe()
    ready, set_up = os.pipe()
    child = os.fork()
    if child == 0:
        _become_design(channel, writer, set_up, limits)
    channel.close()
    os.close(writer)
    os.close(set_up)
    ended, tail = _watch(child, reader, report, started + limits["wall_seconds"], limits)
    status = _end_everything(child)
    if os.read(ready, 1) == b"":  # no line of the design has run: the fault is ours
        ended = "setup"
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = os.waitstatus_to_exitcode(status)
    seen = {
        "ended": ended,
        "exit_code": code if code >= 0 else None,
        "signal": -code if code < 0 else None,
        "wall_seconds": time.monotonic() - started,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_memory_bytes": used.ru_maxrss * 1024,
        "output": tail.decode("utf-8", "replace"),
    }
    with contextlib.suppress(OSError):  # the engine is gone, and with it the only reader
        report.sendall(json.dumps(seen).encode() + b"\n")


def _become_design(channel: socket.socket, writer: int, set_up: int, limits: dict) -> None:
    """Turn this fork into the design's process, say so to `set_up`, run the design; never returns."""
    try:
        os.setsid()
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        _prctl(PR_SET_NO_NEW_PRIVS, 1)
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        sys.stdout.reconfigure(line_buffering=True)  # what a design prints counts although it is killed
        highest = os.sysconf("SC_OPEN_MAX")  # before the limit below makes it small
        _limit(resource.RLIMIT_CORE, 0)
        _limit(resource.RLIMIT_FSIZE, 0)  # no byte reaches a disk
        _limit(resource.RLIMIT_NOFILE, 64)
        _limit(resource.RLIMIT_DATA, _data_bytes() + limits["memory_bytes"])
        os.write(set_up, b"1")
        _keep_only(channel.fileno(), highest)
        inside.serve(Channel(channel))
    finally:
        error = sys.exc_info()[1]
        if error is not None:
            os.write(2, repr(error).encode())
        os._exit(0 if error is None else 1)


def _keep_only(descriptor: int, highest: int) -> None:
    """Close every descriptor but the standard three and one; standard input reads as empty."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, highest)


def _watch(
    child: int, reader: int, report: socket.socket, deadline: float, limits: dict
) -> tuple[str, bytes]:
    """Wait until the design's process ends or must end.

    Returns:
        Why (`exited`, `timeout`, `memory`, `output`, `hung_up`), and the last bytes it printed.
    """
    finished = os.pidfd_open(child)
    poller = select.poll()
    poller.register(finished, select.POLLIN)
    poller.register(reader, select.POLLIN)
    poller.register(report, select.POLLIN)  # readable only when the engine hangs up
    printed, tail = 0, b""
    next_look = 0.0
    while True:
        now = time.monotonic()
        if now >= deadline:
            return "timeout", tail
        if now >= next_look:
            if _resident_bytes(_descendants()) > limits["memory_bytes"]:
                return "memory", tail
            next_look = now + TICK_SECONDS
        ready = {fd for fd, _ in poller.poll(1000 * min(TICK_SECONDS, deadline - now))}
        if reader in ready:
            piece = os.read(reader, 65536)
            if not piece:
                poller.unregister(reader)
            printed += len(piece)
            tail = (tail + piece)[-OUTPUT_TAIL_BYTES:]
            if printed > limits["output_bytes"]:
                return "output", tail
        elif finished in ready:  # only once the pipe is drained, so that no last words are lost
            return "exited", tail
        if report.fileno() in ready:
            return "hung_up", tail


def _end_everything(child: int) -> int:
    """Kill every descendant until none is left; return the wait status of the design's process."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)  # by name: a kernel may not list children
    status = 0
    while True:
        for pid in _descendants():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            pid, ended = os.waitpid(-1, 0)
        except ChildProcessError:
            return status
        if pid == child:
            status = ended


def adopt_orphans() -> None:
    """Become the parent of every descendant that loses its own, so that none gets out of sight."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def children(pid: int) -> list[int]:
    """Return the ids of a process's own children; none when it has ended."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:
        return []


def _descendants() -> list[int]:
    """Return the ids of all processes below this one."""
    found, queue = [], [os.getpid()]
    while queue:
        below = children(queue.pop())
        found += below
        queue += below
    return found


def _resident_bytes(pids: list[int]) -> int:
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
        except (OSError, IndexError):  # it ended meanwhile
            continue
    return total


def _data_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[5]) * PAGE_BYTES


def _limit(which: int, value: int) -> None:
    resource.setrlimit(which, (value, value))


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")
