"""Processes as the operating system sees them, told apart from what the engine says of them."""

import os
import time
from collections.abc import Callable
from pathlib import Path


def living() -> dict[int, int]:
    """Return the parent of every process that has not ended, by its id."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:  # it ended meanwhile
                continue
            if state not in "ZX":
                found[int(entry.name)] = int(parent)
    return found


def descendants(pid: int | None = None) -> set[int]:
    """Return all living processes below one, by default below this one, without boxes that wait for a job."""
    parents = living()
    found, queue = set(), [pid or os.getpid()]
    while queue:
        above = queue.pop()
        below = {child for child, parent in parents.items() if parent == above}
        found |= below
        queue += below
    return {one for one in found if not is_waiting_box(one)}


def is_waiting_box(pid: int) -> bool:
    """Whether a process is one of a box that was made ready and has no job yet."""
    try:
        return Path(f"/proc/{pid}/comm").read_text() == "box (ready)\n"
    except OSError:
        return False


def warm_processes(pid: int | None = None) -> set[int]:
    """Return the warm processes that an engine started, by default this one."""
    above = pid or os.getpid()
    return {
        child for child, parent in living().items() if parent == above and b"warm.py" in command_line(child)
    }


def command_line(pid: int) -> bytes:
    """Return a process's command line; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def open_descriptors(pid: int) -> int:
    """Return how many descriptors a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def wait_until(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Wait for a condition; fail saying what was waited for when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"still waiting after {seconds:g} s: {what}"
        time.sleep(0.02)


def zombies() -> set[int]:
    """Return the processes below this one that have ended and that nobody has waited for."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if state == "Z" and int(parent) == os.getpid():
                found.add(int(entry.name))
    return found
