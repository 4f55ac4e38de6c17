"""Seeds for data, models and order, all derived from one secret.

Without the secret nobody can tell which items a design will be scored on, even knowing the generator's
code and every public seed; with it, every array can be made again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets

KNOCKOUT_SEEDS = range(1_000_000, 2_000_000)
ROUTER_SEEDS = range(2_000_000, 3_000_000)
TRANSFER_SEEDS = range(3_000_000, 4_000_000)
"""Numbers of seeds for what is done with a finished run. A search counts its own from 0, so none of these ranges meet;
an index past the end of one raises."""


def new_secret() -> str:
    """Return a fresh secret, 32 hexadecimal digits."""
    return secrets.token_hex(16)


def derive_seed(secret: str, purpose: str, *parts: str | int) -> int:
    """Return a 63-bit seed for one purpose; seeds of different purposes tell nothing about each other.

    Args:
        secret: the run's secret; the empty string gives public, reproducible seeds.
        purpose: e.g. `"data"`, `"model"`.
        parts: what the seed is for, e.g. task, split, rung, seed number.
    """
    message = json.dumps([purpose, *parts]).encode()
    digest = hmac.new(secret.encode(), message, hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") >> 1
