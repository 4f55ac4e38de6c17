"""A run's store, read with nothing but SQLite, so that the engine's own reading proves nothing."""

import contextlib
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

Row = tuple[int, float, str, str]


def rows(
    run_dir: Path, query: str = "SELECT number, at, kind, body FROM events ORDER BY number"
) -> list[Any]:
    """Return what a query finds in a run's store; nothing when there is no store yet."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{run_dir / 'run.sqlite'}?mode=ro", uri=True)) as store:
            return store.execute(query).fetchall()
    except sqlite3.OperationalError:
        return []


def evaluated(run_dir: Path) -> list[Row]:
    """Return the log's lines about evaluations that ended, byte for byte."""
    return [row for row in rows(run_dir) if row[2] == "evaluated"]


def evaluated_in_a_copy(run_dir: Path, copy: Path) -> list[Row]:
    """Return the same without touching the store, as its engine left it."""
    shutil.copytree(run_dir, copy)
    return evaluated(copy)


def requests(run_dir: Path) -> list[tuple[Any, ...]]:
    """Return design, task, rung, seed and split of every evaluation in the log, in the order they ended."""
    found = [json.loads(row[3])["evaluation"]["request"] for row in evaluated(run_dir)]
    return [(one["design_id"], one["task"], one["rung"], one["seed"], one["split"]) for one in found]


def check_consistent(run_dir: Path, evaluations: int) -> None:
    """Make sure that a finished run has each evaluation once, in the log and in the queue alike."""
    done = requests(run_dir)
    assert len(done) == len(set(done)) == evaluations
    queue = rows(run_dir, "SELECT design_id, task, rung, seed, split, state FROM evaluations")
    assert {row[5] for row in queue} == {"done"}
    assert {row[:5] for row in queue} == set(done)
    numbers = [json.loads(row[3])["number"] for row in evaluated(run_dir)]
    assert len(numbers) == len(set(numbers)) == evaluations
    designs = [json.loads(row[3])["design"]["id"] for row in rows(run_dir) if row[2] == "proposed"]
    assert len(designs) == len(set(designs)) == rows(run_dir, "SELECT count(*) FROM designs")[0][0]
    assert [row[0] for row in rows(run_dir)] == list(range(1, len(rows(run_dir)) + 1))
