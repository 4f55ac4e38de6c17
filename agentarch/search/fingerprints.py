"""Which design of a run is most like a source; each design is looked at once."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from itertools import islice

from agentarch.design import Design
from agentarch.meta.similarity import KnownDesigns, fingerprint

MOST_AT_ONCE = 2_000
"""So many designs are looked at in one call, 10 to 20 ms each: after a resume there may be many thousands."""


class Fingerprints:
    """The fingerprints of one run's designs, for several threads at once.

    `notice` is quick, and for those that hold the lock of an engine; `nearest` is slow, and for those that do not.
    """

    def __init__(self) -> None:
        self._noticing, self._looking = threading.Lock(), threading.Lock()
        self._seen = 0
        self._waiting: list[Design] = []
        self._designs: dict[str, Design] = {}
        self._known = KnownDesigns()

    def notice(self, designs: Mapping[str, Design]) -> None:
        """Take in which designs a run has, by id, in the order they came: those before, and perhaps further ones."""
        with self._noticing:
            self._waiting += islice(designs.values(), self._seen, None)
            self._seen = len(designs)

    def nearest(self, source: str, but: str | None = None) -> tuple[Design, float] | None:
        """Return the most similar design noticed, with the similarity from 0 to 1; None where there is none.

        One call looks at no more than the latest `MOST_AT_ONCE` of those that no call before it has looked at; the
        older ones are left to the next calls, and are not found until then.

        Args:
            source: to compare with.
            but: the id of one that is not compared with.
        """
        own = fingerprint(source)
        with self._looking:
            with self._noticing:
                latest = self._waiting[-MOST_AT_ONCE:]
                del self._waiting[-MOST_AT_ONCE:]
            for design in latest:
                self._designs[design.id] = design
                self._known.add(design.id, fingerprint(design.source))
            found = self._known.nearest(own, but)
            return None if found is None else (self._designs[found[0]], found[1])
