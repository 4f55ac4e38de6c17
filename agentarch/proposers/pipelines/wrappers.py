"""What can be put around a pipeline: the files in `wrappers`, each a design with sockets, and what they share."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from agentarch.proposers.pipelines.composing import pruned
from agentarch.proposers.pipelines.reading import Pipeline, read_pipeline

WRAPPERS = ("vote", "verify", "retry", "refine", "rephrase")
"""Those with one socket `attempt`, for the pipeline that they are put around."""

_FOLDER = Path(__file__).parent / "wrappers"


@cache
def shipped(name: str) -> Pipeline:
    """Return a pipeline of the folder `wrappers` by name, with what it needs of `shared.py.txt`."""
    return with_shared((_FOLDER / f"{name}.py.txt").read_text(encoding="utf-8"))


def with_shared(source: str) -> Pipeline:
    """Return a pipeline from a source and those definitions of `shared.py.txt` that it mentions."""
    shared = (_FOLDER / "shared.py.txt").read_text(encoding="utf-8")
    return pruned(read_pipeline(f"{source}\n\n{shared}"))
