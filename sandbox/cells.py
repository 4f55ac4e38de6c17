"""Starts a fresh process for every question, in namespaces and a workspace of its own, from one that has seen none.

The *nursery* is forked before the first question comes and is told nothing but numbers, so what it forks knows nothing
of other questions. Between it and a design's process stands a *keeper*, which makes the cell, waits for the design, and
says how it ended.
"""

import contextlib
import fcntl
import json
import os
import resource
import select
import signal
import socket
import struct
import sys

import agent
import jail
import kernel
from walls import Walls
from wire import Channel

ENDED = struct.Struct(">Iid?")
"""Number of the question, wait status, processor seconds, whether a design had begun."""

ORDER_BYTES = 64
KILLED = signal.SIGKILL


def start_nursery(walls: Walls) -> socket.socket:
    """Fork the nursery; return a socket that takes `start N` with one descriptor, and `kill N`, and tells each end.

    An end is told as JSON: `number`, `exit_code`, `signal`, `cpu_seconds`, and `began`, which is false where no line of
    the design has run: the fault is ours then.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        code = 1
        try:
            ours.close()
            walls.prepare()
            _nurse(theirs, walls)
            code = 0
        except BaseException as error:
            with contextlib.suppress(Exception):
                os.write(2, f"the nursery failed: {error}".encode())
        finally:
            os._exit(code)
    theirs.close()
    return ours


def try_one(walls: Walls) -> None:
    """Make a cell in which nothing runs, to see that it can be made.

    Raises:
        OSError: it cannot; the message says which wall would not stand.
    """
    reader, writer = os.pipe()
    keeper = os.fork()
    if keeper == 0:
        try:
            _enter(walls)
            child = os.fork()
            if child == 0:
                walls.shut_in()
                os._exit(0)
            if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
                raise OSError("a process could not be shut in")
        except BaseException as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as told:
        fault = told.read(4096)
    os.waitpid(keeper, 0)
    if fault:
        raise OSError(fault.decode("utf-8", "replace"))


def _nurse(orders: socket.socket, walls: Walls) -> None:
    """Start and kill as ordered, and tell every end, until the porter hangs up."""
    reader, writer = os.pipe()
    keepers: dict[int, int] = {}
    poller = select.poll()
    poller.register(orders, select.POLLIN)
    poller.register(reader, select.POLLIN)
    while True:
        ready = {descriptor for descriptor, _ in poller.poll()}
        if reader in ready:
            number, status, cpu_seconds, began = ENDED.unpack(os.read(reader, ENDED.size))
            if number in keepers:
                os.waitpid(keepers.pop(number), 0)
                _tell(orders, number, status, cpu_seconds, began)
        elif orders.fileno() in ready:
            order, descriptors, _, _ = socket.recv_fds(orders, ORDER_BYTES, 1)
            if not order:
                return
            word, number = order.split()[0], int(order.split()[1])
            if word == b"start":
                with socket.socket(fileno=descriptors[0]) as connection:
                    keepers[number] = _start(connection, number, writer, walls)
            elif number in keepers:  # its design dies with it
                os.kill(keepers[number], signal.SIGKILL)
                os.waitpid(keepers.pop(number), 0)
                _tell(orders, number, KILLED, 0.0, True)  # who ordered it knows why


def _start(connection: socket.socket, number: int, writer: int, walls: Walls) -> int:
    """Fork a keeper, which makes a cell and keeps it; return its process id."""
    keeper = os.fork()
    if keeper:
        return keeper
    code = 1
    try:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        _enter(walls)
        reader, beginning = os.pipe()
        child = os.fork()
        if child == 0:
            _become_design(connection, beginning, walls)
        connection.close()
        os.close(beginning)
        _, status, used = os.wait4(child, 0)
        began = os.read(reader, 1) != b""
        os.write(writer, ENDED.pack(number, status, used.ru_utime + used.ru_stime, began))
        code = 0
    except BaseException as error:
        with contextlib.suppress(Exception):
            os.write(2, f"a cell could not be made: {error}".encode())
            os.write(writer, ENDED.pack(number, KILLED, 0.0, False))
    finally:
        os._exit(code)


def _enter(walls: Walls) -> None:
    """Move the keeper into namespaces of one question; only what it forks from here on is in all of them."""
    if "mount" in walls.names:
        jail.enter_cell(walls.names)


def _become_design(connection: socket.socket, beginning: int, walls: Walls) -> None:
    """Turn this fork into the design's process for one question; never returns.

    Says to `beginning` that it is shut in, and closes it before a line of the design runs.
    """
    code = 1
    try:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        beginning = fcntl.fcntl(beginning, fcntl.F_DUPFD, 4)
        os.dup2(connection.fileno(), 3)
        os.closerange(4, beginning)
        os.closerange(beginning + 1, os.sysconf("SC_OPEN_MAX"))
        sys.stdout.reconfigure(line_buffering=True)
        channel = Channel(socket.socket(fileno=3))
        order, _ = channel.receive()  # from the engine; no line of the design has run
        _limit(order["seconds"], order["memory_bytes"])
        walls.shut_in()
        os.write(beginning, b"1")
        os.close(beginning)
        agent.answer(order, channel)
        code = 0
    except BaseException as error:
        with contextlib.suppress(Exception):
            os.write(2, f"{type(error).__name__}: {error}".encode())
    finally:
        os._exit(code)


def _limit(seconds: float, memory_bytes: int) -> None:
    """Bound the processor time and the memory of one question; what the box allows altogether stays."""
    whole = max(1, round(seconds))
    for which, soft, hard in (
        (resource.RLIMIT_CPU, whole, whole + 1),
        (resource.RLIMIT_DATA, memory_bytes, memory_bytes),
    ):
        most = resource.getrlimit(which)[1]
        if most != resource.RLIM_INFINITY:
            soft, hard = min(soft, most), min(hard, most)
        resource.setrlimit(which, (soft, hard))


def _tell(orders: socket.socket, number: int, status: int, cpu_seconds: float, began: bool) -> None:
    code = os.waitstatus_to_exitcode(status)
    told = {
        "number": number,
        "exit_code": code if code >= 0 else None,
        "signal": -code if code < 0 else None,
        "cpu_seconds": cpu_seconds,
        "began": began,
    }
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        orders.send(json.dumps(told).encode())
