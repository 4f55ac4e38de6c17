"""Being filled."""

from attacks.contract import Attack

FORGING: tuple[Attack, ...] = ()
