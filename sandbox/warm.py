"""The warm process: loads torch once, keeps boxes ready, and hands one out for every request.

Started by the engine with an almost empty environment and one socket. Holds no data of any design, and runs none. Ends
when the engine goes away, however it goes, and its ready boxes end with it.

Usage: python -s -P warm.py CONTROL_FD SETTINGS
"""

import contextlib
import gc
import itertools
import json
import os
import select
import signal
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # an isolated interpreter does not look beside its script

import box
import huge_pages
import jail
import policy
import processes
from walls import Walls

REQUEST_BYTES = 16
BOXES_OF_A_SHORT_STAY = 16
"""A process that has made so many will probably make many more, so that it is worth its while to make forks cheap."""

FAREWELL_SECONDS = 2.0
"""How long boxes have to end by themselves once their engine is gone."""


@dataclass(frozen=True)
class ReadyBox:
    """A box that waits for a job; the engine's ends of its sockets, and a handle on its supervisor."""

    channel: socket.socket
    report: socket.socket
    supervisor: int

    def hand_to(self, control: socket.socket) -> None:
        """Give it to the engine, and keep nothing of it."""
        descriptors = [self.channel.fileno(), self.report.fileno(), self.supervisor]
        socket.send_fds(control, [b"box"], descriptors)
        self.close()

    def close(self) -> None:
        """Let go of it, which ends it when nobody else has it."""
        self.channel.close()
        self.report.close()
        os.close(self.supervisor)


def main() -> None:
    """Serve until the engine hangs up."""
    control, settings = socket.socket(fileno=int(sys.argv[1])), json.loads(sys.argv[2])
    walls = _walls(settings)
    if walls.program == "network":
        load_torch()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the engine to handle
    box.adopt_orphans()  # what loses its supervisor comes to us, to be ended
    if "mount" in walls.names:
        jail.enter_view(settings["shown"], settings["hidden"])
    gc.collect()
    gc.freeze()  # keeps the collector from touching, and so copying, shared pages in every box
    ended, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)  # only so that it wakes the poll below
    control.sendall(json.dumps({"ready": os.getpid()}).encode())
    boxes = Boxes(walls, settings["ready_boxes"])
    try:
        _serve(control, ended, boxes)
    finally:
        boxes.close()


def _walls(settings: dict) -> Walls:
    """Return what stands around every box: the walls of a tier, less those that a test lifts."""
    lifted = frozenset(settings["lifted"])
    groups = {f"syscalls.{group}" for group in policy.REFUSED_SYSCALLS} | {"syscalls.signals"}
    walls = policy.TIERS[settings["tier"]]
    if not lifted <= walls | groups:
        raise ValueError(f"the {settings['tier']} has no wall {sorted(lifted - walls - groups)[0]!r} to lift")
    return Walls(
        program=settings["program"],
        names=walls - lifted,
        lifted_syscalls=frozenset(name.removeprefix("syscalls.") for name in lifted & groups),
        readable=jail.files_to_read(settings["shown"], settings["hidden"]),
    )


def _serve(control: socket.socket, ended: int, boxes: "Boxes") -> None:
    """Hand out a box at every request, and keep some ready ahead of need, until the engine hangs up."""
    poller = select.poll()
    poller.register(control, select.POLLIN)
    poller.register(ended, select.POLLIN)
    is_gathered = False
    while True:
        now = {descriptor for descriptor, _ in poller.poll(0 if boxes.are_wanted() else None)}
        if ended in now:
            os.read(ended, 4096)
            boxes.tidy()
        if control.fileno() in now:
            if not control.recv(REQUEST_BYTES):
                return
            boxes.take().hand_to(control)
        elif boxes.are_wanted():  # requests go first
            boxes.make_ready()
            if boxes.made >= BOXES_OF_A_SHORT_STAY and not is_gathered:
                huge_pages.gather()
                is_gathered = True


class Boxes:
    """The boxes of one warm process: those that wait for a job, and the supervisors of all.

    Args:
        walls: around each.
        wanted: how many are to be ready ahead of need.

    Attributes:
        made: how many there have been.
    """

    def __init__(self, walls: Walls, wanted: int) -> None:
        self._walls, self._wanted = walls, wanted
        self._numbers = itertools.count(os.getpid() % policy.UIDS_OUTSIDE)
        self._ready: dict[int, ReadyBox] = {}  # by the supervisor's id, the oldest first
        self._supervisors: set[int] = set()
        self.made = 0

    def are_wanted(self) -> bool:
        """Whether fewer are ready than there should be."""
        return len(self._ready) < self._wanted

    def make_ready(self) -> None:
        """Fork the supervisor of one more box, which makes it ready while we go on."""
        channel, channel_inside = socket.socketpair()
        report, report_inside = socket.socketpair()
        number = next(self._numbers)
        pid = os.fork()
        if pid == 0:
            try:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                box.supervise(channel_inside, report_inside, self._walls, number)
            finally:
                os._exit(0)
        channel_inside.close()
        report_inside.close()
        self.made += 1
        self._supervisors.add(pid)
        self._ready[pid] = ReadyBox(channel, report, os.pidfd_open(pid))

    def take(self) -> ReadyBox:
        """Return the box that has been ready longest, or a new one; it is the caller's."""
        if not self._ready:
            self.make_ready()
        return self._ready.pop(next(iter(self._ready)))

    def tidy(self) -> None:
        """Reap what has ended, and end what lost its supervisor; the end of that calls for this again."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0] != 0:
                pid, status = ended
                self._supervisors.discard(pid)
                if os.WIFSIGNALED(status) and pid in self._ready:  # one that ended by itself has said why
                    self._ready.pop(pid).close()
        for pid in processes.children(os.getpid()):
            if pid not in self._supervisors:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """End every box, and reap it: who would do it after us may not care to."""
        for one in self._ready.values():
            one.close()
        self._ready.clear()
        end = time.monotonic() + FAREWELL_SECONDS
        while self._supervisors and time.monotonic() < end:
            self.tidy()
            time.sleep(0.01)
        box.end_descendants()


def load_torch() -> None:
    """Import everything a training run touches, so that no box pays for it."""
    import network  # noqa: F401
    import torch

    torch.set_num_threads(1)
    layer = torch.nn.Linear(1, 1)  # looks at /proc/cpuinfo, which no box has
    torch.optim.AdamW(layer.parameters())  # imports the compiler's front end, seconds of work


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # the engine shows this to a person
        sys.exit(f"{type(error).__name__}: {error}")
