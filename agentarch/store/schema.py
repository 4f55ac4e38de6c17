"""The tables of a run's store, and how errors of SQLite are told to a person."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from agentarch.errors import AgentarchError, UsageError

FILE_NAME = "run.sqlite"
VERSION = 1
APPLICATION_ID = 0x61617263  # "aarc", so that another program's database is recognised as such

SCHEMA = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};

-- What the run was told to do; one row a key.
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

-- The truth: everything that happened, in order. Bodies are JSON.
CREATE TABLE events (
    number INTEGER PRIMARY KEY,
    at REAL NOT NULL,             -- seconds since the epoch
    kind TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;

-- Which designs exist, and where the log says what they are.
CREATE TABLE designs (
    id TEXT PRIMARY KEY,
    event INTEGER NOT NULL REFERENCES events (number)
) STRICT;

-- The queue: each evaluation once, with who works on it. Results are in the log.
CREATE TABLE evaluations (
    number INTEGER PRIMARY KEY,
    design_id TEXT NOT NULL REFERENCES designs (id),
    task TEXT NOT NULL,
    rung INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    split TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'leased', 'done')),
    lease TEXT,                   -- token of the worker that may settle it
    leased_until REAL,            -- seconds since the epoch
    attempts INTEGER NOT NULL DEFAULT 0,
    event INTEGER REFERENCES events (number),
    UNIQUE (design_id, task, rung, seed, split)
) STRICT;

CREATE INDEX evaluations_by_state ON evaluations (state, number);
"""


class StoreDamaged(AgentarchError):
    """The store's file is not a readable database any more."""


class StoreFull(AgentarchError):
    """The store could not be written; what was written before is safe."""


def check_version(connection: sqlite3.Connection, file: Path) -> None:
    """Make sure that a database is a run's store of this version.

    Raises:
        UsageError: it is something else, or was written by another version.
    """
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID:
        raise UsageError(f"{str(file)!r} is a database, but not the store of an agentarch run")
    if version != VERSION:
        age = "newer" if version > VERSION else "older"
        raise UsageError(
            f"the run in {str(file.parent)!r} has store version {version}; this agentarch reads version {VERSION}. "
            f"Open it with the {age} agentarch that wrote it; nothing was changed."
        )


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
        raise
    except sqlite3.DatabaseError as error:
        if (
            type(error) is not sqlite3.DatabaseError
        ):  # a subclass is a mistake of ours, e.g. a broken constraint
            raise
        raise StoreDamaged(
            f"the store {str(file)!r} is damaged ({error}). Nothing was changed. Copy the folder, then try "
            f"`sqlite3 {file} .recover | sqlite3 recovered.sqlite` to save what is readable."
        ) from error
