"""The attacks of the threat list: what each design tries, which wall holds it, and how it would get through."""

from attacks.contract import BREACH, Attack
from attacks.escape import ESCAPE
from attacks.forging import ASKS, FORGING
from attacks.resources import RESOURCES

ELSEWHERE = {
    51: "test_execution.py::test_an_engine_that_is_killed_leaves_no_process",
    72: "test_attacks_on_models.py::test_no_design_spends_the_budget_of_another",
    73: "test_attacks_on_models.py::test_a_model_that_is_not_allowed_is_not_asked",
    75: "test_attacks_on_models.py::test_a_judge_is_swayed_only_by_an_answer_that_no_fence_holds",
}
"""Attacks that are no single network's: the test of each."""

CLASSES: dict[str, tuple[Attack, ...]] = {
    "resources": RESOURCES,
    "escape and theft": ESCAPE,
    "forging the score": FORGING,
}

__all__ = ["ASKS", "BREACH", "CLASSES", "ELSEWHERE", "Attack"]
