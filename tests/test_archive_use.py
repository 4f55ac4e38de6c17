"""What runs can tell of showing models the parents that the archive chose, and what they cannot."""

import random

from agentarch.search.archive_use import ArchiveUse, Mean, compare, in_words


def use(placebo, gained, tried):
    gains = tuple([True] * gained + [False] * (tried - gained))
    return ArchiveUse(placebo, tried, None, None, None, None, gains, Mean(0.0, 0.0, 0.0, tried), None, None)


def mixed(placebo, rng, share, tried=20):
    gains = tuple(rng.random() < share for _ in range(tried))
    return ArchiveUse(placebo, tried, None, None, None, None, gains, None, None, None)


def test_a_clear_difference_over_several_runs_is_told_either_way():
    good, bad = [use("chosen", 28, 30)] * 3, [use("none", 2, 30)] * 3
    (found,) = compare([*good, *bad])
    assert found.sentence.startswith("Showing the chosen parents helped against no parents: ")
    (found,) = compare([use("chosen", 2, 30)] * 3 + [use("none", 28, 30)] * 3)
    assert found.sentence.startswith("Showing the chosen parents did harm against no parents: ")


def test_one_run_of_each_tells_nothing_however_far_apart_they_are():
    (found,) = compare([use("chosen", 30, 30), use("shuffled", 0, 30)])
    assert found.difference.low > 0
    assert "cannot be told" in found.sentence
    assert "how much runs differ by themselves" in found.sentence


def test_a_difference_that_may_be_none_is_not_told():
    (found,) = compare([use("chosen", 6, 10), use("chosen", 5, 10), use("none", 5, 10), use("none", 4, 10)])
    assert found.difference.low < 0 < found.difference.high
    assert "cannot be told" in found.sentence
    assert "includes 0" in found.sentence


def test_only_as_many_first_proposals_count_as_every_run_has():
    (found,) = compare([use("chosen", 10, 25), use("none", 5, 5)])
    assert found.difference.value == 0.0
    assert "over the first 5 proposals" in found.sentence


def test_runs_that_differ_among_themselves_widen_the_interval():
    (alike,) = compare([use("chosen", 10, 20)] * 2 + [use("none", 10, 20)] * 2)
    (unlike,) = compare(
        [use("chosen", 20, 20), use("chosen", 0, 20), use("none", 20, 20), use("none", 0, 20)]
    )
    assert unlike.difference.high > alike.difference.high


def test_no_difference_is_declared_where_there_is_none_more_often_than_said():
    rng, declared = random.Random(3), 0
    for _ in range(400):
        kinds = ["chosen"] * 3 + ["none"] * 3
        (found,) = compare([mixed(kind, rng, rng.betavariate(4, 4)) for kind in kinds])
        declared += not found.sentence.startswith("Whether")
    assert declared <= 0.06 * 400


def test_without_a_run_to_compare_with_it_is_said_what_is_lacking():
    assert "--placebo shuffled, named with --beside" in in_words([use("chosen", 1, 2)], [])
    assert "no placebo, named with --beside" in in_words([use("none", 1, 2)], [])
    (found,) = compare([use("chosen", 0, 0), use("none", 1, 2)])
    assert found.difference is None
    assert "cannot be told" in found.sentence
