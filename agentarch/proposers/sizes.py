"""Which numbers a size may be changed to, so that what is built from them still fits together.

Widths are multiples of 16 and heads at most 8, so heads divide every width into an even number of channels.
"""

from __future__ import annotations

import math
import re

WIDTHS = tuple(range(32, 129, 16))
"""What `WIDTH` may be changed to."""

MAX_SIZE = 64
"""No whole number in a design is raised beyond this."""

_MAX_VALUE = 1_000_000
_HEADS = (1, 2, 4, 8)
_REPEATS = re.compile("step|loop|time|iter|update|repeat|expan|depth|round", re.IGNORECASE)
_WIDTHS = re.compile("width|dim|hidden|channel|embed|model", re.IGNORECASE)
_MAX_REPEATS = 4  # what multiplies the work of a part


def near_widths(width: int) -> tuple[int, ...]:
    """Return the widths one or two steps from the present one."""
    return tuple(one for one in WIDTHS if one != width and abs(one - width) <= 32) or (WIDTHS[0], WIDTHS[-1])


def near_values(name: str, value: int | float) -> tuple[int | float, ...]:
    """Return values near the present one that a size of this name can take; may be empty.

    A power of two moves to its neighbours or half-way up, an odd number stays odd, a fraction stays one.
    """
    if isinstance(value, float):
        return _near_reals(value)
    if not 1 <= value <= _MAX_VALUE:
        return ()
    if re.search("head|group", name, re.IGNORECASE):
        return tuple(one for one in _HEADS if one in (value // 2, value * 2) and one != value)
    if _WIDTHS.search(name):  # small ones are axes, not widths
        return tuple(one for one in (value - 16, value + 16) if one >= WIDTHS[0] and value >= WIDTHS[0])
    least = 2 if "kernel" in name.lower() else 1
    most = max(value - 1, _MAX_REPEATS if _REPEATS.search(name) else MAX_SIZE)
    if value & (value - 1) == 0:
        near = {value // 2, value * 3 // 2, value * 2}
    else:
        near = {value - 2, value + 2} if value % 2 else {value * 2 // 3, value * 4 // 3}
    return tuple(sorted(one for one in near if least <= one <= most and one != value))


def _near_reals(value: float) -> tuple[float, ...]:
    if not math.isfinite(value) or value <= 0 or not 1e-6 < value < 1e6:
        return ()
    near = {float(f"{value * factor:.3g}") for factor in (0.5, 0.75, 1.5, 2)}
    return tuple(sorted(one for one in near if (one < 1 or value >= 1) and one != value))
