"""Carries questions into a box and answers out of it, each question to a process of its own: a box's side for agents.

The porter is the first process of the box. It runs no line of a design: what the processes of designs say it passes on
unread, stamped with the number of their question, so that none can speak for another. The engine's end of the same
conversation is `agentarch/execution/interviewing.py`.
"""

import contextlib
import json
import os
import selectors
import socket

import cells
from wire import Channel, HungUp

PIECE_BYTES = 65536


def serve(channel: Channel, connection: socket.socket, walls: frozenset[str], shut_in) -> None:
    """Pass messages on until the engine hangs up or says `end`.

    Args:
        channel: to the engine, over `connection`.
        connection: the socket itself, to be waited for.
        walls: that stand.
        shut_in: puts up the last walls around the calling process.
    """
    porter = _Porter(channel, cells.start_nursery(walls, shut_in))
    with contextlib.suppress(HungUp, BrokenPipeError, ConnectionResetError):
        porter.work(connection)


class _Porter:
    """Attributes are private; see `serve`.

    Args:
        channel: to the engine.
        nursery: the process that starts others.
    """

    def __init__(self, channel: Channel, nursery: socket.socket):
        self._channel, self._nursery = channel, nursery
        self._processes: dict[int, socket.socket] = {}
        self._unsent: dict[int, bytearray] = {}
        self._selector = selectors.DefaultSelector()

    def work(self, connection: socket.socket) -> None:
        """Pass on until the end."""
        self._selector.register(connection, selectors.EVENT_READ)
        self._selector.register(self._nursery, selectors.EVENT_READ)
        while True:
            for key, events in self._selector.select():
                if key.fileobj is connection:
                    if not self._take_order():
                        return
                elif key.fileobj is self._nursery:
                    self._take_end()
                elif key.data in self._processes:  # it may have been dropped in this very round
                    if events & selectors.EVENT_WRITE:
                        self._write(key.data)
                    if events & selectors.EVENT_READ:
                        self._read(key.data)
            _reap()

    def _take_order(self) -> bool:
        """Do what the engine says next; return whether there is more to come."""
        order, _ = self._channel.receive()
        number = order.get("number")
        if order["type"] == "end":
            return False
        if order["type"] == "question":
            ours, theirs = socket.socketpair()
            ours.setblocking(False)
            with theirs:
                socket.send_fds(self._nursery, [b"start %d" % number], [theirs.fileno()])
            self._processes[number], self._unsent[number] = ours, bytearray()
            self._selector.register(ours, selectors.EVENT_READ, number)
        if order["type"] == "drop":
            self._nursery.send(b"kill %d" % number)
            self._forget(number)
        elif number in self._processes:
            self._unsent[number] += Channel.frame(order["message"])
            self._write(number)
        return True

    def _take_end(self) -> None:
        """Tell the engine how a process ended, after all that it said."""
        told = self._nursery.recv(PIECE_BYTES)
        if not told:
            raise HungUp
        ended = json.loads(told)
        while ended["number"] in self._processes:
            self._read(ended["number"])
        self._channel.send({"type": "ended", **ended})

    def _read(self, number: int) -> None:
        try:
            piece = self._processes[number].recv(PIECE_BYTES)
        except BlockingIOError:
            piece = None
        except ConnectionResetError:
            piece = b""
        if piece:
            self._channel.send({"type": "piece", "number": number, "bytes": len(piece)}, piece)
        elif piece is not None:
            self._forget(number)

    def _write(self, number: int) -> None:
        """Write what fits; the rest when there is room."""
        unsent = self._unsent[number]
        try:
            while unsent:
                del unsent[: self._processes[number].send(unsent)]
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            unsent.clear()
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if unsent else 0)
        self._selector.modify(self._processes[number], wanted, number)

    def _forget(self, number: int) -> None:
        process = self._processes.pop(number, None)
        if process is not None:
            self._selector.unregister(process)
            process.close()
            del self._unsent[number]


def _reap() -> None:
    """Let go of what lost its parent and came to us, the first process of the box."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
