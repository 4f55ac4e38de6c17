"""The attacks of the threat list: what each design tries, which wall holds it, and how it would get through."""

from attacks.contract import BREACH, Attack
from attacks.escape import ESCAPE
from attacks.forging import ASKS, FORGING, LATER
from attacks.resources import RESOURCES

CLASSES: dict[str, tuple[Attack, ...]] = {
    "resources": RESOURCES,
    "escape and theft": ESCAPE,
    "forging the score": FORGING,
}

__all__ = ["ASKS", "BREACH", "CLASSES", "LATER", "Attack"]
