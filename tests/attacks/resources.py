"""Being filled."""

from attacks.contract import Attack

RESOURCES: tuple[Attack, ...] = ()
