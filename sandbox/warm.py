"""The warm process: loads torch once, then forks a fresh box for every request.

Started by the engine with an empty environment and one socket. Holds no data of any design. Ends when the
engine goes away, however it goes.

Usage: python -I warm.py CONTROL_FD
"""

import gc
import json
import os
import signal
import socket
import sys
from pathlib import Path

REQUEST_BYTES = 4096


def main() -> None:
    """Serve until the engine hangs up."""
    sys.path.insert(0, str(Path(__file__).parent))
    control = socket.socket(fileno=int(sys.argv[1]))
    import box

    _load_torch()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the engine to handle
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors report to the engine and need no reaping
    gc.collect()
    gc.freeze()  # keeps the collector from touching, and so copying, shared pages in every box
    control.sendall(json.dumps({"ready": os.getpid(), "threads": _threads()}).encode() + b"\n")
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, REQUEST_BYTES, 2)
        if not request:
            return
        if os.fork() == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            channel, report = (socket.socket(fileno=d) for d in descriptors)
            try:
                box.supervise(channel, report, json.loads(request))
            finally:
                os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)


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
