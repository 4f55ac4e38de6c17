"""Trains one network with the frozen recipe in one box; predicts with what it learnt in another.

Runs in the design's own process, so nothing it says is believed: it reports, and the engine grades raw
predictions. The box that trains sees no scored input, and the box that predicts no training item: it builds the
network again from its source and is given what the other learnt, as bytes that the engine counted.
"""

import math
import types

import numpy as np
import torch
from inside import Refused
from learnt import Learnt, count
from torch import isfinite, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW
from wire import Channel

CURVE_POINTS = 32


def run(design: types.ModuleType, job: dict, arrays: dict[str, np.ndarray], channel: Channel) -> None:
    """Build, and do the part of the job that this box is for.

    Args:
        design: the loaded design; has `build`.
        job: `part`, `seed`, `spec`, and `recipe` with `steps`, `batch_size`, `in_order`, `learning_rate`,
            `weight_decay`, `betas`, `clip_norm`, `warmup_share`.
        arrays: to train, `train_inputs` and `train_labels`, as `agentarch.task.Data` describes them; to predict,
            `learnt`, bytes.
        channel: to the engine.

    Raises:
        Refused: the design broke its contract; the message is for its author.
    """
    torch.manual_seed(job["seed"])
    spec = _spec(job)
    network = design.build(_spec(job))  # one of its own, which it may write to
    if not isinstance(network, nn.Module):
        raise Refused(f"`build` returned {_name(network)}, expected a torch.nn.Module")
    if job["part"] == "train":
        channel.send(*_learn(network, design, spec, job, arrays, channel))
    else:
        Learnt(network).put(arrays["learnt"].tobytes())
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
    inputs = _inputs(arrays["train_inputs"])
    labels = torch.from_numpy(arrays["train_labels"].astype(np.int64))
    losses = train(network, trainable, inputs, labels, spec, job["recipe"], job["seed"])
    data = learnt.take()
    if count(data) > spec.max_parameters:
        raise Refused(
            f"learnt {count(data):,} values of 4 bytes, the buffers that training changed among them; "
            f"the task allows {spec.max_parameters:,} at this rung"
        )
    return {"type": "trained", "losses": losses, "bytes": len(data)}, data


def _answer(network: nn.Module, spec: types.SimpleNamespace, channel: Channel) -> None:
    """Answer `predict` messages until `end`."""
    network.eval()
    while True:
        message, given = channel.receive()
        if message["type"] == "end":
            return
        predictions = predict(network, _inputs(given["inputs"]), spec)
        channel.send({"type": "predicted"}, predictions.numpy().tobytes())


def train(
    network: nn.Module,
    trainable: list[nn.Parameter],
    inputs: torch.Tensor,
    labels: torch.Tensor,
    spec: types.SimpleNamespace,
    recipe: dict,
    seed: int,
) -> list[float]:
    """Minimise cross-entropy with AdamW, linear warm-up and linear decay, for a number of steps.

    Args:
        network: in training mode.
        trainable: the parameters that were counted; no others are trained.
        inputs: `(items, ...)`.
        labels: int64, `(items, length)` or `(items,)`.
        spec: of the task.
        recipe: as `run` describes it.
        seed: of the order of items.

    Returns:
        The training loss at up to `CURVE_POINTS` evenly spaced steps, the last one included. Empty for a
        network with nothing to train.

    Raises:
        Refused: a wrong output, or a loss that is not finite.
    """
    if not trainable:
        first = inputs[: recipe["batch_size"]]
        _check(network(first), first, spec)
        return []
    optimiser = AdamW(
        trainable,
        lr=recipe["learning_rate"],
        betas=tuple(recipe["betas"]),
        weight_decay=recipe["weight_decay"],
        fused=True,
    )
    steps, warmup = recipe["steps"], max(1, round(recipe["warmup_share"] * recipe["steps"]))
    order = _batches(len(inputs), recipe["batch_size"], None if recipe["in_order"] else seed)
    every = max(1, math.ceil(steps / CURVE_POINTS))
    losses = []
    for step in range(steps):
        rate = recipe["learning_rate"] * min((step + 1) / warmup, 1.0) * (1 - step / steps)
        for group in optimiser.param_groups:
            group["lr"] = rate
        chosen = next(order)
        batch = inputs[chosen]
        logits = _check(network(batch), batch, spec)
        loss = cross_entropy(logits.flatten(0, -2), labels[chosen].flatten())
        value = loss.item()
        if not math.isfinite(value):
            raise Refused(f"the training loss became {value} at step {step + 1} of {steps}")
        if loss.requires_grad:  # a constant output has nothing to learn
            optimiser.zero_grad()
            loss.backward()
            clip_grad_norm_(trainable, recipe["clip_norm"])
            optimiser.step()
        if (step + 1) % every == 0 or step + 1 == steps:
            losses.append(value)
    return losses


@torch.no_grad()
def predict(network: nn.Module, inputs: torch.Tensor, spec: types.SimpleNamespace) -> torch.Tensor:
    """Return float32 logits for `inputs`, `(batch, length, n_outputs)` or `(batch, n_outputs)`.

    Raises:
        Refused: a wrong shape, or values that are not finite.
    """
    logits = _check(network(inputs), inputs, spec).float().contiguous()
    if not isfinite(logits).all():
        raise Refused("predictions contain NaN or infinity")
    return logits


def _spec(job: dict) -> types.SimpleNamespace:
    return types.SimpleNamespace(**job["spec"] | {"input_shape": tuple(job["spec"]["input_shape"])})


def _check(logits: object, inputs: torch.Tensor, spec: types.SimpleNamespace) -> torch.Tensor:
    if not isinstance(logits, torch.Tensor):
        raise Refused(f"the network returned {_name(logits)}, expected a tensor")
    per_position = inputs.shape[:2] if spec.output == "per_position" else inputs.shape[:1]
    expected = (*per_position, spec.n_outputs)
    if tuple(logits.shape) != expected:
        raise Refused(
            f"the network returned shape {tuple(logits.shape)} for {tuple(inputs.shape)}, expected {expected}"
        )
    if not logits.is_floating_point():
        raise Refused(f"the network returned {logits.dtype}, expected floating-point logits")
    return logits


def _batches(items: int, batch_size: int, seed: int | None):
    """Yield the indices of full batches for ever; items that fill none wait for another pass.

    Args:
        items: how many there are.
        batch_size: how many are taken at once.
        seed: of a fresh order each pass; None to take them as they come.
    """
    generator = torch.Generator() if seed is None else torch.Generator().manual_seed(seed)
    while True:
        order = torch.arange(items) if seed is None else torch.randperm(items, generator=generator)
        for start in range(0, max(items - batch_size, 0) + 1, batch_size):
            yield order[start : start + batch_size]


def _inputs(array: np.ndarray) -> torch.Tensor:
    is_tokens = np.issubdtype(array.dtype, np.integer)
    return torch.from_numpy(array.astype(np.int64 if is_tokens else np.float32))


def _own_recipe(design: types.ModuleType) -> dict | None:
    """Return the design's optional `recipe()`, reduced to plain numbers, booleans and short strings."""
    if not callable(getattr(design, "recipe", None)):
        return None
    recipe = design.recipe()
    if not isinstance(recipe, dict):
        raise Refused(f"`recipe` returned {_name(recipe)}, expected a dict")
    plain = {str(key)[:64]: value for key, value in list(recipe.items())[:32]}
    return {
        key: value[:64] if isinstance(value, str) else value
        for key, value in plain.items()
        if isinstance(value, str) or (isinstance(value, bool | int | float) and math.isfinite(value))
    }


def _name(value: object) -> str:
    kind = type(value).__name__
    return "None" if value is None else f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"
