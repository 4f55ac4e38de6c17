"""How SQLite's errors are told to a person: what happened, what is safe, what to do."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from agentarch.errors import AgentarchError


class StoreDamaged(AgentarchError):
    """The store's file is not a readable database any more."""


class StoreFull(AgentarchError):
    """The store could not be written; what was written before is safe."""


@contextlib.contextmanager
def told_plainly(file: Path) -> Iterator[None]:
    """Turn SQLite's errors into ones that say what to do.

    Raises:
        StoreFull: no space is left, or the file system refuses writing.
        StoreDamaged: the file is not a sound database.
    """
    run = str(file.parent)
    try:
        yield
    except sqlite3.OperationalError as error:
        text = str(error)
        if any(part in text for part in ("disk is full", "disk I/O error", "readonly", "unable to open")):
            raise StoreFull(
                f"the store {str(file)!r} cannot be written ({text}). Everything acknowledged before is kept. "
                f"Free some space or restore write access, then run: agentarch resume {run}"
            ) from error
        if text.startswith(("no such", "Could not decode")):  # a table is gone, or text is none
            raise damaged(file, error) from error
        if "locked" in text:
            raise AgentarchError(
                f"the store {str(file)!r} is locked by another program. Everything acknowledged is kept; once it is "
                f"free, go on with: agentarch resume {run}"
            ) from error
        raise
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:
            raise  # a subclass is a mistake of ours, e.g. a broken constraint
        raise damaged(file, error) from error


def damaged(file: Path, why: object) -> StoreDamaged:
    """Return the error for a store that cannot be read."""
    return StoreDamaged(
        f"the store {str(file)!r} is damaged ({why}). Nothing was changed. Copy the folder, then try "
        f"`sqlite3 {file} .recover | sqlite3 recovered.sqlite` to save what is readable."
    )
