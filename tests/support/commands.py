"""The command line, started as a user starts it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TINY_FILE = Path(__file__).parent / "tiny.py"


@dataclass(frozen=True)
class Said:
    """What a command said: its exit code and both streams."""

    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout; fails when there is anything else."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value


def command(*arguments: object) -> list[str]:
    """Return the command line that starts `agentarch` with these arguments."""
    return [sys.executable, "-m", "agentarch", *map(str, arguments)]


def start(*arguments: object, folder: Path, **environment: str) -> subprocess.Popen[str]:
    """Start a command in a folder; its streams are pipes."""
    return subprocess.Popen(
        command(*arguments),
        cwd=folder,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> Said:
    """Wait for a started command and return what it said."""
    out, err = process.communicate(timeout=300)
    return Said(process.returncode, out, err)


def run(*arguments: object, folder: Path, **environment: str) -> Said:
    """Run a command in a folder and return what it said."""
    return finish(start(*arguments, folder=folder, **environment))


def search(run_dir: Path, evaluations: int, *more: object) -> list[object]:
    """Return the arguments of a search over the tiny task, as JSON."""
    options = ["--tasks", TINY_FILE, "--evaluations", evaluations, "--seed", 1, "--workers", 2]
    return ["search", *options, "--run-dir", run_dir, "--json", *more]
