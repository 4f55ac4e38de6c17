"""What training changed in a network, as plain bytes: all that goes from the box that trains to the one that predicts.

The bytes are those of the trainable parameters, one after the other; then, of the frozen parameters and persistent
buffers, those that are no longer as `build` made them, each led by its number. Nothing says what is what: the
box that reads them has built the same network.
"""

import math
import struct

import torch
from inside import Refused
from torch import nn

BYTES_A_VALUE = 4
_NUMBER = struct.Struct("<I")


def count(data: bytes) -> int:
    """Return how many values of 4 bytes these are."""
    return math.ceil(len(data) / BYTES_A_VALUE)


class Learnt:
    """Takes what a network learns out of it, or puts it into another that was built the same way.

    Args:
        network: as `build` made it.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._trainable = [name for name, one in _tensors(network).items() if one.requires_grad]
        self._others = {name: one for name, one in _bytes(network).items() if name not in self._trainable}

    def take(self) -> bytes:
        """Return what was learnt since.

        Raises:
            Refused: a tensor that was there has gone, or has another size.
        """
        now = _bytes(self._network)
        if missing := sorted({*self._trainable, *self._others} - now.keys()):
            raise Refused(f"lost its tensor `{missing[0][:80]}` while it was trained")
        pieces = [now[name] for name in self._trainable]
        for number, (name, before) in enumerate(self._others.items()):
            if len(now[name]) != len(before):
                raise Refused(f"the size of `{name[:80]}` changed in training; give it its size in `build`")
            if now[name] != before:
                pieces += [_NUMBER.pack(number), now[name]]
        return b"".join(pieces)

    @torch.no_grad()
    def put(self, data: bytes) -> None:
        """Set what another network learnt.

        Raises:
            Refused: it was built differently.
        """
        tensors, rest = _tensors(self._network), memoryview(data)
        others = list(self._others)

        def take(size: int) -> memoryview:
            nonlocal rest
            if size > len(rest):
                raise Refused("`build` made another network when it was called again")
            piece, rest = rest[:size], rest[size:]
            return piece

        def fill(tensor: torch.Tensor) -> None:
            if piece := bytearray(take(tensor.numel() * tensor.element_size())):
                tensor.copy_(torch.frombuffer(piece, dtype=tensor.dtype).reshape(tensor.shape))

        for name in self._trainable:
            fill(tensors[name])
        while rest:
            (number,) = _NUMBER.unpack(take(_NUMBER.size))
            if number >= len(others):
                raise Refused("`build` made another network when it was called again")
            fill(tensors[others[number]])


def _tensors(network: nn.Module) -> dict[str, torch.Tensor]:
    """Return parameters, then persistent buffers, by name, each once, whatever the design overrides."""
    found: dict[str, torch.Tensor] = dict(nn.Module.named_parameters(network))
    known = {id(one) for one in found.values()}
    for name, one in nn.Module.state_dict(network, keep_vars=True).items():
        if isinstance(one, torch.Tensor) and id(one) not in known:
            known.add(id(one))
            found[name] = one
    return found


def _bytes(network: nn.Module) -> dict[str, bytes]:
    return {
        name: one.detach().reshape(-1).view(torch.uint8).numpy().tobytes()
        for name, one in _tensors(network).items()
    }
