"""Searches with a language model in which everything is real but the box, which would take the time of the test."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from agentarch.clock import Clock
from agentarch.config import META, RunConfig
from agentarch.evaluation import Cost, Outcome
from agentarch.execution import Job, Result
from agentarch.search import session
from agentarch.search.state import RunState

TINY_FILE = Path(__file__).parent / "tiny.py"


class TableExecutor:
    """Answers every job at once, as a network would that looks at each token alone."""

    name = "made-up"

    def start(self) -> None:
        """Do nothing."""

    def run(self, job: Job) -> Result:
        """Return predictions looked up in a table that is drawn from a hash of the source."""
        rng = np.random.default_rng(list(hashlib.sha256(job.source.encode()).digest()))
        table = rng.normal(size=(256, job.questions[0].reply_shape[-1])).astype(np.float32)
        replies = tuple(table[question.inputs] for question in job.questions)
        claims = {"parameters": 1000 + 100 * int(rng.integers(256)), "recipe": None, "losses": [1.0]}
        return Result(Outcome.SCORED, replies=replies, claims=claims, cost=Cost(0.1, 0.1, 1))

    def close(self) -> None:
        """Do nothing."""


def make_run(folder: Path, base_url: str, **settings) -> None:
    """Make a small run whose designs a model at a URL writes; settings go over the usual ones."""
    usual = {
        "tasks": (str(TINY_FILE),),
        "evaluations": 60,
        "seed": 1,
        "workers": 1,
        "controls": False,
        "top_rung": 1,
        "proposer": META,
        "model": ("openai/scripted",),
        "base_url": (base_url,),
        "price": ("1,5",),
        "proposals_in_flight": 2,
    }
    session.create_run(RunConfig(**{**usual, **settings}), folder)


def drive(
    folder: Path,
    until: Callable[[RunState], bool] = lambda state: False,
    clock: Clock = session.REAL_TIME,
) -> str:
    """Drive a run, as `agentarch resume` does, to its end or until something is so; return why it ended."""
    with session.only_engine(folder), session.open_run(folder, check=True) as run:
        engine = session.make_engine(run, TableExecutor(), clock)

        def watch(state: RunState) -> None:
            if until(state):
                engine.stop("enough")

        return engine.run(watch, interval_seconds=0.01)
