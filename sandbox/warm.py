"""The warm process: loads torch once, then forks a fresh box for every request.

Started by the engine with an empty environment and one socket. Holds no data of any design. Ends when the
engine goes away, however it goes.

Usage: python -s -P warm.py CONTROL_FD
"""

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # an isolated interpreter does not look beside its script

import box

REQUEST_BYTES = 4096


def main() -> None:
    """Serve until the engine hangs up."""
    control = socket.socket(fileno=int(sys.argv[1]))
    _load_torch()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the engine to handle
    gc.collect()
    gc.freeze()  # keeps the collector from touching, and so copying, shared pages in every box
    box.adopt_orphans()  # what loses its supervisor comes to us, to be ended
    ended, wake = os.pipe2(os.O_NONBLOCK)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)  # only so that it wakes the poll below
    control.sendall(json.dumps({"ready": os.getpid(), "threads": _threads()}).encode() + b"\n")
    supervisors: set[int] = set()
    poller = select.poll()
    poller.register(control, select.POLLIN)
    poller.register(ended, select.POLLIN)
    while True:
        ready = {descriptor for descriptor, _ in poller.poll()}
        if ended in ready:
            os.read(ended, 4096)
            _tidy(supervisors)
        if control.fileno() in ready:
            request, descriptors, _, _ = socket.recv_fds(control, REQUEST_BYTES, 2)
            if not request:
                return
            supervisors.add(_fork_supervisor(request, descriptors, closing=(control.fileno(), ended, wake)))


def _fork_supervisor(request: bytes, descriptors: list[int], closing: tuple[int, ...]) -> int:
    """Fork the supervisor of one box; return its process id.

    Args:
        request: the box's limits, as JSON.
        descriptors: its channel and its report, which this process closes.
        closing: what the supervisor must not keep of this process.
    """
    pid = os.fork()
    if pid == 0:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in closing:
                os.close(descriptor)
            channel, report = (socket.socket(fileno=d) for d in descriptors)
            box.supervise(channel, report, json.loads(request))
        finally:
            os._exit(0)
    for descriptor in descriptors:
        os.close(descriptor)
    return pid


def _tidy(supervisors: set[int]) -> None:
    """Reap what has ended, and end what lost its supervisor; the end of that calls for this again."""
    with contextlib.suppress(ChildProcessError):
        while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            supervisors.discard(pid)
    for pid in box.children(os.getpid()):
        if pid not in supervisors:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _load_torch() -> None:
    """Import everything a training run touches, so that no box pays for it."""
    import network  # noqa: F401
    import torch

    torch.set_num_threads(1)
    torch.optim.AdamW(
        [torch.nn.Parameter(torch.zeros(1))]
    )  # imports the compiler's front end, seconds of work


def _threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


if __name__ == "__main__":
    main()
