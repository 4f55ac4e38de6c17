"""Runs designs in containers of Docker or Podman, one for each box; the walls of the host's container engine hold them.

Slower than the local tiers, for every container loads torch anew; for those who trust their container engine (or run
gVisor under it) more than our jail. Chosen by name only.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import IO

from agentarch.content import content_folder
from agentarch.execution.contract import (
    ExecutionStopped,
    ExecutorUnavailable,
    Interview,
    Interviewed,
    Job,
    Limits,
    Program,
    Result,
)
from agentarch.execution.conversation import Seen, Talk, read_report, run_in_boxes
from agentarch.execution.interviewing import interview_in_boxes

IMAGE = "agentarch-sandbox"
LABEL = "agentarch.engine"
ENGINES = ("docker", "podman")
ANSWER_SECONDS, START_SECONDS, GRACE_SECONDS, CLOSE_SECONDS = 20.0, 90.0, 15.0, 1.0
SUPERVISOR_BYTES = 512 * 2**20
"""What the supervisor and the relay in a container have beside the design's own memory."""

_FRAME = struct.Struct(">BI")
_CHANNEL, _REPORT = 0, 1
_PIECE_BYTES = 65536


class DockerExecutor:
    """Starts a container for each box; see `agentarch.execution.contract.Executor`.

    Args:
        command: the container engine's program; the first of `ENGINES` that answers when None.
        program: what the boxes run, `network` or `agent`.
    """

    name = "docker"

    def __init__(self, command: str | None = None, program: Program = "network") -> None:
        self._command, self._program = command, program
        self._label = f"{LABEL}={os.getpid()}-{secrets.token_hex(4)}"
        self._lock = threading.Lock()
        self._containers: dict[str, subprocess.Popen[bytes]] = {}
        self._is_started = self._is_closed = False

    def start(self) -> None:
        """Find a container engine that answers and has the image; does nothing when that was done.

        Raises:
            ExecutorUnavailable: there is none; the message says what to do.
            ExecutionStopped: it was closed.
        """
        self._raise_if_closed()
        if self._is_started:
            return
        command = self._answering()
        if self._ask(command, "image", "inspect", image_name()) is None:
            folder = content_folder("sandbox")
            raise ExecutorUnavailable(
                f"{command} has no image {image_name()}; build it with: {command} build -t {image_name()} {folder}"
            )
        self._command, self._is_started = command, True

    def run(self, job: Job) -> Result:
        """Run one job, each part in a container of its own; see `Executor.run`."""
        result = run_in_boxes(job, self._in_a_box)
        self._raise_if_closed()
        return result

    def interview(self, interview: Interview) -> Interviewed:
        """Ask an agent design everything, several containers one after the other; see `Executor.interview`."""
        interviewed = interview_in_boxes(interview, self._in_a_box)
        self._raise_if_closed()
        return interviewed

    def close(self) -> None:
        """Kill every container of this executor; see `Executor.close`."""
        with self._lock:
            self._is_closed = True
            running = list(self._containers.items())
        for name, process in running:
            self._kill(name, process, patience=0.0)

    def arguments(self, name: str, limits: Limits) -> list[str]:
        """Return the command line that starts one container, with every wall that the container engine has."""
        memory = limits.memory_bytes + SUPERVISOR_BYTES
        return [
            self._command or ENGINES[0],
            *("run", "--rm", "--interactive", "--pull", "never", "--log-driver", "none"),
            *("--name", name, "--label", self._label),
            *("--network", "none", "--ipc", "none", "--read-only", "--user", "65534:65534"),
            *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
            *("--pids-limit", "64", "--memory", str(memory), "--memory-swap", str(memory), "--cpus", "1"),
            *("--ulimit", "core=0", "--ulimit", "nofile=256"),
            image_name(),
            self._program,
        ]

    def _in_a_box(self, limits: Limits, talk: Talk) -> Seen | None:
        """Talk with a box in a fresh container, and return its supervisor's report; None when there was none."""
        self.start()
        with self._container(limits) as (channel, report):
            report.sendall(json.dumps(asdict(limits)).encode())
            patience = START_SECONDS + limits.wall_seconds + GRACE_SECONDS
            deadline = time.monotonic() + patience
            channel.settimeout(patience)
            talk(channel)
            return read_report(report, deadline)

    @contextlib.contextmanager
    def _container(self, limits: Limits) -> Iterator[tuple[socket.socket, socket.socket]]:
        """Start a container; yield the engine's ends of its channel and its report."""
        name = f"agentarch-{secrets.token_hex(8)}"
        with self._lock:
            self._raise_if_closed()
            process = subprocess.Popen(
                self.arguments(name, limits),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
            )
            self._containers[name] = process
        relay: _Relay | None = None
        try:
            relay = _Relay(process)
            yield relay.channel, relay.report
        finally:
            if relay is not None:
                relay.close()
            with self._lock:
                del self._containers[name]
            self._kill(name, process, CLOSE_SECONDS)
            if relay is not None:
                relay.join()

    def _kill(self, name: str, process: subprocess.Popen[bytes], patience: float) -> None:
        """End a container, whatever it does; one whose input has ended usually ends by itself in a moment."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            return
        self._ask(self._command or ENGINES[0], "kill", name)
        process.kill()
        process.wait()

    def _raise_if_closed(self) -> None:
        if self._is_closed:
            raise ExecutionStopped("the executor was closed")

    def _answering(self) -> str:
        tried = (self._command,) if self._command else ENGINES
        for command in tried:
            if self._ask(command, "info") is not None:
                return command
        raise ExecutorUnavailable(f"no container engine answers; tried {' and '.join(tried)}")

    def _ask(self, command: str, *arguments: str) -> str | None:
        """Return what the container engine prints; None when it fails, hangs or is not there."""
        try:
            done = subprocess.run(
                [command, *arguments], capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout if done.returncode == 0 else None


def image_name() -> str:
    """Return the image's name, tagged with a hash of what is in it, so that an old one is told apart."""
    digest, folder = hashlib.sha256(), content_folder("sandbox")
    for path in sorted([folder / "Dockerfile", *folder.glob("*.py")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{IMAGE}:{digest.hexdigest()[:12]}"


@dataclass(frozen=True)
class _Stream:
    """One socket of a box: the end that the engine uses, and the end that is relayed."""

    ours: socket.socket
    relayed: socket.socket


class _Relay:
    """Carries a box's two sockets over a container's standard streams, as `sandbox/alone.py` does on the other side.

    Attributes:
        channel: the engine's end of the channel.
        report: the engine's end of the report.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._streams = {number: _Stream(*socket.socketpair()) for number in (_CHANNEL, _REPORT)}
        self.channel, self.report = (self._streams[number].ours for number in (_CHANNEL, _REPORT))
        self._write_lock = threading.Lock()
        self._threads = [threading.Thread(target=self._take_in, daemon=True)]
        self._threads += [
            threading.Thread(target=self._give_out, args=(number,), daemon=True) for number in self._streams
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Hang up on both sides."""
        for stream in self._streams.values():
            for end in (stream.ours, stream.relayed):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        with self._write_lock, contextlib.suppress(OSError):
            _pipe(self._process.stdin).close()

    def join(self) -> None:
        """Wait for the threads, once the container is gone, and give everything back."""
        for thread in self._threads:
            thread.join()
        _pipe(self._process.stdout).close()
        for stream in self._streams.values():
            stream.ours.close()
            stream.relayed.close()

    def _take_in(self) -> None:
        """Pass what the container says on to the sockets, until it ends."""
        source = _pipe(self._process.stdout)
        while (header := _read(source, _FRAME.size)) is not None:
            number, length = _FRAME.unpack(header)
            stream = self._streams.get(number)
            if stream is None or length > _PIECE_BYTES or (piece := _read(source, length)) is None:
                break
            with contextlib.suppress(OSError):  # the engine no longer listens there
                if piece:
                    stream.relayed.sendall(piece)
                else:
                    stream.relayed.shutdown(socket.SHUT_WR)
        for stream in self._streams.values():
            with contextlib.suppress(OSError):
                stream.relayed.shutdown(socket.SHUT_RDWR)

    def _give_out(self, number: int) -> None:
        """Pass what the engine says on to the container, its end included."""
        stream = self._streams[number].relayed
        while True:
            try:
                piece = stream.recv(_PIECE_BYTES)
            except OSError:
                piece = b""
            data = memoryview(_FRAME.pack(number, len(piece)) + piece)
            try:
                with self._write_lock:
                    while data:
                        data = data[_pipe(self._process.stdin).write(data) or 0 :]
            except (OSError, ValueError):  # the container is gone
                return
            if not piece:
                return


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


def _read(source: IO[bytes], size: int) -> bytes | None:
    """Read exactly so many bytes; None at the end."""
    collected = b""
    while len(collected) < size:
        piece = source.read(size - len(collected))
        if not piece:
            return None
        collected += piece
    return collected
