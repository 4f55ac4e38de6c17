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


def below(pid: int) -> set[int]:
    """Return all living processes below one."""
    parents = living()
    found, queue = set(), [pid]
    while queue:
        above = queue.pop()
        children = {child for child, parent in parents.items() if parent == above}
        found |= children
        queue += children
    return found


def descendants(pid: int | None = None) -> set[int]:
    """Return all living processes below one, by default below this one, without boxes that wait for a job."""
    return {one for one in below(pid or os.getpid()) if not is_waiting_box(one)}


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


def waiting_boxes() -> set[int]:
    """Return the processes below this one of boxes that were made ready and have no job yet."""
    return {pid for pid in below(os.getpid()) if is_waiting_box(pid)}


def memory_of(pid: int) -> tuple[int, int]:
    """Return the bytes of memory that a process has resident, and of those that it shares with no other."""
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, size = line.partition(":")
        sizes[name] = 1024 * int(size.split()[0])
    return sizes["Rss"], sizes["Private_Clean"] + sizes["Private_Dirty"]
