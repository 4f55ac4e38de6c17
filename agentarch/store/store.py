"""One SQLite file per run: an append-only log of events, and a queue of leased work.

Guarantees: every change is one durable transaction, acknowledged only when it is on disk; an evaluation
exists once, is worked on under a lease, and is settled once; a result that comes late overwrites nothing.
Knows nothing of tasks, networks or archives.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shlex
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from agentarch.design import Design, Proposal
from agentarch.errors import UsageError
from agentarch.evaluation import Evaluation, Request
from agentarch.store.errors import damaged, told_plainly
from agentarch.store.schema import FILE_NAME, SCHEMA, check_version

DESIGNS = TypeAdapter(Design)
EVALUATIONS = TypeAdapter(Evaluation)
PROPOSALS = TypeAdapter(Proposal)
REQUESTS = TypeAdapter(Request)


@dataclass(frozen=True)
class Event:
    """One line of the log.

    Attributes:
        number: position in the log, from 1.
        at: seconds since the epoch.
        kind: what happened; see the methods of `Store`.
        body: the particulars, as plain JSON values.
    """

    number: int
    at: float
    kind: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Lease:
    """The right to settle one evaluation.

    Attributes:
        number: of the evaluation.
        token: proves the right; a later lease of the same evaluation has another one.
        request: what is to be evaluated.
        attempt: from 1.
    """

    number: int
    token: str
    request: Request
    attempt: int


class Store:
    """A run's store. Not safe for use from several threads at once; the engine holds a lock.

    Make one with `Store.create` or `Store.open`, and close it.
    """

    def __init__(self, file: Path, connection: sqlite3.Connection) -> None:
        self.file = file
        self._connection = connection

    @classmethod
    def create(cls, run_dir: Path, settings: Mapping[str, str]) -> Store:
        """Make the store of a new run.

        Raises:
            UsageError: the folder holds a run already.
            StoreFull: it cannot be written.
        """
        file = run_dir / FILE_NAME
        if os.path.lexists(file):
            raise UsageError(
                f"{str(run_dir)!r} holds a run already; continue it with: agentarch resume {shlex.quote(str(run_dir))}"
            )
        try:
            run_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot make the run directory {str(run_dir)!r}: {error.strerror}") from None
        # A run that exists is complete, whenever we are killed, and is never replaced by another.
        partial = run_dir / f".{FILE_NAME}.{secrets.token_hex(4)}"
        try:
            with told_plainly(file):
                connection = _connect(partial)
                _prepare(connection)
                connection.executescript(SCHEMA)
                with connection:
                    connection.executemany("INSERT INTO settings VALUES (?, ?)", settings.items())
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.close()
                file.hardlink_to(partial)
        except FileExistsError:
            raise UsageError(f"another process has just begun a run in {str(run_dir)!r}") from None
        finally:
            for left in run_dir.glob(f"{partial.name}*"):
                left.unlink(missing_ok=True)
        return cls.open(run_dir)

    @classmethod
    def open(cls, run_dir: Path, check: bool = False) -> Store:
        """Open the store of an existing run.

        Args:
            run_dir: the run's folder.
            check: read every page and make sure that the file is sound.

        Raises:
            UsageError: there is no run, or another version wrote it.
            StoreDamaged: the file is not a sound database.
        """
        file = run_dir / FILE_NAME
        if not file.is_file():
            raise UsageError(f"{str(run_dir)!r} is not a run directory: it has no {FILE_NAME}")
        with told_plainly(file):
            connection = _connect(file)
            try:
                check_version(connection, file)
            except BaseException:
                connection.close()
                raise
            _prepare(connection)  # only now: this writes, and the file may be another program's
            if check:
                found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
                if found != "ok":
                    raise damaged(file, found)
            return cls(file, connection)

    def close(self) -> None:
        """Close the file; what was acknowledged is on disk already."""
        self._connection.close()

    @property
    def settings(self) -> dict[str, str]:
        """What the run was created with."""
        with told_plainly(self.file):
            return dict(self._connection.execute("SELECT key, value FROM settings"))

    def events(self, after: int = 0) -> Iterator[Event]:
        """Yield the log in order, from the event after the given number."""
        with told_plainly(self.file):
            rows = self._connection.execute(
                "SELECT number, at, kind, body FROM events WHERE number > ? ORDER BY number", (after,)
            )
            for number, at, kind, body in rows:
                yield Event(number, at, kind, json.loads(body))

    def note(self, kind: str, /, **body: Any) -> int:
        """Append an event that changes no queue, e.g. `started`, `stopped`; return its number."""
        with self._transaction():
            return self._append(kind, body)

    def add_design(
        self, design: Design, requests: Iterable[Request], arm: str = "search", of: str | None = None
    ) -> None:
        """Record a `proposed` design of an arm together with its first evaluations.

        Args:
            design: the design.
            requests: its first evaluations.
            arm: whose it is.
            of: the id of the proposal that it came of, for a proposer that takes several steps.
        """
        with self._transaction():
            self._add_design(design, arm, of)
            self._queue(requests)

    def refuse(self, proposal: Proposal, reason: str, duplicate_of: str | None = None) -> None:
        """Record a proposal that was `refused` before anything was spent on it."""
        body = {"proposal": PROPOSALS.dump_python(proposal, mode="json"), "reason": reason}
        self.note("refused", **body, duplicate_of=duplicate_of)

    def ask_for_review(self, proposal: str, body: Mapping[str, Any]) -> None:
        """Put a proposal before a person, recorded as `gated`; once, however often this is called."""
        with self._transaction():
            changed = self._connection.execute(
                "INSERT INTO reviews (proposal) VALUES (?) ON CONFLICT DO NOTHING", (proposal,)
            )
            if changed.rowcount:
                self._append("gated", {"proposal": proposal, **body})

    def review(self, proposal: str, body: Mapping[str, Any]) -> bool:
        """Decide on a proposal, recorded as `reviewed`; return False when somebody did before.

        May be called while an engine drives the run, which finds the decision in the log.
        """
        with self._transaction():
            row = self._connection.execute(
                "SELECT 1 FROM reviews WHERE proposal = ? AND decided IS NULL", (proposal,)
            )
            if row.fetchone() is None:
                return False
            event = self._append("reviewed", {"proposal": proposal, **body})
            self._connection.execute("UPDATE reviews SET decided = ? WHERE proposal = ?", (event, proposal))
        return True

    def decide(
        self,
        kind: str,
        reason: str,
        requests: Iterable[Request] = (),
        facts: Mapping[str, Any] | None = None,
        designs: Iterable[Design] = (),
        arm: str = "search",
    ) -> None:
        """Record a decision as `decided`, together with the designs it makes and the evaluations that follow.

        An evaluation that exists already is left as it is.
        """
        with self._transaction():
            for design in designs:
                self._add_design(design, arm)
            self._append("decided", {"kind": kind, "reason": reason, "facts": dict(facts or {})})
            self._queue(requests)

    def lease(self, seconds: float) -> Lease | None:
        """Take the oldest queued evaluation, or one whose lease has run out; None if there is none.

        Recorded as `leased` before this returns, so that work is known before it is begun.
        """
        now, token = time.time(), secrets.token_hex(8)
        with self._transaction():
            row = self._connection.execute(
                "UPDATE evaluations SET state = 'leased', lease = ?, leased_until = ?, attempts = attempts + 1 "
                "WHERE number = (SELECT number FROM evaluations WHERE state = 'queued' "
                "OR (state = 'leased' AND leased_until < ?) ORDER BY number LIMIT 1) "
                "RETURNING number, attempts, design_id, task, rung, seed, split, learning_rate",
                (token, now + seconds, now),
            ).fetchone()
            if row is None:
                return None
            number, attempt, *request = row
            self._append("leased", {"number": number, "attempt": attempt})
        return Lease(number, token, Request(*request), attempt)

    def settle(self, lease: Lease, evaluation: Evaluation) -> bool:
        """Record the result as `evaluated`; return False, recording `late`, when the lease was lost."""
        with self._transaction():
            if not self._holds(lease):
                self._append("late", {"number": lease.number})
                return False
            body = {"number": lease.number, "evaluation": EVALUATIONS.dump_python(evaluation, mode="json")}
            event = self._append("evaluated", body)
            self._connection.execute(
                "UPDATE evaluations SET state = 'done', lease = NULL, event = ? WHERE number = ?",
                (event, lease.number),
            )
        return True

    def release(self, lease: Lease, reason: str, is_attempt: bool) -> None:
        """Put work back into the queue, recorded as `released`.

        Args:
            lease: what is given back; nothing happens when it was lost meanwhile.
            reason: why.
            is_attempt: whether this counts as one of the attempts, as a fault of ours does and a stop does not.
        """
        with self._transaction():
            if self._holds(lease):
                self._requeue(lease.number, reason, is_attempt)

    def drop_queued(self, reason: str) -> None:
        """Take every evaluation that waits out of the queue, recorded as `dropped`; it will not be done."""
        with self._transaction():
            rows = self._connection.execute(
                "SELECT number FROM evaluations WHERE state = 'queued'"
            ).fetchall()
            self._connection.execute("UPDATE evaluations SET state = 'done' WHERE state = 'queued'")
            for (number,) in rows:
                self._append("dropped", {"number": number, "reason": reason})

    def release_all(self, reason: str) -> int:
        """Put everything leased back into the queue; return how much. For an engine that starts alone."""
        with self._transaction():
            rows = self._connection.execute(
                "SELECT number FROM evaluations WHERE state = 'leased'"
            ).fetchall()
            for (number,) in rows:
                self._requeue(number, reason, is_attempt=False)
        return len(rows)

    def _holds(self, lease: Lease) -> bool:
        found = self._connection.execute(
            "SELECT 1 FROM evaluations WHERE number = ? AND state = 'leased' AND lease = ?",
            (lease.number, lease.token),
        )
        return found.fetchone() is not None

    def _requeue(self, number: int, reason: str, is_attempt: bool) -> None:
        self._connection.execute(
            "UPDATE evaluations SET state = 'queued', lease = NULL, attempts = attempts - ? WHERE number = ?",
            (0 if is_attempt else 1, number),
        )
        self._append("released", {"number": number, "reason": reason})

    def _add_design(self, design: Design, arm: str, of: str | None = None) -> None:
        body = {"design": DESIGNS.dump_python(design, mode="json"), "arm": arm, "of": of}
        event = self._append("proposed", body)
        self._connection.execute("INSERT INTO designs VALUES (?, ?)", (design.id, event))

    def _queue(self, requests: Iterable[Request]) -> None:
        for request in requests:
            row = self._connection.execute(
                "INSERT INTO evaluations (design_id, task, rung, seed, split, learning_rate, state) "
                "VALUES (?, ?, ?, ?, ?, ?, 'queued') ON CONFLICT DO NOTHING RETURNING number",
                (
                    request.design_id,
                    request.task,
                    request.rung,
                    request.seed,
                    request.split,
                    request.learning_rate,
                ),
            ).fetchone()
            if row is not None:
                self._append(
                    "queued", {"number": row[0], "request": REQUESTS.dump_python(request, mode="json")}
                )

    def _append(self, kind: str, body: Mapping[str, Any]) -> int:
        cursor = self._connection.execute(
            "INSERT INTO events (at, kind, body) VALUES (?, ?, ?)", (time.time(), kind, json.dumps(body))
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with told_plainly(self.file):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk may have rolled it back already
                    self._connection.execute("ROLLBACK")
                raise


def _connect(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=30)


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # acknowledged means on disk, through a power cut too
    connection.execute("PRAGMA foreign_keys = ON")
