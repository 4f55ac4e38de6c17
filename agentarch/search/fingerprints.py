"""Which design of a run is most like a source; each design is looked at once."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from agentarch.design import Design
from agentarch.meta.similarity import KnownDesigns, fingerprint

MOST_KEPT = 20_000

_fingerprint = functools.lru_cache(MOST_KEPT)(fingerprint)


class Fingerprints:
    """The fingerprints of a run's designs. Not safe for use from several threads at once."""

    def __init__(self) -> None:
        self._known = KnownDesigns()
        self._taken: set[str] = set()

    def nearest(
        self, source: str, designs: Mapping[str, Design], but: str | None = None
    ) -> tuple[Design, float] | None:
        """Return the most similar design with the similarity, from 0 to 1; None where there is none.

        Args:
            source: to compare with.
            designs: of the run, by id; those that are new are taken in.
            but: the id of one that is not, and never will be, compared with.
        """
        for name, design in designs.items():
            if name not in self._taken and name != but:
                self._taken.add(name)
                self._known.add(name, _fingerprint(design.source))
        found = self._known.nearest(fingerprint(source))
        return None if found is None else (designs[found[0]], found[1])
