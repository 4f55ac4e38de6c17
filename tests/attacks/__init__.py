"""The attacks of the threat list: what each design tries, which wall holds it, and how it would get through."""

from attacks.contract import BREACH, Attack
from attacks.escape import ESCAPE
from attacks.forging import ASKS, FORGING, LATER
from attacks.resources import RESOURCES

ELSEWHERE = {51: "test_execution.py::test_an_engine_that_is_killed_leaves_no_process"}
"""Attacks that are no single design's: the test of each."""

CLASSES: dict[str, tuple[Attack, ...]] = {
    "resources": RESOURCES,
    "escape and theft": ESCAPE,
    "forging the score": FORGING,
}

__all__ = ["ASKS", "BREACH", "CLASSES", "ELSEWHERE", "LATER", "Attack"]
