import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentarch.design import Design
from agentarch.evaluation import Score, ScoredDesign
from agentarch.qd import Archive, Axis, choose_inspirations, choose_parents, niche_of

AXES = (Axis("size", 1, 1000, bins=3, log=True), Axis("reach", 0, 1, bins=4))


def scored(name: str, values: dict[int, float], size: float = 5, reach: float = 0.1) -> ScoredDesign:
    scores = {rung: Score(value, value - 0.1, value + 0.1, 100) for rung, value in values.items()}
    return ScoredDesign(Design(name, "network", name, ""), scores, {"size": size, "reach": reach})


def holders(archive: Archive) -> set[str]:
    return {elite.design.id for elite in archive.elites.values()}


@pytest.mark.parametrize(
    ("value", "expected"), [(0.5, 0), (1, 0), (9.9, 0), (10.1, 1), (101, 2), (1000, 2), (5e6, 2)]
)
def test_bins_of_a_logarithmic_axis_are_even_in_the_exponent_and_closed_at_the_ends(value, expected):
    assert AXES[0].bin(value) == expected


def test_a_descriptor_that_is_not_a_number_is_refused():
    with pytest.raises(ValueError, match="'reach' is NaN"):
        niche_of({"size": 1, "reach": float("nan")}, AXES)


def test_a_niche_goes_to_the_better_design():
    archive = Archive(AXES)
    assert archive.add(scored("a", {1: 0.5}))
    assert not archive.add(scored("b", {1: 0.4}))
    assert archive.add(scored("c", {1: 0.6}))
    assert holders(archive) == {"c"}


def test_an_equal_score_does_not_take_a_niche():
    archive = Archive(AXES)
    archive.add(scored("a", {1: 0.5}))
    assert not archive.add(scored("b", {1: 0.5}))


def test_designs_in_other_niches_do_not_compete():
    archive = Archive(AXES)
    archive.add(scored("a", {1: 0.5}))
    assert archive.add(scored("b", {1: 0.1}, reach=0.9))
    assert archive.coverage == pytest.approx(2 / 12)
    assert archive.qd_score == pytest.approx(0.6)


def test_scores_below_the_baseline_take_nothing_from_the_qd_score():
    archive = Archive(AXES)
    archive.add(scored("a", {1: -0.3}))
    assert archive.qd_score == 0


def test_designs_are_compared_at_the_highest_rung_both_have_done():
    archive = Archive(AXES)
    archive.add(scored("climber", {1: 0.5, 2: 0.2}))
    assert not archive.add(scored("newcomer", {1: 0.4}))
    assert archive.add(scored("better", {1: 0.6}))


def test_an_elite_that_does_worse_higher_up_loses_its_niche_to_the_one_it_had_beaten():
    archive = Archive(AXES)
    archive.add(scored("lucky", {1: 0.5}))
    archive.add(scored("steady", {1: 0.4}))
    archive.add(scored("steady", {1: 0.4, 2: 0.6}))
    assert holders(archive) == {"lucky"}
    assert not archive.add(scored("lucky", {1: 0.5, 2: 0.2}))
    assert holders(archive) == {"steady"}


def test_the_best_design_is_the_best_of_those_that_climbed_highest():
    archive = Archive(AXES)
    archive.add(scored("easy", {1: 0.9}))
    archive.add(scored("hard", {1: 0.5, 2: 0.3}, reach=0.9))
    assert archive.best is not None
    assert archive.best.design.id == "hard"


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 1), st.floats(0, 1)), max_size=30))
def test_every_elite_is_unbeaten_in_its_niche(additions):
    archive, seen = Archive(AXES), {}
    for name, value, reach in additions:
        seen.setdefault(name, scored(name, {1: value}, reach=reach))
        archive.add(seen[name])
    for niche, elite in archive.elites.items():
        members = [one for one in seen.values() if niche_of(one.descriptors, AXES) == niche]
        assert not any(one.beats(elite) for one in members)


def test_parents_are_distinct_and_never_more_than_there_are():
    archive = Archive(AXES)
    assert choose_parents(archive, random.Random(0), 2) == ()
    archive.add(scored("a", {1: 0.5}))
    assert [p.design.id for p in choose_parents(archive, random.Random(0), 2)] == ["a"]


def test_parents_are_drawn_from_every_niche_and_more_often_from_the_fit():
    archive = Archive(AXES)
    for index in range(4):
        archive.add(scored(str(index), {1: index / 4}, reach=0.1 + index / 4))
    rng = random.Random(0)
    drawn = [choose_parents(archive, rng, 1)[0].design.id for _ in range(4000)]
    shares = [drawn.count(str(index)) / len(drawn) for index in range(4)]
    assert min(shares) == pytest.approx(0.5 / 4, abs=0.03)  # the worst is only ever drawn uniformly
    assert shares[3] == pytest.approx(
        0.5 / 4 + 0.5 * 3 / 4, abs=0.03
    )  # the best wins every tournament it enters


def test_inspirations_hold_the_best_design_and_none_of_the_parents():
    archive = Archive(AXES)
    for index in range(4):
        archive.add(scored(str(index), {1: index / 4}, reach=0.1 + index / 4))
    elites = {elite.design.id: elite for elite in archive.elites.values()}
    inspirations = choose_inspirations(archive, [elites["0"]], random.Random(0), 2)
    assert inspirations[0].design.id == "3"
    assert len({one.design.id for one in inspirations} - {"0"}) == 2
