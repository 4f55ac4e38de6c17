"""Trains one network with the frozen recipe."""

import math
import types
from collections.abc import Iterator

import torch
from inside import Refused
from outputs import checked, loss_of
from stopping import Course
from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW

CURVE_POINTS = 32


def train(
    network: nn.Module,
    trainable: list[nn.Parameter],
    inputs: torch.Tensor,
    labels: torch.Tensor,
    spec: types.SimpleNamespace,
    recipe: dict,
    seed: int,
) -> tuple[list[float], int | None]:
    """Minimise cross-entropy with AdamW, linear warm-up and linear decay, for a number of steps.

    Args:
        network: in training mode.
        trainable: the parameters that were counted; no others are trained.
        inputs: `(items, ...)`.
        labels: int64, `(items, length)` or `(items,)`.
        spec: of the task.
        recipe: as `network.run` describes it.
        seed: of the order of items.

    Returns:
        The training loss at up to `CURVE_POINTS` evenly spaced steps, the last one included; empty for a
        network with nothing to train. And how many steps were done, when it was stopped because it learnt nothing.

    Raises:
        Refused: a wrong output, a loss that is not finite, or one that has diverged.
    """
    if not trainable:
        first = inputs[: recipe["batch_size"]]
        checked(network(first), first, spec)
        return [], None
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
    course = Course(steps, spec.n_outputs)
    losses = []
    for step in range(steps):
        rate = recipe["learning_rate"] * min((step + 1) / warmup, 1.0) * (1 - step / steps)
        for group in optimiser.param_groups:
            group["lr"] = rate
        chosen = next(order)
        loss = loss_of(network, inputs[chosen], labels[chosen], spec)
        value, gradient_norm = loss.item(), 0.0
        if not math.isfinite(value):
            raise Refused(f"the training loss became {value} at step {step + 1} of {steps}")
        if loss.requires_grad:  # a constant output has nothing to learn
            optimiser.zero_grad()
            loss.backward()
            gradient_norm = clip_grad_norm_(trainable, recipe["clip_norm"]).item()
            optimiser.step()
        is_flat = course.is_flat(step, value, gradient_norm)
        if (step + 1) % every == 0 or step + 1 == steps or is_flat:
            losses.append(value)
        if is_flat:
            return losses, step + 1
    return losses, None


def _batches(items: int, batch_size: int, seed: int | None) -> Iterator[torch.Tensor]:
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
