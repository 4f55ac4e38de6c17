"""Chooses among operators and among models by what each has gained for its cost, and still tries the others.

Pure, and deterministic in the source of chance. An operator earns a gain when its child fills or improves a niche, as
in the prompt archive of LLMatic (Nasir et al. 2024).
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

from agentarch.errors import AgentarchError

MEMORY = 100
"""Trials of an arm that count, the last ones: gains grow rarer as an archive fills, for some arms sooner."""

_CHEAPEST = 1e-3  # of the dearest arm; so that one that costs nothing does not win whatever it gains


def choose(
    arms: Sequence[str],
    gains: Mapping[str, Sequence[float]],
    costs: Mapping[str, Sequence[float]],
    rng: random.Random,
) -> str:
    """Choose an arm by Thompson sampling of its gain per cost.

    Each arm's mean gain is drawn from what its trials leave possible, a beta distribution over gains in [0, 1] that
    begins uniform, and divided by its mean cost; the highest draw is chosen. So an arm without trials is tried soon,
    and several choices may be made before any outcome is known. Thompson 1933; with gains between 0 and 1, Agrawal &
    Goyal 2012; per cost, Xia et al. 2015, "Thompson Sampling for Budgeted Multi-Armed Bandits".

    Args:
        arms: to choose from, at least one, each once.
        gains: of each arm's settled trials, oldest first, each in [0, 1]; others are clipped.
        costs: of each arm's settled trials, each 0 or more, e.g. in dollars, or 1 for operators. An arm without any
            is taken to cost what the others do on average.
        rng: the only source of chance.

    Raises:
        AgentarchError: there is no arm.
    """
    if not arms:
        raise AgentarchError("nothing to choose from: expected at least one operator or model")
    means = {arm: _mean(costs.get(arm, ())[-MEMORY:]) for arm in arms}
    known = [mean for mean in means.values() if mean is not None]
    usual = math.fsum(known) / len(known) if known else 1.0
    dearest = max([*known, usual]) or 1.0
    best, highest = arms[0], -1.0
    for arm in arms:
        settled = [min(max(gain, 0.0), 1.0) for gain in gains.get(arm, ())[-MEMORY:] if not math.isnan(gain)]
        won = math.fsum(settled)
        mean = means[arm]
        cost = max(usual if mean is None else mean, _CHEAPEST * dearest)
        draw = rng.betavariate(1 + won, 1 + len(settled) - won) / cost
        if draw > highest:
            best, highest = arm, draw
    return best


def _mean(values: Sequence[float]) -> float | None:
    finite = [max(value, 0.0) for value in values if math.isfinite(value)]
    return math.fsum(finite) / len(finite) if finite else None
