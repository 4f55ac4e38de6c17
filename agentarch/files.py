"""Writes files whole or not at all: no reader finds half of one. Keeps two writers of one folder apart."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from agentarch.errors import AgentarchError


def write_whole(file: Path, text: str) -> None:
    """Write a text file, on disk before this returns; its folder is made where it lacks.

    Raises:
        AgentarchError: it cannot be written.
    """
    write_whole_bytes(file, text.encode())


def write_whole_bytes(file: Path, content: bytes) -> None:
    """Write a file of bytes as `write_whole` does."""
    partial = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        file.parent.mkdir(exist_ok=True)
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)
    except OSError as error:
        raise AgentarchError(
            f"cannot write {str(file)!r}: {error.strerror}; free some space or name another place"
        ) from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


@contextlib.contextmanager
def only_writer(folder: Path, what: str) -> Iterator[None]:
    """Hold a folder's lock, which the operating system releases when this process ends, however it ends.

    Args:
        folder: to be written in.
        what: is done there, for whoever comes second.

    Raises:
        AgentarchError: another process holds it, or the folder cannot be read.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise AgentarchError(f"cannot open the folder {str(folder)!r}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AgentarchError(
                f"another process {what} in {str(folder)!r}; wait until it has ended, or stop it"
            ) from None
        yield
    finally:
        os.close(descriptor)
