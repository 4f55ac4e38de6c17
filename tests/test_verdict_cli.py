"""What a run may claim, as people and scripts read it; and the sealed split, which opens once."""

import shutil

import pytest

from agentarch.config import make_config
from agentarch.errors import UsageError
from agentarch.suites import find_suite


@pytest.fixture
def copied(confirmed_run, tmp_path):
    """A copy of the run that a test may change."""
    return shutil.copytree(confirmed_run.folder, tmp_path / "run")


def test_a_search_ends_with_a_verdict_and_what_the_test_split_showed(confirmed_run, agentarch):
    verdict = confirmed_run.said.json["verdict"]
    assert verdict["won"] in (True, False)
    assert verdict["sentence"].startswith("Nothing beat the control") == (not verdict["won"])
    assert f"corrected for {verdict['finalists']} finalist" in verdict["sentence"]
    assert verdict["difference"]["low"] <= verdict["difference"]["value"] <= verdict["difference"]["high"]
    assert verdict["test"]["looks"] == 1
    assert agentarch("status", confirmed_run.folder, "--json").json["verdict"] == verdict
    told = " ".join(agentarch("status", confirmed_run.folder).out.split())
    assert verdict["sentence"][:60] in told
    assert "On the test split, which decided nothing: " in told


def test_a_control_spends_what_the_search_spends(confirmed_run):
    arms = confirmed_run.said.json["arms"]
    assert {"search", "random"} <= arms.keys()
    assert abs(arms["search"]["steps"] - arms["random"]["steps"]) <= 36  # three of the dearest evaluations


def test_the_budget_holds_the_finish_as_well(confirmed_run):
    assert confirmed_run.said.json["evaluations"] <= confirmed_run.evaluations


def test_every_decision_can_be_read_with_its_reason(confirmed_run, agentarch):
    found = agentarch("show", confirmed_run.folder, "--decisions", "--json").json["decisions"]
    kinds = [one["kind"] for one in found]
    assert [one["number"] for one in found] == list(range(1, len(found) + 1))
    assert {"begin", "climb", "finalists", "confirm", "test", "verdict"} <= set(kinds)
    assert kinds[-1] == "verdict"
    assert all(one["reason"] for one in found)
    told = agentarch("show", confirmed_run.folder, "--decisions").out
    assert len(told.splitlines()) == len(found)


def test_a_second_look_at_the_test_split_is_refused_and_names_the_way(copied, agentarch, confirmed_run):
    said = agentarch("test", copied, confirmed_run.said.json["best"]["id"])
    assert said.exit_code == 2
    assert "--force" in said.err
    assert agentarch("status", copied, "--json").json["verdict"]["test"]["looks"] == 1


def test_a_forced_second_look_is_told_of_wherever_the_figures_are(copied, agentarch, confirmed_run):
    best = confirmed_run.said.json["best"]["id"]
    said = agentarch("test", copied, best, "--force", "--json")
    assert said.exit_code == 0, said.err
    assert said.json["interval"][0] <= said.json["score"] <= said.json["interval"][1]
    note = "the test split was opened 2 times"
    assert note in said.json["note"]
    assert note in agentarch("status", copied, "--json").json["verdict"]["test"]["note"]
    assert note in " ".join(agentarch("status", copied).out.split())
    report = agentarch("report", copied, "--json").json
    assert any(note in one.lower() for one in report["verdict"]["notes"])
    assert note in agentarch("show", copied, best, "--json").json["test_note"]
    assert note in " ".join(agentarch("show", copied, best).out.split())
    shown = next(one for one in report["finalists"] if one["id"] == best)
    assert [shown["test"]["low"], shown["test"]["high"]] == said.json["interval"]
    assert report["verdict"]["sentence"] == confirmed_run.said.json["verdict"]["sentence"]


def test_a_run_without_a_finish_has_no_test_to_open(finished_run, agentarch):
    said = agentarch("test", finished_run.folder, finished_run.said.json["best"]["id"])
    assert said.exit_code == 2
    assert "confirmed no finalist" in said.err


def test_the_report_shows_finalists_and_controls_with_their_confirmed_scores(
    confirmed_run, agentarch, tmp_path
):
    said = agentarch("report", confirmed_run.folder, "--output", tmp_path / "out.html", "--json")
    found = {one["role"]: one for one in said.json["finalists"]}
    assert {"finalist", "best seed"} <= found.keys()
    for one in found.values():
        assert one["n"] == 3
        assert one["interval"][0] <= one["score"] <= one["interval"][1]
    assert {point["arm"] for point in said.json["progress"]} == {"search", "random"}
    page = (tmp_path / "out.html").read_text()
    assert "Verdict" in page


def test_a_search_that_names_neither_tasks_nor_suite_is_the_quick_one():
    quick, config = find_suite("quick", "network"), make_config({})
    assert (config.suite, config.tasks, config.evaluations) == ("quick", quick.tasks, quick.evaluations)
    assert (config.top_rung, config.confirm_seeds) == (quick.top_rung, quick.confirm_seeds)


def test_what_is_given_wins_over_what_the_suite_says_and_a_time_takes_the_place_of_its_budget():
    config = make_config({"suite": "standard", "time": "8h", "top_rung": 1})
    assert (config.evaluations, config.top_rung) == (None, 1)
    assert config.tasks == find_suite("standard", "network").tasks
    assert make_config({"suite": "standard", "evaluations": 7}).evaluations == 7


def test_a_suite_and_tasks_at_once_are_refused():
    with pytest.raises(UsageError, match="give one of them"):
        make_config({"suite": "quick", "tasks": "recall"})
    with pytest.raises(UsageError, match="did you mean 'standard'"):
        make_config({"suite": "standart"})
