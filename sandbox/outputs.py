"""What a network is given and what it returns: the one place where a wrong output is found and told to its author."""

import types

import numpy as np
import torch
from inside import Refused
from torch import isfinite, nn
from torch.nn.functional import cross_entropy


def as_inputs(array: np.ndarray) -> torch.Tensor:
    """Return int64 for an array of integers, float32 for any other."""
    is_tokens = np.issubdtype(array.dtype, np.integer)
    return torch.from_numpy(array.astype(np.int64 if is_tokens else np.float32))


def as_labels(array: np.ndarray) -> torch.Tensor:
    """Return int64."""
    return torch.from_numpy(array.astype(np.int64))


@torch.no_grad()
def predict(network: nn.Module, inputs: torch.Tensor, spec: types.SimpleNamespace) -> torch.Tensor:
    """Return float32 logits for `inputs`, `(batch, length, n_outputs)` or `(batch, n_outputs)`.

    Raises:
        Refused: a wrong shape, or values that are not finite.
    """
    logits = checked(network(inputs), inputs, spec).detach().float().contiguous()
    if not isfinite(logits).all():
        raise Refused("predictions contain NaN or infinity")
    return logits


def loss_of(
    network: nn.Module, inputs: torch.Tensor, labels: torch.Tensor, spec: types.SimpleNamespace
) -> torch.Tensor:
    """Return the mean cross-entropy of a batch, in nats.

    Raises:
        Refused: a wrong output.
    """
    logits = checked(network(inputs), inputs, spec)
    return cross_entropy(logits.flatten(0, -2), labels.flatten())


def checked(logits: object, inputs: torch.Tensor, spec: types.SimpleNamespace) -> torch.Tensor:
    """Return what a network returned, once it is known to be logits.

    Raises:
        Refused: it is no tensor, or one of another shape or type.
    """
    if not isinstance(logits, torch.Tensor):
        raise Refused(f"the network returned {kind_of(logits)}, expected a tensor")
    per_position = inputs.shape[:2] if spec.output == "per_position" else inputs.shape[:1]
    expected = (*per_position, spec.n_outputs)
    if tuple(logits.shape) != expected:
        raise Refused(
            f"the network returned shape {tuple(logits.shape)} for {tuple(inputs.shape)}, expected {expected}"
        )
    if not logits.is_floating_point():
        raise Refused(f"the network returned {logits.dtype}, expected floating-point logits")
    return logits


def kind_of(value: object) -> str:
    """Return the name of a value's type, with its article."""
    kind = type(value).__name__
    return "None" if value is None else f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"
