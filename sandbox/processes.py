"""What the host's /proc says about processes, read through a descriptor, so that it works from within any view."""

import contextlib
import os
import resource
from collections.abc import Iterator
from dataclasses import astuple, dataclass

KIB = 2**10
PAGE_BYTES = resource.getpagesize()
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")

_proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


class Hidden(Exception):
    """A process that is there cannot be looked at."""


@dataclass(frozen=True)
class Use:
    """What some processes use at one moment.

    Attributes:
        resident_bytes: memory, pages that they share counted once for each, and the kernel's own tables of it.
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


def use(pid: int) -> Use:
    """Return what a child that nobody has waited for, and all below it, use together.

    Raises:
        Hidden: /proc does not show it.
    """
    with _shown(pid):
        found = [_use(pid)]
    for below in descendants(pid):
        with contextlib.suppress(OSError):  # it ended meanwhile
            found.append(_use(below))
    return Use(*(sum(values) for values in zip(*map(astuple, found), strict=True)))


def _use(pid: int) -> Use:
    stat = read(f"{pid}/stat").rpartition(b")")[2].split()
    ticks, threads = sum(map(int, stat[11:15])), int(stat[17])
    return Use(_memory(pid) * KIB, ticks / TICKS_A_SECOND, threads)


def _memory(pid: int) -> int:
    """Return the KiB that a process has resident, and the kernel's tables of it; none when it has ended.

    Any thread tells, but for one that has ended: the first may end before others.
    """
    for thread in _threads(pid):
        with contextlib.suppress(OSError):  # it ended meanwhile
            status = fields(f"{pid}/task/{thread}")
            if "VmRSS" in status:
                return sum(int(status[name].split()[0]) for name in ("VmRSS", "VmPTE"))
    return 0


def sizes(pid: int) -> tuple[int, int]:
    """Return the bytes of a process's addresses, and of its private writable memory, as RLIMIT_AS and _DATA count them.

    Raises:
        Hidden: /proc does not show it.
    """
    with _shown(pid):
        pages = read(f"{pid}/statm").split()
    return int(pages[0]) * PAGE_BYTES, int(pages[5]) * PAGE_BYTES


@contextlib.contextmanager
def _shown(pid: int) -> Iterator[None]:
    """Say what it means that a process which is there cannot be read about."""
    try:
        yield
    except OSError as error:
        reason = f"/proc does not show process {pid} ({error.strerror}); it may be mounted with hidepid"
        raise Hidden(reason) from None


def fields(pid: int | str) -> dict[str, str]:
    """Return what /proc says of the status of a process, or a thread, by name; it may have chosen its own `Name`."""
    lines = (line.partition(b":") for line in read(f"{pid}/status").split(b"\n"))
    return {name.decode(errors="replace"): value.decode(errors="replace").strip() for name, _, value in lines}


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
