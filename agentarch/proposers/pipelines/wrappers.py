"""What can be put around a pipeline: the files in `texts`, each a design with sockets, and what they share."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from agentarch.proposers.pipelines.composing import pruned
from agentarch.proposers.pipelines.reading import Pipeline, read_pipeline

WRAPPERS = ("vote", "verify", "retry", "refine", "rephrase")
"""Those with one socket `attempt`, for the pipeline that they are put around."""

_FOLDER = Path(__file__).parent / "texts"


@cache
def shipped(name: str) -> Pipeline:
    """Return a pipeline of the folder `texts` by name, with what it needs of `shared.py.txt`."""
    return pruned(stock(name))


@cache
def stock(name: str) -> Pipeline:
    """Return all that a file of the folder `texts` defines, and all of `shared.py.txt`, needed or not."""
    own, shared = ((_FOLDER / f"{one}.py.txt").read_text(encoding="utf-8") for one in (name, "shared"))
    both = read_pipeline(f"{own}\n\n{shared}")
    return both.with_definitions(
        sorted(both.definitions, key=lambda one: one.value is None)
    )  # constants first
