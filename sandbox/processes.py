"""What the host's /proc says about processes, read through a descriptor, so that it works from within any view."""

import contextlib
import os
import resource
from dataclasses import dataclass

PAGE_BYTES = resource.getpagesize()
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")

_proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


@dataclass(frozen=True)
class Use:
    """What some processes use at one moment.

    Attributes:
        resident_bytes: memory, pages that they share counted once for each.
        cpu_seconds: user plus system time, that of children they waited for included.
        threads: in all.
    """

    resident_bytes: int
    cpu_seconds: float
    threads: int


def descriptor() -> int:
    """Return the descriptor all of this is read through; whoever keeps it sees the host's processes."""
    return _proc


def children(pid: int) -> list[int]:
    """Return the ids of a process's own children; none when it has ended."""
    found = []
    for thread in _threads(pid):
        with contextlib.suppress(OSError):  # it ended meanwhile
            found += [int(child) for child in read(f"{pid}/task/{thread}/children").split()]
    return found


def descendants(pid: int) -> list[int]:
    """Return the ids of all processes below one."""
    found, queue = [], [pid]
    while queue:
        below = children(queue.pop())
        found += below
        queue += below
    return found


def use(pids: list[int]) -> Use:
    """Return what some processes use together; those that have ended use nothing."""
    resident, ticks, threads = 0, 0, 0
    for pid in pids:
        try:
            pages = int(read(f"{pid}/statm").split()[1])
            fields = read(f"{pid}/stat").rpartition(b")")[2].split()
        except (OSError, IndexError):
            continue
        resident += pages * PAGE_BYTES
        ticks += sum(int(field) for field in fields[11:15])
        threads += int(fields[17])
    return Use(resident, ticks / TICKS_A_SECOND, threads)


def data_bytes(pid: int) -> int:
    """Return the size of a process's private writable memory, as RLIMIT_DATA counts it."""
    return int(read(f"{pid}/statm").split()[5]) * PAGE_BYTES


def read(path: str) -> bytes:
    """Return the whole of a file below /proc."""
    with open(_opened(path, os.O_RDONLY), "rb") as file:
        return file.read()


def write(path: str, text: str) -> None:
    """Write a file below /proc, in one piece."""
    with open(_opened(path, os.O_WRONLY), "wb", buffering=0) as file:
        file.write(text.encode())


def _threads(pid: int) -> list[str]:
    try:
        folder = _opened(f"{pid}/task", os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return []
    try:
        return os.listdir(folder)
    except OSError:
        return []
    finally:
        os.close(folder)


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, dir_fd=_proc)
