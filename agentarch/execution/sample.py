"""A job of a fraction of a second, for self-tests, conformance tests and benchmarks."""

from __future__ import annotations

import numpy as np

from agentarch.execution.contract import Job, Limits, Question

SYMBOLS, LENGTH = 6, 8


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
