"""Writes files whole or not at all: a reader finds the old one or the new one, and never half of one."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from agentarch.errors import AgentarchError


def write_whole(file: Path, text: str) -> None:
    """Write a text file, on disk before this returns; its folder is made where it lacks.

    Raises:
        AgentarchError: it cannot be written.
    """
    partial = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        file.parent.mkdir(exist_ok=True)
        with partial.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
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
