"""Gives the names of a world to one another anew for each question, so that answers cannot be carried over.

A salt is a permutation within each type; only who has the key can undo it. Knows names, no language and no model.
"""

from __future__ import annotations

import hashlib
import re

import numpy as np

from agentarch.embedded.world import World

_WORD = re.compile(r"[^\W\d_]+")


class Salt:
    """The names that are shown in place of real ones.

    Args:
        world: whose names they are.
        key: of the permutation; with the empty one, names are shown as they are.
    """

    def __init__(self, world: World, key: bytes) -> None:
        self._shown: dict[str, str] = {}
        self._real: dict[str, str] = {}
        for kind, names in world.names.items():
            order = range(len(names)) if not key else _order(f"{world.name} {kind}".encode(), key, len(names))
            for real, place in zip(names, order, strict=True):
                shown = names[place]
                self._shown[real] = world.written(shown)
                self._real[shown] = world.written(real)

    def shown(self, text: str) -> str:
        """Return a text with real names replaced by shown ones, word by word."""
        return _WORD.sub(lambda found: self._shown.get(found.group().lower(), found.group()), text)

    def real(self, text: str) -> str:
        """Return a text with shown names replaced by real ones, word by word."""
        return _WORD.sub(lambda found: self._real.get(found.group().lower(), found.group()), text)


def _order(purpose: bytes, key: bytes, size: int) -> list[int]:
    """Return a permutation that follows from a key, the same on every machine."""
    digest = hashlib.shake_256(len(key).to_bytes(4, "big") + key + purpose).digest(8 * size)
    return [int(place) for place in np.argsort(np.frombuffer(digest, dtype=">u8"), kind="stable")]
