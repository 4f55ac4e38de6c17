"""Runs one network's part of a job: training in one box, predicting in others, and a survey in the last.

Runs in the design's own process, so nothing it says is believed: it reports, and the engine grades raw
predictions. The box that trains sees no scored input, and a box that predicts for a score no training item: it builds
the network again from its source and is given what the other learnt, as bytes that the engine counted.
"""

import math
import types

import numpy as np
import torch
from inside import Refused
from learnt import Learnt, count
from outputs import as_inputs, as_labels, kind_of, predict
from survey import survey
from torch import nn
from training import train
from wire import Channel


def run(design: types.ModuleType, job: dict, arrays: dict[str, np.ndarray], channel: Channel) -> None:
    """Build, and do the part of the job that this box is for.

    Args:
        design: the loaded design; has `build`.
        job: `part` (`train`, `predict` or `survey`), `seed`, `spec`, and `recipe` with `steps`, `batch_size`,
            `in_order`, `learning_rate`, `weight_decay`, `betas`, `clip_norm`, `warmup_share`.
        arrays: to train, `train_inputs` and `train_labels`, as `agentarch.task.Data` describes them; to predict,
            `learnt`, bytes.
        channel: to the engine.

    Raises:
        Refused: the design broke its contract; the message is for its author.
    """
    spec = _spec(job)

    def build() -> nn.Module:
        torch.manual_seed(job["seed"])
        return design.build(_spec(job))  # one of its own, which it may write to

    network = build()
    if not isinstance(network, nn.Module):
        raise Refused(f"`build` returned {kind_of(network)}, expected a torch.nn.Module")
    if job["part"] == "train":
        channel.send(*_learn(network, design, spec, job, arrays, channel))
        return
    Learnt(network).put(arrays["learnt"].tobytes())
    if job["part"] == "survey":
        survey(network, build, spec, channel)
    else:
        _answer(network, spec, channel)


def _learn(
    network: nn.Module,
    design: types.ModuleType,
    spec: types.SimpleNamespace,
    job: dict,
    arrays: dict[str, np.ndarray],
    channel: Channel,
) -> tuple[dict, bytes]:
    """Say what was built, train it, and return the message that says what it learnt."""
    network.train()
    trainable = [p for p in nn.Module.parameters(network) if p.requires_grad]
    parameters = sum(map(torch.Tensor.numel, trainable))  # as torch counts, whatever the design overrides
    channel.send({"type": "built", "parameters": parameters, "recipe": _own_recipe(design)})
    if parameters > spec.max_parameters:
        raise Refused(f"has {parameters:,} parameters; the task allows {spec.max_parameters:,} at this rung")

    learnt = Learnt(network)
    inputs, labels = as_inputs(arrays["train_inputs"]), as_labels(arrays["train_labels"])
    losses, stopped_at_step = train(network, trainable, inputs, labels, spec, job["recipe"], job["seed"])
    data = learnt.take()
    if count(data) > spec.max_parameters:
        raise Refused(
            f"learnt {count(data):,} values of 4 bytes, the buffers that training changed among them; "
            f"the task allows {spec.max_parameters:,} at this rung"
        )
    return {
        "type": "trained",
        "losses": losses,
        "stopped_at_step": stopped_at_step,
        "bytes": len(data),
    }, data


def _answer(network: nn.Module, spec: types.SimpleNamespace, channel: Channel) -> None:
    """Answer `predict` messages until `end`."""
    network.eval()
    while True:
        message, given = channel.receive()
        if message["type"] == "end":
            return
        predictions = predict(network, as_inputs(given["inputs"]), spec)
        channel.send({"type": "predicted"}, predictions.numpy().tobytes())


def _spec(job: dict) -> types.SimpleNamespace:
    return types.SimpleNamespace(**job["spec"] | {"input_shape": tuple(job["spec"]["input_shape"])})


def _own_recipe(design: types.ModuleType) -> dict | None:
    """Return the design's optional `recipe()`, reduced to plain numbers, booleans and short strings."""
    if not callable(getattr(design, "recipe", None)):
        return None
    recipe = design.recipe()
    if not isinstance(recipe, dict):
        raise Refused(f"`recipe` returned {kind_of(recipe)}, expected a dict")
    plain = {str(key)[:64]: value for key, value in list(recipe.items())[:32]}
    return {
        key: value[:64] if isinstance(value, str) else value
        for key, value in plain.items()
        if isinstance(value, str) or (isinstance(value, bool | int | float) and math.isfinite(value))
    }
