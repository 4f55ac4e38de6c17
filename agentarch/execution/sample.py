"""A job and an interview of a fraction of a second, for self-tests, conformance tests and benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from agentarch.execution.contract import Interview, Job, Limits, Question, Tell

SYMBOLS, LENGTH = 6, 8


class Echo:
    """A desk at which every call is answered with its own prompt; see `agentarch.execution.contract.Desk`."""

    terms: Mapping[str, Any] = {"models": ["echo"], "calls": 100, "tokens": 10_000}

    def ask(self, question: int, wish: Mapping[str, Any], tell: Tell) -> None:
        """Answer at once."""
        tell({"type": "told", "id": wish["id"], "texts": [str(wish["prompt"])], "calls": 99, "tokens": 9_999})

    def leave(self, question: int) -> None:
        """Do nothing: no answer is ever waited for."""

    def again(self, question: int) -> None:
        """Do nothing: nothing is kept."""


def small_interview(source: str, limits: Limits | None = None) -> Interview:
    """Return an interview of two questions, in two boxes, at a desk that answers with what it is asked.

    Args:
        source: an agent design.
        limits: generous ones when None.
    """
    return Interview(
        source=source,
        questions=("one", "two"),
        sittings=(1, 1),
        in_flight=1,
        question_seconds=20.0,
        limits=limits or Limits(60.0),
        desk=Echo(),
    )


def small_job(source: str, seed: int = 0, limits: Limits | None = None) -> Job:
    """Return a job that trains a network for two steps on sixteen short sequences, and asks about them in two boxes.

    Args:
        source: a network design; it is given `(batch, 8)` tokens below 6 and owes logits `(batch, 8, 6)`.
        seed: of its initialisation and of the order of items.
        limits: generous ones when None.
    """
    tokens = np.random.default_rng(0).integers(0, SYMBOLS, (16, LENGTH), np.int16)
    spec = {
        "kind": "tokens",
        "input_shape": (LENGTH,),
        "vocab_size": SYMBOLS,
        "n_outputs": SYMBOLS,
        "output": "per_position",
        "causal": True,
        "max_parameters": 100_000,
    }
    recipe = {
        "learning_rate": 1e-3,
        "weight_decay": 0.0,
        "betas": (0.9, 0.98),
        "clip_norm": 1.0,
        "warmup_share": 0.1,
        "steps": 2,
        "batch_size": 8,
        "in_order": False,
    }
    return Job(
        kind="network",
        source=source,
        seed=seed,
        settings={"spec": spec, "recipe": recipe},
        arrays={"train_inputs": tokens, "train_labels": tokens},
        sittings=(
            (Question(tokens[:5], (5, LENGTH, SYMBOLS)),),
            (Question(tokens[5:7], (2, LENGTH, SYMBOLS)),),
        ),
        limits=limits or Limits(60.0),
    )
