"""Answers what is asked besides, in a box of its own: nothing said here bears on a score.

So whatever fails here is left unanswered. The training items come last, when every answer is out.
"""

import math
import types
from collections.abc import Callable

import numpy as np
import zero_cost
from outputs import as_inputs, as_labels, predict
from torch import nn
from wire import Channel


def survey(
    network: nn.Module, build: Callable[[], nn.Module], spec: types.SimpleNamespace, channel: Channel
) -> None:
    """Answer `predict` messages, by `skipped` where the network cannot, and `examine` messages, until `end`.

    Args:
        network: trained.
        build: makes an untrained one, each time the same.
        spec: of the task.
        channel: to the engine.
    """
    network.eval()
    while True:
        message, given = channel.receive()
        if message["type"] == "end":
            return
        if message["type"] == "examine":
            channel.send({"type": "examined", "measures": _examine(build, spec, given)})
            continue
        try:
            predictions = predict(network, as_inputs(given["inputs"]), spec)
        except Exception:
            channel.send({"type": "skipped"})
        else:
            channel.send({"type": "predicted"}, predictions.numpy().tobytes())


def _examine(
    build: Callable[[], nn.Module], spec: types.SimpleNamespace, given: dict[str, np.ndarray]
) -> dict[str, float]:
    """Measure untrained networks.

    Args:
        build: makes one; each measure has one of its own.
        spec: of the task.
        given: `inputs`, a batch like those that are scored; `train_inputs` and `train_labels`, one batch, when the
            zero-cost scores are wanted.

    Returns:
        What could be measured, by name; finite.
    """
    measures: dict[str, Callable[[nn.Module], float]] = {
        "flops_per_item": lambda network: zero_cost.flops_per_item(network, as_inputs(given["inputs"]))
    }
    if "train_inputs" in given:
        inputs, labels = as_inputs(given["train_inputs"]), as_labels(given["train_labels"])
        measures |= {
            "zero_cost_gradient_norm": lambda n: zero_cost.gradient_norm(n, inputs, labels, spec),
            "zero_cost_jacobian_covariance": lambda n: zero_cost.jacobian_covariance(n, inputs),
            "zero_cost_synflow": lambda n: zero_cost.synaptic_flow(n, spec),
        }
    found = {}
    for name, measure in measures.items():
        try:
            value = measure(build().train())
        except Exception:  # a network on which a measure is not defined has none
            continue
        if math.isfinite(value):
            found[name] = value
    return found
