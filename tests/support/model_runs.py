"""Searches whose designs a language model writes, begun from the command line and watched from outside."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support import commands, logs
from support.commands import Said
from support.model_server import ModelServer
from support.processes import wait_until

MODEL = "openai/test-model"
NO_KEYS = {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": ""}
"""An environment in which no key is set, whatever ours holds."""


def search(run_dir: Path, server: ModelServer | None, evaluations: int, *more: object) -> list[object]:
    """Return the arguments of a search by the model of a server, or by `manual`, that climbs no further than rung 1."""
    model = ["--model", MODEL, "--base-url", server.base_url, "--price", "1,5"] if server else []
    return commands.search(run_dir, evaluations, "--no-controls", "--top-rung", 1, *model, *more)


def told(run_dir: Path, *kinds: str) -> list[dict[str, Any]]:
    """Return the bodies of a log's events of some kinds, in order, each with its `number` in the log."""
    return [
        {**json.loads(body), "event": number} for number, _, kind, body in logs.rows(run_dir) if kind in kinds
    ]


def waiting(run_dir: Path) -> list[str]:
    """Return the proposals that were put before a person and are not decided."""
    decided = {one["proposal"] for one in told(run_dir, "reviewed", "abandoned")}
    return [one["proposal"] for one in told(run_dir, "gated") if one["proposal"] not in decided]


def is_quiet(run_dir: Path) -> bool:
    """Whether all that a search has begun is done, or waits for a person."""
    done = {one["proposal"] for one in told(run_dir, "accepted", "abandoned", "gated")}
    begun = {one["proposal"] for one in told(run_dir, "begun")}
    asked, answered = (len(told(run_dir, kind)) for kind in ("asked", "answered"))
    queued, settled = (len(told(run_dir, kind)) for kind in ("queued", "evaluated"))
    return begun == done and asked == answered and queued == settled


def requests_for(run_dir: Path, design_id: str) -> list[tuple[int, int]]:
    """Return the event's number and the rung of each evaluation that was ever asked for a design."""
    return [
        (one["event"], one["request"]["rung"])
        for one in told(run_dir, "queued")
        if one["request"]["design_id"] == design_id
    ]


def designs_of(run_dir: Path, proposal: str) -> list[dict[str, Any]]:
    """Return the designs that a proposal was, first to last."""
    return [one["design"] for one in told(run_dir, "proposed") if one["of"] == proposal]


@contextmanager
def begun(*arguments: object, folder: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A command that runs as long as the context lasts, and is killed at its end when it has not ended."""
    process = commands.start(*arguments, folder=folder, **(NO_KEYS | environment))
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def wait(process: subprocess.Popen[str], condition: Any, what: str) -> None:
    """Wait for what a running search is to do; fail with what it said when it ends before."""

    def is_there() -> bool:
        if condition():
            return True
        if process.poll() is not None:
            out, err = process.communicate()
            raise AssertionError(f"the search ended before {what}: {out[-500:]} {err[-2000:]}")
        return False

    wait_until(is_there, what, seconds=120)


def interrupt(process: subprocess.Popen[str]) -> Said:
    """End a search as Ctrl-C does."""
    process.send_signal(2)
    return commands.finish(process)
