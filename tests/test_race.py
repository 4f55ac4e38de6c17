import pytest

from agentarch.design import Design
from agentarch.evaluation import Score, ScoredDesign
from agentarch.qd import Archive, Axis
from agentarch.scoring import Variance, cells_score
from agentarch.search.arm import Arm
from agentarch.search.decision import Choice
from agentarch.search.race import LEADERS, MOST_SEEDS, Race, takes_niche

AXES = (Axis("size", 0, 100, bins=100),)
QUIET, LOUD = {"a": Variance(0.001**2, 50)}, {"a": Variance(0.3**2, 50)}


def scored(name, *by_rung, niche=0.0):
    """Make a design with the scores of each training seed at rungs 1, 2, and so on."""
    cells = {
        rung: {"a": {seed: Score(value, value - 0.01, value + 0.01, 99) for seed, value in enumerate(values)}}
        for rung, values in enumerate(by_rung, start=1)
    }
    scores = {rung: cells_score(found, {}) for rung, found in cells.items()}
    return ScoredDesign(Design(name, "network", name, ""), scores, {"size": niche}, cells)


class Fates:
    """What has become of evaluations: those that the designs of an arm have are done."""

    def __init__(self, *designs, pending=()):
        self.done = {
            (one.design.id, rung, seed)
            for one in designs
            for rung in one.cells
            for seed in one.cells[rung]["a"]
        }
        self.pending = set(pending)

    def __call__(self, request):
        key = (request.design_id, request.rung, request.seed)
        return "done" if key in self.done else "pending" if key in self.pending else "new"


def arm_of(*designs, noise=QUIET, evaluations=0):
    arm = Arm("search", Archive(AXES, lambda one, other: takes_niche(one, other, lambda rung: noise)))
    for number, one in enumerate(designs):
        arm.add(ScoredDesign(one.design, one.scores, {"size": float(number)}, one.cells))
        for rung in one.cells:
            arm.send_up(rung, one.design.id)
    arm.evaluations, arm.steps = evaluations, 10 * evaluations
    return arm


def decide(arm, fates, noise=QUIET, top=2):
    return Race(["a"], top).next(arm, lambda rung: noise, fates)


def asked(decision):
    return [(one.design_id, one.rung, one.seed) for one in decision.requests]


def test_the_best_of_four_climbs_when_it_is_surely_better_than_the_next():
    designs = [scored(name, [value]) for name, value in zip("wxyz", (0.1, 0.9, 0.5, 0.2), strict=True)]
    decision = decide(arm_of(*designs), Fates(*designs))
    assert decision.kind is Choice.CLIMB
    assert asked(decision) == [("x", 2, 0)]
    assert "one in 4 of 4" in decision.reason
    assert "surely better than y" in decision.reason


def test_nothing_climbs_from_a_rung_with_fewer_designs_than_one_of_which_climbs():
    designs = [scored(name, [0.5]) for name in "xyz"]
    assert decide(arm_of(*designs), Fates(*designs)) is None


def test_where_the_cut_is_close_the_two_beside_it_are_asked_again_with_the_same_seed():
    designs = [scored(name, [value]) for name, value in zip("wxyz", (0.1, 0.52, 0.5, 0.2), strict=True)]
    decision = decide(arm_of(*designs, noise=LOUD), Fates(*designs), LOUD)
    assert decision.kind is Choice.REPEAT
    assert asked(decision) == [("x", 1, 1), ("y", 1, 1)]
    assert "cannot be told from y" in decision.reason


def test_what_was_asked_is_waited_for_and_not_asked_twice():
    designs = [scored(name, [value]) for name, value in zip("wxyz", (0.1, 0.52, 0.5, 0.2), strict=True)]
    fates = Fates(*designs, pending=[("x", 1, 1), ("y", 1, 1)])
    assert decide(arm_of(*designs, noise=LOUD), fates, LOUD) is None


def test_when_all_seeds_are_spent_the_mean_decides():
    designs = [
        scored(name, [value] * MOST_SEEDS) for name, value in zip("wxyz", (0.1, 0.52, 0.5, 0.2), strict=True)
    ]
    decision = decide(arm_of(*designs, noise=LOUD), Fates(*designs), LOUD)
    assert decision.kind is Choice.CLIMB
    assert asked(decision) == [("x", 2, 0)]


def test_a_seed_that_our_own_fault_cost_does_not_hold_up_the_race():
    designs = [scored(name, [value]) for name, value in zip("wxyz", (0.1, 0.52, 0.5, 0.2), strict=True)]
    fates = Fates(*designs)
    fates.done |= {("x", 1, 1), ("y", 1, 1)}  # ended, and gave no score
    assert decide(arm_of(*designs, noise=LOUD), fates, LOUD).kind is Choice.CLIMB


def test_a_rung_on_which_nothing_has_learnt_sends_nobody_up():
    designs = [scored(name, [-0.1]) for name in "wxyz"]
    assert decide(arm_of(*designs), Fates(*designs)) is None


def test_a_late_comer_climbs_although_others_have_climbed_before_it():
    early = [scored("e", [0.5], [0.5]), *(scored(name, [0.1]) for name in "wxy")]
    late = scored("late", [0.9])
    designs = [*early, late, *(scored(name, [0.05]) for name in "uvt")]
    decision = decide(arm_of(*designs), Fates(*designs))
    assert asked(decision) == [("late", 2, 0)]


def test_leaders_of_a_filled_top_rung_get_all_seeds():
    designs = [scored(f"d{n}", [0.5], [0.1 * n]) for n in range(9)]
    decision = decide(arm_of(*designs), Fates(*designs))
    assert decision.kind is Choice.REPEAT
    assert asked(decision) == [("d8", 2, 1)]
    assert f"among the {LEADERS} best of the top rung" in decision.reason


def test_elites_are_asked_again_within_the_share_for_that_and_not_beyond():
    designs = [scored(name, [0.5]) for name in "xyz"]
    arm = arm_of(*designs, evaluations=30)
    assert decide(arm, Fates(*designs)).kind is Choice.RECHECK
    arm.recheck_steps = 10
    assert decide(arm, Fates(*designs)) is None


@pytest.mark.parametrize(
    ("challenger", "noise", "takes"),
    [
        ([0.6], QUIET, True),
        ([0.6], LOUD, False),
        ([0.4], QUIET, False),
        ([0.5], QUIET, False),
        ([0.52] * MOST_SEEDS, LOUD, True),
    ],
)
def test_a_niche_is_taken_on_evidence_or_when_all_seeds_are_spent(challenger, noise, takes):
    holder = scored("holder", [0.5] * len(challenger))
    archive = Archive(AXES, lambda one, other: takes_niche(one, other, lambda rung: noise))
    archive.add(holder)
    assert archive.add(scored("challenger", challenger)) is takes
    assert bool(archive.contested) is (not takes and challenger[0] > 0.5)


def test_a_niche_is_not_taken_by_what_has_not_climbed_as_high():
    archive = Archive(AXES, lambda one, other: takes_niche(one, other, lambda rung: QUIET))
    archive.add(scored("holder", [0.5], [0.6]))
    assert not archive.add(scored("challenger", [0.9]))
    assert archive.add(scored("challenger", [0.9], [0.8]))


def test_a_contested_niche_is_asked_about_first():
    holder, challenger = scored("holder", [0.5, 0.5]), scored("challenger", [0.55])
    arm = Arm("search", Archive(AXES, lambda one, other: takes_niche(one, other, lambda rung: LOUD)))
    for one in (holder, challenger):
        arm.add(one)
    arm.evaluations, arm.steps = 50, 500
    decision = decide(arm, Fates(holder, challenger), LOUD, top=1)
    assert asked(decision) == [("challenger", 1, 1)]
    assert "holds its niche, but not surely" in decision.reason
