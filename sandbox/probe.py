"""The self-test: a design that tries the walls of its own box, and prints what it found, a line of JSON for each wall.

Read as text by the engine and run in a box like any design; the engine writes into `OUTSIDE` what is out there, or None
where there are no walls to try.
"""

import ctypes
import json
import os
import platform
import resource
import socket
import stat
import sys

try:
    import torch
except (ImportError, OSError):  # boxes for agents have none
    torch = None

# fmt: off
OUTSIDE = {"file": "/etc/passwd", "process": 1}
# fmt: on
SYSCALLS = {
    "x86_64": {"ptrace": 101, "unshare": 272, "mount": 165, "bpf": 321, "io_uring_setup": 425, "keyctl": 250},
    "aarch64": {"ptrace": 117, "unshare": 97, "mount": 40, "bpf": 280, "io_uring_setup": 425, "keyctl": 219},
}
SOCKETS = {
    "AF_INET": (2, socket.SOCK_STREAM),
    "AF_INET raw": (2, socket.SOCK_RAW),
    "AF_UNIX": (1, socket.SOCK_STREAM),
    "AF_NETLINK": (16, socket.SOCK_RAW),
    "AF_PACKET": (17, socket.SOCK_RAW),
    "AF_ALG": (38, socket.SOCK_SEQPACKET),
    "AF_VSOCK": (40, socket.SOCK_STREAM),
}
"""Families of sockets, each with a type it knows."""

MOST_DESCRIPTORS = 4
EVENT_LOOP_DESCRIPTORS = 3


def refused(action) -> bool:
    """Whether the box keeps an action from happening."""
    try:
        action()
    except (OSError, ValueError):
        return True
    return False


def open_ways(actions: dict) -> str:
    """Name the actions that were not refused."""
    return ", ".join(name for name, action in actions.items() if not refused(action))


def make_folder(where: str) -> None:
    """Make a folder, and take it away again."""
    folder = os.path.join(where, f"agentarch-self-test-{os.getpid()}")
    os.mkdir(folder)
    os.rmdir(folder)


def files() -> str:
    """Read and write what is outside; what is changed is set to what it was."""
    library = (torch or json).__file__
    before = os.stat(library)
    return open_ways(
        {
            f"reads {OUTSIDE['file']}": lambda: open(OUTSIDE["file"]).close(),
            "writes in /": lambda: make_folder("/"),
            "writes in /tmp": lambda: make_folder("/tmp"),
            "writes to a library": lambda: open(library, "a").close(),
            "cuts a library": lambda: os.truncate(library, before.st_size),
            "changes the mode of a library": lambda: os.chmod(library, stat.S_IMODE(before.st_mode)),
            "changes the times of a library": lambda: os.utime(
                library, ns=(before.st_atime_ns, before.st_mtime_ns)
            ),
        }
    )


def processes() -> str:
    """Start, see and signal processes."""
    outside = OUTSIDE["process"]
    return open_ways(
        {
            "starts a process": lambda: os._exit(0) if os.fork() == 0 else os.wait(),
            "sees the engine's environment": lambda: open(f"/proc/{outside}/environ", "rb").close(),
            "can signal the engine": lambda: os.kill(outside, 0),
        }
    )


def network() -> str:
    """Open sockets of several families."""
    return open_ways(
        {name: lambda wanted=wanted: socket.socket(*wanted).close() for name, wanted in SOCKETS.items()}
    )


def system_calls() -> str:
    """Make calls that no network needs; with nonsense for arguments, which only a kernel that is asked complains of."""
    libc = ctypes.CDLL(None, use_errno=True)
    found = []
    for name, number in SYSCALLS[platform.machine()].items():
        if libc.syscall(ctypes.c_long(number), *[ctypes.c_long(-1)] * 5) >= 0 or ctypes.get_errno() != 1:
            found.append(name)
    return ", ".join(found)


def privileges() -> str:
    """Look for capabilities, and for ways to get them."""
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None).capget(ctypes.byref(header), ctypes.byref(sets)) != 0:
        return "could not be looked at"
    has = "has capabilities" if any(sets) else ""
    return ", ".join(
        part for part in (has, open_ways({"becomes root": lambda: os.setresuid(0, 0, 0)})) if part
    )


def descriptors() -> str:
    """Count what was inherited: the standard three and the channel."""
    found = sum(not refused(lambda number=number: os.fstat(number)) for number in range(1024))
    most = MOST_DESCRIPTORS if torch else MOST_DESCRIPTORS + EVENT_LOOP_DESCRIPTORS
    return f"{found} descriptors" if found > most else ""


def environment() -> str:
    """Look for variables."""
    return ", ".join(sorted(os.environ)[:5])


def limits() -> str:
    """Raise the limits on oneself, and look at those that count."""
    missing = [
        name
        for name in ("RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_AS")
        if resource.getrlimit(getattr(resource, name))[1] == resource.RLIM_INFINITY
    ]
    raised = open_ways({"can raise them": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))})
    return ", ".join([*(f"no {name}" for name in missing), *([raised] if raised else [])])


def libraries() -> str:
    """Import what was not loaded yet."""
    try:
        import colorsys  # noqa: F401
        import wave  # noqa: F401
    except ImportError as error:
        return f"cannot read Python's library: {error}"
    return ""


WALLS = (files, processes, network, system_calls, privileges, descriptors, environment, limits, libraries)


def try_walls() -> None:
    """Try every wall, and print what was found."""
    for wall in WALLS if OUTSIDE else ():
        try:
            found = wall()
        except Exception as error:
            found = f"could not be tried: {type(error).__name__}: {error}"
        print(json.dumps({"wall": wall.__name__, "open": found}))
    sys.stdout.flush()


async def solve(question, model) -> str:
    """Try every wall; then ask a model, to see that answers come."""
    try_walls()
    return await model.ask(question)


def build(spec):
    """Try every wall; then be an ordinary small network, to see that training works."""
    try_walls()
    return torch.nn.Sequential(torch.nn.Embedding(spec.vocab_size, 4), torch.nn.Linear(4, spec.n_outputs))
