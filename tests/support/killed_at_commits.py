"""Runs a small search that is killed at its k-th commit, for every k, and finished by another engine.

Usage: python killed_at_commits.py FOLDER TASK_FILE EVALUATIONS

Prints one JSON object: what the undisturbed run evaluated, and for each kill what was evaluated in the end.
Everything is real but the box: its replies are made here, for a box would take the time of the test.
"""

import contextlib
import hashlib
import json
import os
import signal
import sys
from pathlib import Path

import numpy as np

from agentarch.config import RunConfig
from agentarch.evaluation import Cost, Outcome
from agentarch.execution import Job, Result
from agentarch.proposers import make_proposer
from agentarch.search import session
from agentarch.store import Store


class MadeUpExecutor:
    """Answers every job at once; the same job always gets the same answer."""

    name = "made-up"

    def start(self) -> None:
        """Do nothing."""

    def run(self, job: Job) -> Result:
        """Return predictions drawn from a hash of the job; every seventh design is invalid."""
        key = hashlib.sha256(f"{job.source}{job.seed}".encode()).digest()
        if key[0] % 7 == 0:
            return Result(Outcome.INVALID, "made up", cost=Cost(0.1, 0.1, 1))
        rng = np.random.default_rng(list(key))
        replies = tuple(
            rng.normal(size=question.reply_shape).astype(np.float32) for question in job.questions
        )
        claims = {"parameters": 1000 + key[1] * 100, "recipe": None, "losses": [1.0]}
        return Result(Outcome.SCORED, replies=replies, claims=claims, cost=Cost(0.1, 0.1, 1))

    def close(self) -> None:
        """Do nothing."""


class KilledStore(Store):
    """A store whose process is killed just before, or just after, one of its commits."""

    commits = 0
    fatal: float = float("inf")

    @contextlib.contextmanager
    def _transaction(self):
        with super()._transaction():
            yield
            KilledStore.commits += 1
            if KilledStore.commits == self.fatal + 0.5:
                os.kill(os.getpid(), signal.SIGKILL)
        if KilledStore.commits == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)


def drive(folder: Path) -> str:
    """Drive a run to its end, as `agentarch resume` does."""
    with session.only_engine(folder), session.open_run(folder, check=True) as run:
        return session.make_engine(run, MadeUpExecutor()).run(lambda state: None, interval_seconds=0.01)


def in_a_child(folder: Path, fatal: float) -> bool:
    """Drive a run in a process of its own; return whether that was killed."""
    child = os.fork()
    if child == 0:
        session.Store, KilledStore.fatal, KilledStore.commits = KilledStore, fatal, 0
        try:
            drive(folder)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), f"an engine ended with {code} when killed at {fatal}"
    return code != 0


def main() -> None:
    """Do it for every commit, and for the moment before each."""
    top, task, evaluations = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    make_proposer("evolve")  # imported once for all children
    config = RunConfig(tasks=(task,), evaluations=evaluations, seed=1, workers=1)

    def create(name: str) -> Path:
        session.create_run(config, top / name)
        return top / name

    assert not in_a_child(create("undisturbed"), float("inf"))
    commit, killed = 0.5, True
    names = []
    while killed:
        name = f"killed-{commit:g}"
        folder = create(name)
        killed = in_a_child(folder, commit)
        assert not in_a_child(folder, float("inf"))
        names.append(name)
        commit += 0.5
    print(json.dumps(names[:-1]))


if __name__ == "__main__":
    main()
