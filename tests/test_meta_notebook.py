"""What is made of what was measured: templates filled, claims weighed, arms chosen, designs compared."""

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentarch.content import content_folder
from agentarch.design import Design
from agentarch.errors import AgentarchError
from agentarch.meta.credit import MEMORY, choose
from agentarch.meta.draft import Draft, Hole
from agentarch.meta.findings import (
    LONGEST_TABLE,
    Nearest,
    changed_lines,
    estimated_parameters,
    findings,
    suspicions,
)
from agentarch.meta.holes import fill, fillings, next_filling
from agentarch.meta.lessons import HALF_LIFE, Prediction, Verdict, heaviest, notebook
from agentarch.meta.similarity import KnownDesigns, fingerprint, similarity
from agentarch.search import fingerprints
from agentarch.search.fingerprints import Fingerprints

SEEDS = {
    path.stem: path.read_text() for path in sorted((content_folder("archive") / "networks").glob("*.py"))
}
TEMPLATE = Draft(
    "x = 1, a",
    "t",
    template="x = ${n}, ${kind}  # ${n}",
    holes=(Hole("n", ("1", "2", "3")), Hole("kind", ("a", "${n}"[:0] + "b"))),
)


def test_a_template_is_filled_hole_by_hole():
    assert fillings(TEMPLATE) == 6
    assert fill(TEMPLATE, (2, 1)) == "x = 3, b  # 3"
    assert (fillings(Draft("x", "n")), fill(Draft("x", "n"), ())) == (1, "x")
    for wrong in ((0,), (3, 0), (0, -1), ()):
        with pytest.raises(ValueError, match="does not fit"):
            fill(TEMPLATE, wrong)


@given(st.randoms(use_true_random=False), st.lists(st.integers(2, 5), min_size=1, max_size=3))
@settings(max_examples=50, deadline=None)
def test_every_filling_comes_once_and_then_none(rng, sizes):
    holes = tuple(Hole(f"h{n}", tuple(str(v) for v in range(size))) for n, size in enumerate(sizes))
    draft, tried = replace(TEMPLATE, holes=holes), {}
    for number in range(fillings(draft)):
        choice = next_filling(draft, tried, rng)
        assert choice not in tried
        assert number or choice == (0,) * len(sizes)
        tried[choice] = rng.choice((None, 0.5, -1.0, float("nan")))
    assert next_filling(draft, tried, rng) is None


def test_values_that_did_well_are_drawn_more_often():
    draft = replace(TEMPLATE, holes=tuple(Hole(f"h{n}", tuple("abcdef")) for n in range(4)))
    rng = random.Random(1)
    tried = {
        (0, 0, 0, 0): 0.1,
        (1, 1, 1, 1): 0.9,
        (2, 2, 2, 2): None,
        (3, 3, 3, 3): 0.1,
        (4, 4, 4, 4): 0.2,
        (5,) * 4: 0,
    }
    drawn = Counter(next_filling(draft, tried, rng)[0] for _ in range(600))
    assert drawn[1] > 2 * max(drawn[value] for value in (0, 2, 3, 4, 5))
    assert min(drawn[value] for value in range(6)) > 0


def test_a_large_template_is_cheap_to_fill():
    draft = replace(TEMPLATE, holes=tuple(Hole(f"h{n}", tuple("abcdefgh")) for n in range(8)))
    rng, tried = random.Random(1), {}
    began = time.perf_counter()
    for _ in range(200):
        tried[next_filling(draft, tried, rng)] = rng.random()
    assert time.perf_counter() - began < 5


def prediction(lesson="a", low=0.1, high=0.3, predicted=0.2, **more):
    return Prediction(
        lesson, f"claim {lesson}", predicted, low=low, high=high, value=(low + high) / 2, **more
    )


@pytest.mark.parametrize(
    ("predicted", "low", "high", "verdict"),
    [
        (0.1, 0.01, 0.3, Verdict.RIGHT),
        (0.1, -0.3, -0.01, Verdict.WRONG),
        (-0.1, -0.3, -0.01, Verdict.RIGHT),
        (-0.1, 0.01, 0.3, Verdict.WRONG),
        (0.1, -0.01, 0.3, Verdict.UNDECIDED),
        (0.1, 0.0, 0.3, Verdict.UNDECIDED),
        (0.0, 0.1, 0.3, Verdict.UNDECIDED),
        (0.1, None, None, Verdict.UNDECIDED),
    ],
)
def test_a_claim_is_right_or_wrong_where_the_interval_excludes_zero(predicted, low, high, verdict):
    assert Prediction("a", "c", predicted, low=low, high=high).verdict is verdict


def test_claims_gain_and_lose_weight_by_how_well_they_predict():
    book = notebook(
        [
            prediction("good"),
            prediction("bad", predicted=-0.2),
            prediction("vague", low=-0.1),
            Prediction("new", "not measured", 0.1),
        ]
    )
    assert (
        book["good"].weight
        > 0.6
        > 0.5
        == book["vague"].weight
        == book["new"].weight
        > 0.4
        > book["bad"].weight
    )
    assert (book["good"].right, book["bad"].wrong, book["vague"].undecided) == (1, 1, 1)
    assert book["good"].measured == pytest.approx(0.2)
    assert book["new"].measured is None


def test_a_proposal_moves_the_lessons_that_it_builds_on():
    alone = notebook([prediction("a")])["a"]
    book = notebook([prediction("a"), prediction("b", builds_on=("a", "a", "unknown"))])
    assert book["a"].weight > alone.weight
    assert (book["a"].right, book["b"].right) == (2, 1)
    assert (
        notebook([prediction("a"), prediction("b", predicted=-1, builds_on=("a",))])["a"].weight
        < alone.weight
    )


def test_the_same_words_are_one_lesson():
    book = notebook(
        [prediction("a"), replace(prediction("b"), claim="CLAIM  a"), prediction("c", builds_on=("b",))]
    )
    assert list(book) == ["a", "c"]
    assert book["a"].right == 3


def test_old_evidence_fades():
    later = [prediction(f"x{n}") for n in range(HALF_LIFE)]
    fresh, old = notebook([prediction("a")])["a"], notebook([prediction("a"), *later])["a"]
    assert fresh.weight == pytest.approx(2 / 3)
    assert old.weight == pytest.approx(1.5 / 2.5)
    turned = notebook([*[prediction("a")] * 3, *later * 3, *[prediction("a", predicted=-0.1)] * 2])["a"]
    assert turned.right > turned.wrong
    assert turned.weight < 0.5


def test_the_heaviest_are_told_and_some_that_were_wrong():
    book = notebook(
        [
            *(prediction(f"right{n}") for n in range(10)),
            *(prediction("right7") for _ in range(3)),
            *(prediction(f"wrong{n}", predicted=-0.1) for n in range(10)),
            *(prediction("wrong3", predicted=-0.1) for _ in range(3)),
        ]
    )
    told = heaviest(book, 6)
    assert told == heaviest(book, 6)
    assert told[0].id == "right7"
    assert [one.wrong > one.right for one in told] == [False] * 4 + [True] * 2
    assert told[4].id == "wrong3"
    assert len(heaviest(book, 100)) == 20
    assert heaviest(book, 0) == ()
    assert len(heaviest(notebook(prediction(f"w{n}", predicted=-1) for n in range(9)), 6)) == 6


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(-1, 1), st.floats(-1, 1)), max_size=60))
@settings(deadline=None)
def test_weights_stay_between_none_and_all(predictions):
    book = notebook(
        Prediction(name, name, p, value=v, low=v - 0.1, high=v + 0.1) for name, p, v in predictions
    )
    assert all(0 < one.weight < 1 for one in book.values())
    assert len(heaviest(book, 2)) == min(2, len(book))


def play(chances, costs, rounds=600, seed=1, in_flight=1):
    """Let arms be chosen for some rounds, and return how often each was."""
    rng, gains, spent = random.Random(seed), {arm: [] for arm in chances}, {arm: [] for arm in chances}
    chosen, waiting = Counter(), []
    for _ in range(rounds):
        arm = choose(tuple(chances), gains, spent, rng)
        chosen[arm] += 1
        waiting.append(arm)
        if len(waiting) >= in_flight:
            settled = waiting.pop(0)
            gains[settled].append(float(rng.random() < chances[settled]))
            spent[settled].append(costs[settled])
    return chosen


def test_the_arm_that_gains_most_is_chosen_most_and_none_is_forgotten():
    chosen = play({"a": 0.1, "b": 0.4, "c": 0.2}, {"a": 1, "b": 1, "c": 1}, in_flight=20)
    assert chosen.most_common(1)[0][0] == "b"
    assert chosen["b"] > 300
    assert min(chosen.values()) >= 5


def test_gains_count_per_cost():
    chosen = play({"dear": 0.5, "cheap": 0.3}, {"dear": 0.1, "cheap": 0.01})
    assert chosen["cheap"] > 400


def test_a_model_that_costs_nothing_does_not_win_whatever_it_gains():
    assert play({"free": 0.0, "paid": 0.5}, {"free": 0.0, "paid": 0.01}, rounds=4_000)["paid"] > 0


def test_choices_are_the_same_for_the_same_chance_and_old_trials_are_forgotten():
    assert play({"a": 0.1, "b": 0.4}, {"a": 1, "b": 1}) == play({"a": 0.1, "b": 0.4}, {"a": 1, "b": 1})
    gains = {"a": [1.0] * 900 + [0.0] * MEMORY, "b": [0.0] * 900 + [1.0] * MEMORY}
    costs = {"a": [1.0] * 1_000, "b": [1.0] * 1_000}
    assert {choose(("a", "b"), gains, costs, random.Random(seed)) for seed in range(50)} == {"b"}
    with pytest.raises(AgentarchError, match="nothing to choose from"):
        choose((), {}, {}, random.Random(0))
    odd = {"a": [float("nan"), 9.0, -9.0]}
    assert choose(("a",), odd, {"a": [float("inf"), -1.0]}, random.Random(0)) == "a"


@pytest.mark.parametrize("name", SEEDS)
def test_equal_trees_are_as_alike_as_can_be_and_others_are_not(name):
    source = SEEDS[name]
    own = fingerprint(source)
    laid_out = "# a comment\n" + source.replace("    ", "  ").replace('"""', "'''").replace(
        "'''", "'''Other words. ", 1
    )
    assert similarity(own, fingerprint(laid_out)) == 1
    for other in SEEDS:
        if other != name:
            theirs = fingerprint(SEEDS[other])
            assert similarity(own, theirs) == similarity(theirs, own) < 0.98


def test_names_do_not_count_and_what_is_computed_does():
    source = SEEDS["transformer"]
    renamed = source.replace("Attention", "Mixer").replace("queries", "q").replace("self.project", "self.p")
    own = fingerprint(source)
    assert similarity(own, fingerprint(renamed)) == 1
    small = similarity(own, fingerprint(source.replace("WIDTH = 64", "WIDTH = 96")))
    assert 0.9 < small < 1
    assert (
        small
        > similarity(own, fingerprint(SEEDS["looped_transformer"]))
        > similarity(own, fingerprint(SEEDS["gru"]))
    )


@pytest.mark.parametrize(
    "text", ["", "\0", "def (", "x" * 300_000, "(" * 5_000, "\ud800", "-" * 90_000 + "1", "1" * 9_000]
)
def test_any_text_has_a_fingerprint_and_findings(text):
    assert similarity(fingerprint(text), fingerprint(text)) == 1
    for line in findings(text, parent=SEEDS["gru"], nearest=Nearest(text, 0.5), limits={"parameters": 1}):
        assert line.isprintable()
        assert len(line) < 400


def known_by(*names):
    return {name: Design(name, "network", name, SEEDS[name]) for name in names}


def test_the_nearest_design_of_a_run_is_another_one_than_the_one_asked_about():
    found = Fingerprints()
    assert found.nearest(SEEDS["gru"]) is None
    designs = known_by("gru")
    found.notice(designs)
    assert found.nearest(SEEDS["gru"], but="gru") is None
    designs |= known_by("looped_transformer")
    found.notice(designs)
    assert found.nearest(SEEDS["gru"]) == (designs["gru"], 1.0)
    assert found.nearest(SEEDS["gru"], but="gru")[0].id == "looped_transformer"


def test_one_call_looks_at_so_many_designs_the_latest_first_and_the_next_at_the_others(monkeypatch):
    monkeypatch.setattr(fingerprints, "MOST_AT_ONCE", 1)
    found, designs = Fingerprints(), known_by("gru", "looped_transformer")
    found.notice(designs)
    assert found.nearest(SEEDS["gru"])[0].id == "looped_transformer"
    found.notice(designs)
    assert found.nearest(SEEDS["gru"])[0].id == "gru"


def test_designs_are_noticed_at_once_while_others_are_looked_at(monkeypatch):
    looks, may_end = threading.Event(), threading.Event()

    def slow(source):
        looks.set()
        assert may_end.wait(10)
        return fingerprint(source)

    found, designs = Fingerprints(), known_by("gru", "looped_transformer")
    found.notice(designs)
    monkeypatch.setattr(fingerprints, "fingerprint", slow)
    with ThreadPoolExecutor(1) as pool:
        nearest = pool.submit(found.nearest, SEEDS["gru"])
        assert looks.wait(10)
        found.notice(designs | known_by("transformer"))  # would hang behind the one who looks
        may_end.set()
        assert nearest.result()[0].id == "gru"


def test_the_nearest_of_ten_thousand_is_found_in_a_few_milliseconds():
    known = KnownDesigns()
    assert known.nearest(fingerprint("x = 1")) is None
    rng = random.Random(1)
    own = fingerprint(SEEDS["gru"])
    for number in range(10_000):
        other = own.copy()
        other[rng.sample(range(len(own)), 100)] += 1
        known.add(f"d{number}", other)
    known.add("gru", own)
    assert len(known) == 10_001
    assert known.nearest(own, but="gru") != ("gru", 1.0)
    took = []
    for _ in range(9):
        began = time.perf_counter()
        assert known.nearest(own) == ("gru", 1.0)
        took.append(time.perf_counter() - began)
    assert min(took) < 0.02


def test_changed_lines_are_counted():
    assert changed_lines("a\nb\nc\n", "a\nx\nc\n") == (1, 1)
    assert changed_lines("a\n", "a\n") == (0, 0)
    began = time.perf_counter()
    changed_lines("a\n" * 50_000, "b\na\n" * 25_000)
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize("name", SEEDS)
def test_seed_designs_raise_no_suspicion_and_their_parameters_are_estimated(name):
    assert not [
        line for line in suspicions(SEEDS[name]) if "`.flip`" not in line
    ]  # one reads both ways, rightly
    assert 5_000 < estimated_parameters(SEEDS[name]) < 400_000


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x = id(y)", "`id`"),
        ("x = globals()['a']", "`globals`"),
        ("open('/etc/passwd')", "reaches outside"),
        ("import os", "`import os` reaches outside"),
        ("torch.load('x')", "`.load` reaches outside"),
        ("x.__globals__", "looks at its surroundings"),
        ("y = x.mean(0)", "dimension 0"),
        ("y = x - x.mean(dim=0, keepdim=True)", "dimension 0"),
        ("y = torch.softmax(x, 0)", "dimension 0"),
        ("y = x.std(dim=(0, 1))", "dimension 0"),
        ("y = torch.roll(x, 1, 0)", "dimension 0"),
        ("n = nn.BatchNorm1d(3)", "rest of the batch"),
        ("if self.training: pass", "while it is trained"),
        ("g = nn.GRU(3, 3, bidirectional=True)", "later positions"),
        (f"t = [{'1, ' * (LONGEST_TABLE + 1)}]", "long table"),
        (f"t = {'x' * 500!r}", "long text"),
        (f"t = {2**400}", "very long number"),
        ("torch.manual_seed(0)", "source of chance"),
    ],
)
def test_what_looks_odd_is_said_with_its_line(line, expected):
    said = suspicions(f'"""Docstring."""\nimport torch\n{line}\n')
    assert any(expected in one and one.startswith("line 3: ") for one in said), said


@pytest.mark.parametrize(
    "line", ["y = x.mean(1)", "y = x.mean(dim=-1)", "y = torch.roll(x, 0, 1)", "y = x.sum()"]
)
def test_what_is_usual_is_not_suspected(line):
    assert suspicions(line) == ()


def test_findings_name_the_nearest_the_difference_and_the_size():
    source = SEEDS["gru"]
    said = findings(
        source + "x = 1\n", parent=source, nearest=Nearest("gru (0123)", 0.97), limits={"parameters": 10}
    )
    assert said[0] == "nearest known design: gru (0123), similarity 0.97 of 1"
    assert said[1] == "against the first parent: 1 line added, 0 removed"
    assert "more than the 10 allowed" in said[2]
    assert findings("x = 1") == ()
