"""A router sends each question where it is worth its tokens, and says plainly when that brings nothing."""

from dataclasses import replace

import numpy as np
import pytest
from support.routers import RELATIONS, agreeing, judged, planted, questions

from agentarch.search.routing.cascades import MOST_CASCADES, Cascade, best_cascades, with_cascades
from agentarch.search.routing.choosing import choose, features
from agentarch.search.routing.fitting import Answers, NothingToRoute, fit, telling_words
from agentarch.search.routing.judging import front_of
from agentarch.search.routing.route import told

NAMES = {"cheap": "cheap", "dear": "dear", "middling": "middling"}


def test_it_keeps_95_percent_of_the_best_for_60_percent_of_its_tokens_where_questions_tell():
    kept, shares = [], []
    for seed in range(6):
        found, policy = judged(planted(10 * seed, 300), planted(10 * seed + 5, 400))
        kept.append(found.kept)
        shares.append(found.token_share)
        assert found.best == "dear"
        assert found.helps
        assert found.against_mixture.low > 0
        assert "surely" not in told(found, NAMES)
        assert set(policy.designs) <= {"cheap", "middling", "dear"}
    assert np.mean([value for value, _, _ in kept]) >= 0.95
    assert all(high >= 0.95 for _, _, high in kept)
    assert np.mean(shares) <= 0.6


def test_it_says_so_when_questions_do_not_tell_which_pipeline_they_need():
    helped = []
    for seed in range(10):
        found, _ = judged(planted(10 * seed, 300, False), planted(10 * seed + 5, 400, False), keep=0.85)
        helped.append(found.helps)
        if not found.helps:
            sentence = told(found, NAMES)
            assert "not surely more" in sentence or "does not help" in sentence
    assert sum(helped) <= 1  # of 10 intervals, 2.5% lie above by chance


def test_where_no_price_keeps_enough_the_best_is_always_asked():
    found, policy = judged(planted(0, 300, False), planted(5, 400, False), keep=0.999)
    assert policy.designs == ("dear",)
    assert found.kept[0] == 1
    assert found.token_share == 1
    assert not found.helps
    assert "routing does not help here" in told(found, NAMES)


def test_one_cheap_pipeline_that_is_as_good_is_asked_alone_and_called_no_router():
    plain, others = planted(0, 300), planted(5, 400)
    found, policy = judged(
        replace(plain, scores=plain.scores[[2, 1, 2]]), replace(others, scores=others.scores[[2, 1, 2]])
    )
    assert policy.designs == ("cheap",)
    assert found.best == "cheap"
    scores = plain.scores[[2, 1, 2]]
    scores[0, :2] = 0.0  # by a little worse than the best
    found, policy = judged(replace(plain, scores=scores), replace(others, scores=others.scores[[2, 1, 2]]))
    assert (found.best, policy.designs) == ("dear", ("cheap",))
    assert "cheap alone keeps" in told(found, NAMES)


def cascading(fitting, held_out):
    cascades = best_cascades(fitting)
    return cascades, *judged(*(with_cascades(one, cascades) for one in (fitting, held_out)))


def test_where_no_word_tells_it_asks_the_dear_pipeline_when_cheap_ones_differ():
    cascades, found, policy = cascading(agreeing(1, 400), agreeing(2, 400))
    assert Cascade("one", "other", "dear") in cascades
    assert policy.designs == ("one+other/dear",)
    assert found.kept[0] >= 0.95
    assert found.token_share <= 0.6
    assert found.helps
    assert found.best == "dear"
    assert {one.name for one in found.singles} == {"one", "other", "dear"}
    names = {one: one for one in ("one", "other", "dear")}
    names |= {one.id: one.told(names) for one in cascades}
    assert told(found, names).startswith("Asking one and other, and dear where they differ keeps ")
    unsure = replace(found, against_mixture=replace(found.against_mixture, low=-0.01))
    assert "where its first answers differ is not surely where more is needed" in told(unsure, names)


def test_a_cascade_scores_and_takes_what_its_members_do():
    answers = Answers(
        ("a", "b", "c"),
        ("q1", "q2", "q3"),
        ("t",) * 3,
        np.array([[1.0, 0, 0], [1, 1, 0], [0, 1, 1]]),
        np.array([[10.0, 10, 10], [20, 20, 20], [100, 100, 100]]),
        (("Rome.", "x", ""), (" rome", "y", ""), ("z", "y", "w")),
    )
    found = with_cascades(answers, (Cascade("a", "b", "c"),))
    assert found.designs == ("a", "b", "c", "a+b/c")
    assert found.scores[3].tolist() == [1, 1, 1], "two that have failed agree on nothing"
    assert found.tokens[3].tolist() == [30, 130, 130]
    assert found.singles.designs == ("a", "b", "c")


def test_few_cascades_are_tried_and_none_of_two_pipelines():
    three = agreeing(1, 100)
    assert 0 < len(best_cascades(three)) <= MOST_CASCADES
    two = replace(three, designs=three.designs[:2], scores=three.scores[:2], tokens=three.tokens[:2])
    assert best_cascades(two) == ()


def test_names_do_not_count_as_words():
    asked = questions(3, 300)
    words = telling_words(asked)
    assert {"of", "friend"} <= set(words)
    assert all(word in {*RELATIONS, "of", "the", "who", "is"} for word in words)


def test_the_price_moves_it_from_the_best_to_the_cheapest():
    fitted = fit(planted(0, 300))
    assert fitted.at(0.0).designs != fitted.at(fitted.prices[-1]).designs
    assert fitted.at(fitted.prices[-1]).designs == ("cheap",)
    tokens = [fitted.expected(price)[1].mean() for price in fitted.prices]
    assert tokens[0] > 2 * tokens[-1]


def test_nothing_that_is_held_out_is_fitted_on():
    fitting, held_out = planted(0, 300), planted(5, 400)
    other = replace(held_out, scores=1 - held_out.scores)
    (_, first), (_, second) = judged(fitting, held_out), judged(fitting, other)
    assert first == second
    with pytest.raises(NothingToRoute, match="were fitted on"):
        judged(fitting, fitting)


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        (planted(0, 30), "needs 50 questions"),
        (
            replace(
                planted(0, 60),
                designs=("dear",),
                scores=planted(0, 60).scores[2:],
                tokens=planted(0, 60).tokens[2:],
            ),
            "one pipeline only",
        ),
    ],
)
def test_too_little_to_choose_between_is_refused_with_a_reason(answers, why):
    with pytest.raises(NothingToRoute, match=why):
        fit(answers)


def test_pipelines_that_are_always_right_or_never_and_take_nothing_are_fitted_all_the_same():
    plain = planted(0, 100)
    scores = np.vstack([np.ones(100), np.zeros(100), np.ones(100)])
    tokens = np.vstack([np.full(100, 50.0), np.zeros(100), np.full(100, 500.0)])
    found, policy = judged(
        replace(plain, scores=scores, tokens=tokens),
        replace(planted(5, 100), scores=scores, tokens=tokens),
    )
    assert policy.designs == ("cheap",)
    assert found.kept[0] == 1


def test_the_front_is_that_of_mixtures():
    scores = np.array([[0.2], [0.4], [0.8], [0.7], [0.8]])
    tokens = np.array([[10.0], [60.0], [100.0], [20.0], [90.0]])
    answers = Answers(tuple("abcde"), ("q",), ("t",), scores, tokens)
    assert [answers.designs[one] for one in front_of(answers)] == ["a", "d", "e"]


def test_features_of_any_text_are_finite():
    for text in ("", "?", "12 and 30.5, or 7?", "\x00\u202e" * 50, "É " * 2000, "\uff19 \u00b2"):
        found = features(text, ("of", "and"))
        assert len(found) == 9
        assert np.isfinite(found).all()
    assert choose("", ("of",), ((0.0,) * 9, (1e9,) * 9), ((0.0,) * 9, (1e9,) * 9), 0.1) == 0


def test_the_sentence_says_what_is_not_sure_and_how_many_questions_the_run_had_asked():
    found, _ = judged(planted(0, 300), planted(5, 400))
    unsure = replace(found, against_mixture=replace(found.against_mixture, low=-0.01))
    assert "what is cheap to know of a question does not say here" in told(unsure, NAMES)
    assert "400 held-out questions, 150 of which the run had asked before" in told(found, NAMES, 150)
