"""One box in a container of its own: what `warm.py` is to many boxes on a host.

The container's standard input and output carry the box's two sockets to the engine and back, as frames: a stream's
number, a length, and so many bytes; a frame of no bytes says that the stream has ended. When standard input ends, so
does the box, and the container with it.

Usage: python -s -P alone.py [network|agent]
"""

import contextlib
import os
import select
import socket
import struct
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # an isolated interpreter does not look beside its script

import box
import kernel
import policy
import warm

FRAME = struct.Struct(">BI")
CHANNEL, REPORT = 0, 1
PIECE_BYTES = 65536


def main() -> None:
    """Run one box to its end."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)  # the design's process must find nothing of ours
    os.dup2(2, 1)
    kernel.prctl(
        kernel.PR_SET_DUMPABLE, 0
    )  # the design's process is of our user, and must not read or write us
    program = sys.argv[1] if len(sys.argv) > 1 else "network"
    if program == "network":
        warm.load_torch()
    channel, channel_inside = socket.socketpair()
    report, report_inside = socket.socketpair()
    if os.fork() == 0:
        try:
            walls = box.Walls(program, policy.TIERS["container"], frozenset(), [])
            box.supervise(channel_inside, report_inside, walls, 0)
        finally:
            os._exit(0)
    channel_inside.close()
    report_inside.close()
    streams = {CHANNEL: channel, REPORT: report}
    lock = threading.Lock()
    threading.Thread(target=_take_in, args=(incoming, streams), daemon=True).start()
    threading.Thread(target=_end_with, args=(incoming, report), daemon=True).start()
    channel_out = threading.Thread(target=_give_out, args=(CHANNEL, channel, outgoing, lock))
    channel_out.start()
    _give_out(REPORT, report, outgoing, lock)
    channel_out.join()  # what the design said last may still be on its way


def _take_in(incoming, streams: dict[int, socket.socket]) -> None:
    """Pass what the engine sends on to the sockets; when it hangs up, so do they."""
    while len(header := incoming.read(FRAME.size)) == FRAME.size:
        number, length = FRAME.unpack(header)
        with contextlib.suppress(OSError):  # the box no longer listens there
            if length:
                streams[number].sendall(incoming.read(length))
            else:
                streams[number].shutdown(socket.SHUT_RDWR)
    for one in streams.values():
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def _end_with(incoming, report: socket.socket) -> None:
    """End the box when the engine is gone, although a design that does not read holds up what it sent last."""
    poller = select.poll()
    poller.register(incoming, 0)  # the end of a pipe is always told
    poller.poll()
    with contextlib.suppress(OSError):
        report.shutdown(socket.SHUT_RDWR)


def _give_out(number: int, stream: socket.socket, outgoing: int, lock: threading.Lock) -> None:
    """Pass what comes from a socket on to the engine, its end included."""
    while True:
        try:
            piece = stream.recv(PIECE_BYTES)
        except OSError:
            piece = b""
        with lock:
            _write(outgoing, FRAME.pack(number, len(piece)) + piece)
        if not piece:
            return


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


if __name__ == "__main__":
    main()
