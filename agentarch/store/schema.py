"""The tables of a run's store, and how one is recognised."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from agentarch.errors import UsageError

FILE_NAME = "run.sqlite"
VERSION = 3
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
    learning_rate REAL NOT NULL,  -- as a multiple of the recipe's
    state TEXT NOT NULL CHECK (state IN ('queued', 'leased', 'done')),
    lease TEXT,                   -- token of the worker that may settle it
    leased_until REAL,            -- seconds since the epoch
    attempts INTEGER NOT NULL DEFAULT 0,
    event INTEGER REFERENCES events (number),
    UNIQUE (design_id, task, rung, seed, split, learning_rate)
) STRICT;

CREATE INDEX evaluations_by_state ON evaluations (state, number);

-- Proposals that were put before a person; each is decided once, whoever comes first.
CREATE TABLE reviews (
    proposal TEXT PRIMARY KEY,
    decided INTEGER REFERENCES events (number)
) STRICT;
"""


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
