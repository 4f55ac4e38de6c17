"""Stores that are foreign, damaged, read-only or on a full disk: a plain message, and nothing already written lost."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
from support.commands import Said, command, run, search
from support.logs import check_consistent, evaluated

READERS = ("status", "resume")


@pytest.fixture
def store(finished_run, tmp_path) -> Path:
    """The store's file of a copy of a finished run."""
    shutil.copytree(finished_run.folder, tmp_path / "run")
    return tmp_path / "run" / "run.sqlite"


def changed(store: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def told(store: Path, name: str) -> Said:
    """Run a command on the run and make sure that it fails in plain words."""
    said = run(name, store.parent, "--json", folder=store.parent.parent)
    assert said.exit_code in (1, 2), said.err
    assert "Traceback" not in said.err
    assert said.json["exit_code"] == said.exit_code
    return said


@pytest.mark.parametrize("name", READERS)
def test_the_store_of_another_version_is_exit_2_and_left_as_it_is(name, store):
    changed(store, "PRAGMA user_version = 99")
    before = store.read_bytes()
    said = told(store, name)
    assert said.exit_code == 2
    assert "version 99" in said.json["error"]
    assert "newer" in said.json["error"]
    assert store.read_bytes() == before


@pytest.mark.parametrize("name", READERS)
def test_another_programs_database_is_exit_2_and_left_as_it_is(name, store):
    for file in store.parent.iterdir():
        file.unlink()
    changed(store, "CREATE TABLE bookmarks (address TEXT)", "INSERT INTO bookmarks VALUES ('example.org')")
    before = store.read_bytes()
    said = told(store, name)
    assert said.exit_code == 2
    assert "not the store of an agentarch run" in said.json["error"]
    assert store.read_bytes() == before
    assert {file.name for file in store.parent.iterdir()} <= {"run.sqlite", "engine.lock"}


@pytest.mark.parametrize("name", READERS)
def test_an_empty_file_is_no_store_and_is_left_as_it_is(name, store):
    store.write_bytes(b"")
    assert told(store, name).exit_code in (1, 2)
    assert store.read_bytes() == b""


@pytest.mark.parametrize("name", READERS)
def test_a_file_of_garbage_is_told_to_be_damaged(name, store):
    store.write_bytes(bytes(range(256)) * 100)
    said = told(store, name)
    assert said.exit_code == 1
    assert "damaged" in said.json["error"]
    assert store.read_bytes() == bytes(range(256)) * 100


@pytest.mark.parametrize(("name", "share"), [("resume", 0.9), ("resume", 0.5), ("status", 0.5)])
def test_a_file_that_was_cut_short_is_told_to_be_damaged(name, share, store):
    data = store.read_bytes()
    store.write_bytes(data[: int(len(data) * share)])
    said = told(store, name)
    assert said.exit_code == 1
    assert "damaged" in said.json["error"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET body = substr(body, 1, 20) WHERE kind = 'evaluated'",
        "UPDATE events SET body = '{}' WHERE kind = 'evaluated'",
        "UPDATE settings SET value = '{\"tasks\": 3}' WHERE key = 'config'",
        "DELETE FROM settings",
        "DROP TABLE events",
    ],
    ids=["line_cut_short", "line_emptied", "settings_changed", "settings_gone", "log_gone"],
)
def test_a_store_whose_lines_were_changed_is_told_to_be_damaged(statement, store):
    changed(store, "PRAGMA foreign_keys = OFF", statement)
    said = told(store, "status")
    assert said.exit_code == 1
    assert "damaged" in said.json["error"]


@pytest.mark.parametrize("name", READERS)
def test_overwritten_pages_are_no_traceback(name, store):
    data = bytearray(store.read_bytes())
    for start in range(4096, len(data), 8192):
        data[start + 100 : start + 2000] = b"\xa5" * 1900
    store.write_bytes(data)
    assert told(store, name).exit_code == 1


@pytest.mark.parametrize("name", READERS)
def test_a_folder_without_a_store_is_exit_2(name, store):
    store.unlink()
    said = told(store, name)
    assert said.exit_code == 2
    assert "it has no run.sqlite" in said.json["error"]


@pytest.mark.parametrize("name", READERS)
def test_a_task_file_that_is_gone_is_exit_2_and_named(name, finished_run, tmp_path):
    shutil.copytree(finished_run.folder, tmp_path / "run")
    changed(
        tmp_path / "run" / "run.sqlite",
        "UPDATE settings SET value = replace(value, 'tiny.py', 'gone.py') WHERE key = 'config'",
    )
    said = run(name, "run", "--json", folder=tmp_path)
    assert said.exit_code == 2
    assert "gone.py" in said.json["error"]


# File systems that refuse. Each is a real one, mounted where only the test's own processes see it.

CAN_MOUNT = (
    shutil.which("unshare") is not None
    and subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True
    ).returncode
    == 0
)
mounts = pytest.mark.skipif(not CAN_MOUNT, reason="needs the right to mount a small file system (root)")


def on_a_small_disk(folder: Path, script: str, size: str) -> None:
    """Run a shell script in a folder where `disk` is a file system of the given size; `agentarch` is a function.

    `agentarch NAME ARGUMENTS...` runs the command and leaves what it said in NAME.code, NAME.out and NAME.err.
    """
    (folder / "disk").mkdir()
    program = " ".join(f"'{part}'" for part in command())
    whole = f"""
    set -eu
    mount -t tmpfs -o size={size} tmpfs disk
    agentarch() {{
        name=$1; shift
        code=0; {program} "$@" > $name.out 2> $name.err || code=$?
        echo $code > $name.code
    }}
    {script}
    """
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", whole],
        cwd=folder,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


def said(folder: Path, name: str) -> Said:
    texts = ((folder / f"{name}.{part}").read_text() for part in ("code", "out", "err"))
    return Said(int(next(texts)), next(texts), next(texts))


def refused(folder: Path, name: str, *words: str) -> None:
    """Make sure that a command failed in plain words, among them one of these."""
    one = said(folder, name)
    assert one.exit_code in (1, 2), one.err
    assert "Traceback" not in one.err
    assert any(word in one.json["error"] for word in words), one.json["error"]


@mounts
def test_a_disk_that_fills_up_stops_the_run_and_it_goes_on_when_there_is_space(tmp_path):
    evaluations = 16
    arguments = " ".join(f"'{part}'" for part in search(Path("disk/run"), evaluations))
    on_a_small_disk(
        tmp_path,
        f"""
        agentarch filling {arguments}
        cp -r disk/run kept
        head -c 1000000 /dev/zero > disk/rest || true
        agentarch still_full resume disk/run --json
        rm disk/rest
        mount -o remount,size=64m disk
        agentarch freed resume disk/run --json
        cp -r disk/run final
        """,
        size="200k",
    )
    refused(tmp_path, "filling", "disk is full", "No space left")
    assert "agentarch resume disk/run" in said(tmp_path, "filling").json["error"]
    refused(tmp_path, "still_full", "disk is full", "No space left", "disk I/O error")
    assert said(tmp_path, "freed").exit_code == 0, said(tmp_path, "freed").err
    kept = evaluated(tmp_path / "kept")
    assert 0 < len(kept) < evaluations
    check_consistent(tmp_path / "final", evaluations)
    assert evaluated(tmp_path / "final")[: len(kept)] == kept


@mounts
def test_a_search_on_a_full_disk_is_told_in_plain_words(tmp_path):
    arguments = " ".join(f"'{part}'" for part in search(Path("disk/run"), 2))
    script = f"head -c 1000000 /dev/zero > disk/rest || true\nagentarch full {arguments}"
    on_a_small_disk(tmp_path, script, size="64k")
    refused(tmp_path, "full", "disk is full", "No space left", "disk I/O error")


@mounts
@pytest.mark.parametrize("mode", ["read-only file system", "read-only folder"])
def test_a_run_that_cannot_be_written_is_told_in_plain_words_and_left_as_it_is(mode, finished_run, tmp_path):
    shutil.copytree(finished_run.folder, tmp_path / "original")
    arguments = " ".join(f"'{part}'" for part in search(Path("disk/new"), 2))
    protect = {
        "read-only file system": "mount -o remount,ro disk",
        "read-only folder": "mount --bind disk/run disk/run && mount -o remount,bind,ro disk/run",
    }[mode]
    on_a_small_disk(
        tmp_path,
        f"""
        cp -r original disk/run
        {protect}
        agentarch resume resume disk/run --json
        agentarch status status disk/run --json
        agentarch show show disk/run --json
        {f"agentarch search {arguments}" if mode == "read-only file system" else ""}
        cp -r disk/run after
        """,
        size="64m",
    )
    for name in ("resume", "search") if mode == "read-only file system" else ("resume",):
        refused(tmp_path, name, "read-only", "Read-only", "unable to open", "readonly")
    for name in (
        "status",
        "show",
    ):  # whether SQLite can read there depends on what it may put beside the file
        if said(tmp_path, name).exit_code:
            refused(tmp_path, name, "read-only", "Read-only", "unable to open", "readonly")
    assert (tmp_path / "after" / "run.sqlite").read_bytes() == (
        tmp_path / "original" / "run.sqlite"
    ).read_bytes()
