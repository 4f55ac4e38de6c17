"""The operator `tune`: one number among a pipeline's settings moves to a near value."""

from __future__ import annotations

import ast
import math
import random

from agentarch.proposers.pipelines.definitions import Definition, replaced
from agentarch.proposers.pipelines.edits import Edit, Library, Material

MOST_OF_A_COUNT = 16
"""No count of calls, rounds or parts is raised beyond this."""

MOST_OF_A_SIZE = 2_000
"""No number that is larger than any count is raised beyond this."""

MOST_TEMPERATURE = 1.6


def tune(parent: Material, library: Library, rng: random.Random) -> Edit | None:
    """Move one number: a count by one or by a factor of two, a temperature by 0.2, another fraction by a half."""
    choices = [
        (one, value)
        for one in parent.pipeline.definitions
        if (number := number_of(one)) is not None
        for value in near_values(one.name, number)
    ]
    if not choices:
        return None
    setting, value = rng.choice(choices)
    assert setting.value is not None
    changed = replaced(setting, setting.value, setting.value, repr(value))
    account = f"changing {setting.name} from {number_of(setting)} to {value}"
    return Edit(parent.pipeline.with_changed(setting, changed), account, (parent.name, "tune"))


def number_of(definition: Definition) -> int | float | None:
    """Return the number that a constant is; None for anything else."""
    value = definition.value.value if isinstance(definition.value, ast.Constant) else None
    is_setting = isinstance(value, int | float) and not isinstance(value, bool) and definition.name.isupper()
    return value if is_setting and len(definition.binds) == 1 else None  # type: ignore[return-value]


def near_values(name: str, value: int | float) -> tuple[int | float, ...]:
    """Return values that a setting of this name may move to, in order; none for what is out of all bounds."""
    near: set[int | float]
    if isinstance(value, float):
        if not math.isfinite(value) or not 0 <= value < MOST_OF_A_SIZE:
            return ()
        if "TEMPERATURE" in name:
            near = {round(value + step, 2) for step in (-0.2, 0.2)}
            return tuple(sorted(one for one in near if 0 <= one <= MOST_TEMPERATURE))
        near = {float(f"{value * factor:.3g}") for factor in (0.5, 1.5)}
    elif value > MOST_OF_A_COUNT:
        near = {value * 2 // 3, value * 3 // 2}
        return tuple(sorted(one for one in near if one <= MOST_OF_A_SIZE))
    elif value >= 1:
        near = {value - 1, value + 1, value // 2, value * 2}
        near = {one for one in near if 1 <= one <= MOST_OF_A_COUNT}
    else:
        near = {1} if value == 0 else set()
    return tuple(sorted(near - {value}))
