"""Whether a task leaves room to find something better: a search on one that is solved, or hopeless, finds noise."""

from __future__ import annotations

import math
from collections.abc import Mapping

LOWEST, HIGHEST = 0.2, 0.8
"""Where the best of what is known should lie on a task, of a score that is 0 at chance and 1 when perfect."""


def headroom(scores: Mapping[str, float]) -> str:
    """Return a warning unless the best score leaves room above and stands clear of chance, or an empty text.

    Args:
        scores: of designs that are known, by name, e.g. of the seed designs; those that are not finite do not count.
    """
    finite = {name: value for name, value in scores.items() if math.isfinite(value)}
    if not finite:
        return "nothing has been scored on this task yet, so nobody knows whether it tells designs apart"
    best = max(finite, key=lambda name: finite[name])
    value = finite[best]
    if value < LOWEST:
        return (
            f"the best known design, {best}, scores {value:.2f}, next to chance: what is found here may be noise; "
            "take a lower rung, an easier task or a stronger model"
        )
    if value > HIGHEST:
        return (
            f"the best known design, {best}, scores {value:.2f} already: little is left to be found; take a higher "
            "rung, a harder task or a weaker model"
        )
    return ""
