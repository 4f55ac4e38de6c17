"""What seed designs were measured to score: how it is gathered, kept, read and shown."""

import json
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import commands
from support.commands import TINY_FILE
from support.designs import SOUND
from support.processes import wait_until
from support.tiny import Tiny

from agentarch.catalogue import find_tasks, seed_designs
from agentarch.design import Proposal, read_design
from agentarch.kinds.measured import (
    BrokenMeasurements,
    Cell,
    Measurements,
    load,
    rank_correlations,
    rungs_found,
)
from agentarch.kinds.measuring import SECRET, measure, still_wanted
from agentarch.kinds.network import CONTRACT, NetworkKind, Recipe
from agentarch.kinds.task_page import BEGIN, END, NoPlaceForMeasurements, render, with_measurements
from agentarch.scoring.resolution import (
    largest_by_chance,
    noise_floor,
    paired_noise,
    smallest_difference,
)

EVALS = Path(__file__).parent.parent / "evals" / "networks"
DESIGN = replace(read_design(Proposal(SOUND, "sound"), CONTRACT))


def cell(design="gru", seed=0, score=0.5, rung=1, **other):
    plain = {"task": "tiny", "design_id": "d" + design, "data": "x", "outcome": "scored", "seconds": 2.0}
    return Cell(**{**plain, "rung": rung, "design": design, "seed": seed, "score": score, **other})


def table(*cells):
    known = Measurements()
    for one in cells:
        known.add(Tiny(), one)
    return known


def test_the_shipped_page_says_what_the_shipped_measurements_say():
    page = (EVALS / "README.md").read_text()
    assert page == with_measurements(page, load(EVALS / "measured.json"))


def test_measurements_are_of_tasks_and_designs_that_ship():
    known = load(EVALS / "measured.json")
    assert set(known.tasks) <= set(find_tasks("network"))
    assert {one.design for one in known.cells.values()} <= {design.name for design in seed_designs(CONTRACT)}


def test_what_is_saved_is_read_again(tmp_path):
    known = table(cell(), cell(seed=1, score=None, outcome="timeout"))
    known.save(tmp_path / "measured.json")
    assert load(tmp_path / "measured.json") == known
    assert load(tmp_path / "nothing.json") == Measurements()


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": 99}', '{"format": 1, "tasks": {}, "cells": [{"task": "x"}]}']
)
def test_a_file_that_holds_no_measurements_is_refused(tmp_path, text):
    (tmp_path / "measured.json").write_text(text)
    with pytest.raises(BrokenMeasurements, match="cannot read the measurements"):
        load(tmp_path / "measured.json")


def test_measuring_goes_on_where_it_was_and_measures_again_what_has_changed(executor):
    known, kept = Measurements(), []
    wanted = still_wanted([Tiny()], [0], [DESIGN], 2, known)
    assert [one.seed for one in wanted] == [0, 1]
    assert measure(wanted, executor, 2, known, kept.append) == 0
    assert len(kept) == len(known.cells) == 2
    assert all(one.score is not None and one.seconds > 0 for one in kept)
    assert still_wanted([Tiny()], [0], [DESIGN], 2, known) == []
    assert len(still_wanted([Tiny()], [0], [DESIGN], 3, known)) == 1
    assert len(still_wanted([Tiny()], [0], [replace(DESIGN, id="other")], 2, known)) == 2

    class Harder(Tiny):
        def data(self, split, rung, seed):
            return super().data(split, rung, seed + 1)

    assert len(still_wanted([Harder()], [0], [DESIGN], 2, known)) == 2
    harder, tiny = (NetworkKind(SECRET).fingerprint(task, 0) for task in (Harder(), Tiny()))
    assert known.without_outdated({("tiny", 0): harder}).cells == {}
    assert known.without_outdated({("tiny", 0): tiny}).cells == known.cells


class OtherData(Tiny):
    def data(self, split, rung, seed):
        return super().data(split, rung, seed + 1)


class OtherGrading(Tiny):
    def grade(self, predictions, labels):
        graded = super().grade(predictions, labels)
        return graded | {self.metric: graded[self.metric] / 2}


class OtherChance(Tiny):
    chance = Tiny.chance / 2


@pytest.mark.parametrize(
    "task", [OtherData(), OtherGrading(), OtherChance()], ids=lambda one: type(one).__name__
)
def test_a_fingerprint_changes_with_whatever_a_score_hangs_on(task):
    assert NetworkKind(SECRET).fingerprint(Tiny(), 1) == NetworkKind("another run").fingerprint(Tiny(), 1)
    assert NetworkKind(SECRET).fingerprint(task, 1) != NetworkKind(SECRET).fingerprint(Tiny(), 1)


def test_a_fingerprint_changes_with_the_recipe():
    slower = NetworkKind(SECRET, recipe=Recipe(learning_rate=1e-3))
    assert slower.fingerprint(Tiny(), 1) != NetworkKind(SECRET).fingerprint(Tiny(), 1)


def test_cheap_rungs_and_first_seeds_are_measured_first():
    wanted = still_wanted([Tiny()], [0, 1, 9], [DESIGN], 2, Measurements())
    assert [(one.seed, one.rung) for one in wanted] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_the_noise_floor_is_the_pooled_deviation_of_designs_that_are_neither_at_floor_nor_at_ceiling():
    rng = np.random.default_rng(0)
    scores = {f"d{n}": dict(enumerate(0.5 + rng.normal(0, 0.1, 8))) for n in range(200)}
    stuck = {"perfect": {0: 1.0, 1: 1.0}, "hopeless": {0: 0.0, 1: 0.01}, "once": {0: 0.3}}
    floor = noise_floor(scores | stuck)
    assert floor.deviation == pytest.approx(0.1, rel=0.05)
    assert set(floor.designs) == set(scores)
    assert noise_floor(stuck).designs == ("perfect", "hopeless")
    assert noise_floor({"once": {0: 0.3}}) is None
    assert paired_noise(scores).deviation == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize(("designs", "seeds"), [(2, 3), (10, 2)])
def test_equal_designs_spread_further_than_chance_allows_one_time_in_20(designs, seeds):
    rng, tries = np.random.default_rng(designs), 2000
    beyond = 0
    for _ in range(tries):
        drawn = 0.5 + rng.normal(0, 0.02, (designs, seeds)) + rng.normal(0, 0.05, seeds)
        scores = {f"d{number}": dict(enumerate(of)) for number, of in enumerate(drawn)}
        beyond += np.ptp(drawn.mean(axis=1)) > largest_by_chance(paired_noise(scores), designs, seeds)
    assert beyond / tries == pytest.approx(0.05, abs=0.02)


def test_what_seeds_share_does_not_blur_a_paired_difference():
    shared = np.random.default_rng(0).normal(0, 0.1, 8)
    scores = {name: dict(enumerate(base + shared)) for name, base in (("a", 0.4), ("b", 0.5), ("c", 0.6))}
    assert noise_floor(scores).deviation > 0.05
    assert paired_noise(scores).deviation == pytest.approx(0, abs=1e-9)
    assert paired_noise({"a": {0: 0.5, 1: 0.6}, "b": {2: 0.5, 3: 0.6}}) is None


@pytest.mark.parametrize("seeds", [2, 3, 5, 8])
def test_a_difference_that_so_many_seeds_resolve_is_found_80_times_in_100(seeds):
    rng, noise = np.random.default_rng(seeds), 0.04
    drawn = rng.normal(smallest_difference(noise, seeds), noise, (20_000, seeds))
    t = drawn.mean(axis=1) / (drawn.std(axis=1, ddof=1) / np.sqrt(seeds))
    threshold = {2: 12.706, 3: 4.303, 5: 2.776, 8: 2.365}[
        seeds
    ]  # two-sided 5%, from any table of Student's t
    assert (t > threshold).mean() == pytest.approx(0.8, abs=0.015)


def test_fewer_than_two_seeds_resolve_nothing():
    with pytest.raises(ValueError, match="two seeds or more"):
        smallest_difference(0.1, 1)


def test_a_rung_is_told_with_its_spread_noise_cost_and_agreement():
    scores = {"gru": (0.5, 0.52), "transformer": (0.8, 0.82), "perceiver": (0.1, 0.12)}
    cells = [
        cell(name, seed, of[seed], rung) for name, of in scores.items() for seed in (0, 1) for rung in (1, 2)
    ]
    low, high = rungs_found([*cells, cell("hopfield", 0, None, 1, outcome="timeout", seconds=9.0)])
    assert (low.best, low.worst, low.failed) == ("transformer", "perceiver", {"hopfield": "timeout"})
    assert low.spread == pytest.approx(0.7)
    assert low.noise == pytest.approx(0.01 * np.sqrt(2))
    assert low.separates
    assert (low.median_seconds, low.longest_seconds) == (2.0, 9.0)
    assert list(low.resolves) == [2, 3, 5, 8]
    assert list(rank_correlations((low, high))) == [(1, 2, pytest.approx(1.0), 3)]
    (once,) = rungs_found([cell("gru", 0, 0.4), cell("perceiver", 0, 0.9)])
    assert once.noise is once.separates is None
    assert once.resolves == {}


def test_the_page_shows_every_task_and_keeps_what_a_person_wrote():
    known = table(
        cell("gru", 0, 0.5), cell("gru", 1, 0.6), cell("perceiver", 0, 0.1), cell("perceiver", 1, 0.1)
    )
    page = with_measurements(f"# Mine\n\n{BEGIN}\nold\n{END}\nmore\n", known)
    assert page.startswith("# Mine\n")
    assert page.endswith(f"{END}\nmore\n")
    assert "old" not in page
    assert (
        "| `tiny` | accuracy 0.167 → 1 | 1: 2 | gru 0.55, perceiver 0.10 (rung 1, 2 seeds, 2 designs) |"
        in page
    )
    assert "gru: tiny" in render(known)
    for broken in ("no marks", BEGIN, f"{END} {BEGIN}", f"{BEGIN} {END} {BEGIN} {END}"):
        with pytest.raises(NoPlaceForMeasurements):
            with_measurements(broken, known)


def test_the_commands_measure_check_and_show(agentarch, tmp_path):
    (tmp_path / "tiny.py").write_text(TINY_FILE.read_text())
    before = agentarch("tasks", "--check", "tiny.py")
    assert before.exit_code == 0, before.out + before.err
    assert "not measured yet; measure it with: agentarch tasks --measure tiny.py" in before.out

    arguments = ("tasks", "--measure", "tiny.py", "--rungs", "0,1", "--designs", "gru,mlp_mixer,convolution")
    measured = agentarch(*arguments, "--json")
    assert measured.exit_code == 0, measured.err
    assert measured.json["measured"] == 12
    assert agentarch(*arguments, "--json").json["measured"] == 0
    assert len(json.loads((tmp_path / "measured.json").read_text())["cells"]) == 12

    said = agentarch("tasks", "--check", "tiny.py", "--json")
    assert said.exit_code == 0, said.err
    assert said.json["holds"]
    (task,) = said.json["tasks"]
    assert [one["rung"] for one in task["measured"]] == [0, 1]
    assert set(task["measured"][0]["resolves"]) == {"2", "3", "5", "8"}
    assert task["rank_correlations"][0]["designs"] == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ("--measure", "tiny.py", "--rungs", "one"),
        ("--measure", "recal"),
        ("--measure", "recall,tiny.py"),
        ("--measure", "recall", "--designs", "gruu"),
        ("--check", "all", "--measure", "all"),
        ("--check", "recall", "--rung", "9"),
    ],
)
def test_what_cannot_be_meant_is_bad_usage(agentarch, tmp_path, arguments):
    (tmp_path / "tiny.py").write_text(TINY_FILE.read_text())
    assert agentarch("tasks", *arguments).exit_code == 2


def test_measuring_that_is_interrupted_keeps_what_it_has_and_the_page_says_so(agentarch, tmp_path):
    (tmp_path / "tiny.py").write_text(TINY_FILE.read_text())
    file, page = tmp_path / "measured.json", tmp_path / "README.md"
    page.write_text(f"{BEGIN}\n{END}\n")
    arguments = (
        "tasks",
        "--measure",
        "tiny.py",
        "--rungs",
        "0",
        "--designs",
        "gru",
        "--workers",
        "1",
        "--json",
    )
    running = commands.start(*arguments, "--seeds", 400, folder=tmp_path)
    wait_until(file.is_file, "nothing was measured", seconds=60)
    second = agentarch(*arguments)
    assert second.exit_code == 1
    assert "another process measures tasks" in second.json["error"]
    running.send_signal(signal.SIGINT)
    assert commands.finish(running).exit_code == 130
    known = load(file)
    assert 0 < len(known.cells) < 400
    assert page.read_text() == with_measurements(page.read_text(), known)
    more = len(known.cells) + 2
    assert agentarch(*arguments, "--seeds", more).json == {
        "measured": 2,
        "lost": 0,
        "known": more,
        "file": str(file.resolve()),
    }
