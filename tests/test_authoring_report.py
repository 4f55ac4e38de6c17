"""What a report, `show` and the progress of a search say of language models, from real runs against a real server."""

import io
import random
import re
import shutil
import statistics
from pathlib import Path

import pytest
from rich.console import Console
from support import author, commands
from support.model_server import ModelServer
from test_report import numbers, parsed, shown

from agentarch.cli import progress
from agentarch.config import make_config
from agentarch.design import Proposal, read_design
from agentarch.errors import UsageError
from agentarch.evaluation import Request
from agentarch.meta.similarity import fingerprint, similarity
from agentarch.report import render_page, report_data
from agentarch.report.authoring import check_comparable
from agentarch.search.archive_use import ArchiveUse, Mean, compare, in_words
from agentarch.search.authoring.accounts import design_account, lessons_summary
from agentarch.search.authoring.graph import as_mermaid
from agentarch.search.session import create_run, make_engine, open_run
from agentarch.search.summary import design_summary

EVALUATIONS = 40
MODEL = "openai/test-model"
HASTY_REVIEW = ("--review", "gate", "--review-timeout", "0.1s", "--on-timeout", "approve")
SETTINGS = {"chosen": ("--max-usd", 5, *HASTY_REVIEW), "shuffled": (), "none": ()}


@pytest.fixture(scope="module")
def servers():
    """A server for each run, so that each counts what its run asked."""
    with (
        ModelServer(author.write, cached_tokens=100) as chosen,
        ModelServer(author.write) as shuffled,
        ModelServer(author.write) as none,
    ):
        yield {"chosen": chosen, "shuffled": shuffled, "none": none}


@pytest.fixture(scope="module")
def runs(servers, tmp_path_factory):
    """Three small searches that have ended, by what their models were shown. Tests read them."""
    folder = tmp_path_factory.mktemp("authored")
    started = {}
    for name, server in servers.items():
        placebo = () if name == "chosen" else ("--placebo", name)
        asked = ("--model", MODEL, "--base-url", server.base_url, "--price", "1,5", "--no-controls")
        arguments = commands.search(folder / name, EVALUATIONS, *asked, *placebo, *SETTINGS[name])
        started[name] = commands.start(*arguments, folder=folder)
    for process in started.values():
        said = commands.finish(process)
        assert said.exit_code == 0, said.err
    return {name: folder / name for name in started}


def rows(page, key):
    """The rows of a table by the value of their data attribute."""
    return {one.get(f"data-{key}"): one for one in page.iter("tr") if one.get(f"data-{key}")}


def events(run, kind):
    return [event for event in run.store.events() if event.kind == kind]


# Of real runs.


@pytest.mark.slow
def test_the_money_of_a_report_is_what_the_server_counted_and_what_the_ledger_says(agentarch, runs, servers):
    made = agentarch("report", runs["chosen"], "--json").json["authoring"]
    status = agentarch("status", runs["chosen"], "--json").json["ledger"]
    count = servers["chosen"].count
    assert made["ledger"] == status
    assert made["ledger"]["requests"] == count.requests
    assert made["ledger"]["input_tokens"] == count.input_tokens
    assert made["ledger"]["output_tokens"] == count.output_tokens
    assert made["ledger"]["cached_tokens"] == count.cached_tokens > 0
    assert made["ceilings"] == {"dollars": 5.0, "tokens": None, "requests": None}
    assert made["dollars_per_elite"] == pytest.approx(made["ledger"]["dollars"] / made["elites"])
    assert made["dollars_per_gain"] == pytest.approx(made["ledger"]["dollars"] / made["gains"])


@pytest.mark.slow
def test_the_page_shows_the_numbers_of_json(agentarch, runs):
    beside = [one for name in ("shuffled", "none") for one in ("--beside", runs[name])]
    made = agentarch("report", runs["chosen"], *beside, "--json").json["authoring"]
    page = parsed((runs["chosen"] / "report.html").read_text())
    tallies = rows(page, "tally")
    for name, one in {**made["ledger"]["by_model"], **made["ledger"]["by_role"]}.items():
        counts = (
            "requests",
            "failed",
            "retries",
            "cache_hits",
            "input_tokens",
            "cached_tokens",
            "output_tokens",
        )
        latency = one["latency_seconds"] / one["requests"]
        assert numbers(tallies[name]) == [*(one[key] for key in counts), latency, one["dollars"]]
    trials = rows(page, "trials")
    for one in (*made["by_operator"], *made["by_pack"]):
        share = [one["share"][key] for key in ("value", "low", "high")]
        assert numbers(trials[one["name"]]) == [one["tried"], one["gained"], *share]
    uses = rows(page, "use")
    assert list(uses) == [str(runs[name]) for name in ("chosen", "shuffled", "none")]
    for one in made["uses"]:
        means = [
            one[key] for key in ("to_shown", "to_chosen", "to_others", "closer", "share", "change", "best")
        ]
        found = [
            mean[key] for mean in means if mean for key in ("value", "low", "high") if mean[key] is not None
        ]
        assert numbers(uses[one["run_dir"]]) == [one["proposals"], *found]
    told = shown(page.find(".//section[@id='archive-use']"))
    assert all(one["sentence"] in told for one in made["comparisons"])
    assert [one["placebo"] for one in made["comparisons"]] == ["shuffled", "none"]


@pytest.mark.slow
def test_what_was_shown_is_kept_apart_from_what_the_archive_chose(runs):
    for name, folder in runs.items():
        with open_run(folder) as run:
            written = [
                (one, turn) for one in run.state.proposals.values() for turn in one.turns if turn.answered_by
            ]
            drafted = [event for event in events(run, "drafted") if event.body.get("answered_by")]
        assert len(written) == len(drafted) > 0
        assert all(one.brief["chosen"] for one, _ in written), name
        for one, turn in written:
            assert set(turn.shown) <= {*one.brief["parents"], *one.brief["elites"]}
            if name == "chosen":
                assert set(turn.shown) <= set(one.brief["chosen"])
            else:
                assert not set(turn.shown) & set(one.brief["chosen"])
            assert turn.shown or name == "none"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["chosen", "shuffled", "none"])
def test_similarities_are_those_that_a_slow_count_over_the_log_finds(name, runs):
    with open_run(runs[name]) as run:
        log, use = list(run.store.events()), report_data(run)["authoring"]["uses"][0]
    sources, known, begun, last = {}, [], {}, {}
    for event in log:
        if event.kind == "proposed" and event.body["arm"] == "search":
            sources[event.body["design"]["id"]] = event.body["design"]["source"]
            known.append(event.body["design"]["id"])
        elif event.kind == "begun":
            begun[event.body["proposal"]] = (event.body["brief"], list(known))
        elif event.kind == "drafted":
            last[event.body["proposal"]] = event.body
    prints = {one: fingerprint(source) for one, source in sources.items()}
    found = {"to_shown": [], "to_chosen": [], "to_others": []}
    for proposal, body in last.items():
        if body.get("answered_by"):
            brief, before = begun[proposal]
            withheld = set(brief["chosen"]) - set(body["shown"])
            groups = (body["shown"], withheld, set(before) - set(body["shown"]) - withheld)
            own = fingerprint(body["draft"]["source"])
            for key, group in zip(found, groups, strict=True):
                if group:
                    found[key].append(statistics.fmean(similarity(own, prints[one]) for one in group))
    for key, values in found.items():
        assert (use[key] and use[key]["n"]) == (len(values) or None), key
        if values:
            assert use[key]["value"] == pytest.approx(statistics.fmean(values)), key
    assert bool(found["to_shown"]) is (name != "none")
    assert bool(found["to_chosen"]) is (name != "chosen")


@pytest.mark.slow
def test_a_design_is_shown_with_its_proposal_and_the_claims_as_a_table(agentarch, runs):
    with open_run(runs["chosen"]) as run:
        record = next(one for one in run.state.proposals.values() if run.state.scored(one.design_id or ""))
        lessons = lessons_summary(run.state)
    said = agentarch("show", runs["chosen"], record.design_id, "--json").json["proposal"]
    assert said["id"] == record.id
    assert said["model"] == MODEL
    assert said["claim"] == record.draft["claim"]
    assert said["review"] == {"decision": "approve", "reason": record.review["reason"], "by": "timeout"}
    told = agentarch("show", runs["chosen"], record.design_id).out
    for text in (
        f"{record.id}, queued",
        MODEL,
        record.draft["claim"],
        "predicted +0.050",
        "approve by timeout",
    ):
        assert text in told
    assert agentarch("show", runs["chosen"], "--lessons", "--json").json["lessons"] == lessons
    assert lessons[0]["claim"] in agentarch("show", runs["chosen"], "--lessons").out
    both = agentarch("show", runs["chosen"], record.design_id, "--lessons")
    assert both.exit_code == 2
    assert "--lessons" in both.err


@pytest.mark.slow
def test_an_edit_by_a_person_is_in_the_lineage_and_is_no_models_work(runs, tmp_path):
    folder = shutil.copytree(runs["none"], tmp_path / "edited")
    about = {"rationale": "", "claim": "", "predicted_change": None, "builds_on": [], "holes": []}
    sources = [author.source(number) for number in (9001, 9002)]
    with open_run(folder) as run:
        before = report_data(run)["authoring"]["uses"][0]["proposals"]
        brief = next(iter(run.state.proposals.values())).brief
        run.store.note("begun", proposal="p900", brief=brief)
        draft = {**about, "name": "mine", "source": sources[0]}
        run.store.note("drafted", proposal="p900", draft=draft, shown=[], answered_by=MODEL)
        first, second = (
            read_design(Proposal(source, "mine", operator=operator), run.kind.contract)
            for source, operator in zip(sources, ("invent", "edit"), strict=True)
        )
        second = read_design(
            Proposal(sources[1], "mine", proposer="person", operator="edit", parents=(first.id,)),
            run.kind.contract,
        )
        run.store.add_design(first, [Request(first.id, "tiny", 0, 0)], "search", of="p900")
        run.store.note("checked", proposal="p900")
        run.store.ask_for_review("p900", {"design": first.id})
        decision = {"decision": "edit", "reason": "too wide", "by": "anna", "source": sources[1]}
        assert run.store.review("p900", decision)
        run.store.add_design(second, [Request(second.id, "tiny", 0, 0)], "search", of="p900")
        child = read_design(Proposal(author.source(9003), "child", parents=(second.id,)), run.kind.contract)
        run.store.add_design(child, [Request(child.id, "tiny", 0, 0)], "search")
    with open_run(folder) as run:
        made = report_data(run)["authoring"]
        assert made["uses"][0]["proposals"] == before
        assert made["reviews"][-1] == {
            "proposal": "p900", "name": "mine", "decision": "edit", "reason": "too wide", "by": "anna"
        }  # fmt: skip
        assert [one["edited_by"] for one in design_summary(run.state, child)["lineage"]] == ["anna", None]
        assert design_account(run.state, first.id)["became"] == second.id
        assert design_account(run.state, child.id) is None
    said = commands.run("show", folder, child.id, folder=tmp_path).out
    assert "edited by anna" in said


@pytest.mark.slow
def test_a_run_that_waits_says_so_and_for_how_long(executor, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_SECONDS", 0.0)
    shows = Console(file=io.StringIO(), width=400)
    with ModelServer(author.write, fault_for=lambda request: "503") as server:
        asked = {"model": MODEL, "base_url": (server.base_url,), "price": ("1,5",), "model_deadline": "1s"}
        file = str(commands.TINY_FILE)
        config = make_config(
            {"tasks": file, "evaluations": 60, "seed": 1, "max_usd": 2.0, "controls": False} | asked
        )
        create_run(config, tmp_path / "run")
        with open_run(tmp_path / "run") as run:
            engine = make_engine(run, executor)
            with progress.watcher(shows, config, tmp_path / "run", lambda: engine.paused_seconds) as watch:

                def look(state):
                    watch(state)
                    if "tried again in" in shows.file.getvalue():
                        engine.stop("interrupted")

                assert engine.run(look) == "interrupted"
            assert run.state.proposals.live
    told = shows.file.getvalue()
    assert re.search(r"a provider cannot be reached: proposals wait, and it is tried again in [\d.]+ ", told)
    assert "$0.0000 of $2.00" in told


# What is refused, and what is left away.


@pytest.fixture(scope="module")
def made_run():
    """A function that makes a run in which nothing has happened; a server is there, and is not asked."""
    with ModelServer(author.write) as server:

        def make(folder, **changed):
            asked = {"model": MODEL, "base_url": (server.base_url,), "price": ("1,5",), "seed": 1}
            create_run(make_config({"tasks": str(commands.TINY_FILE), **asked, **changed}), folder)
            return folder

        yield make


def written_task(file, number=0):
    """A file with a task of one's own, which differs from others by a number."""
    file.write_text(
        f"from support.tiny import Tiny\n\n\nclass Mine(Tiny):\n    name = 'mine'\n    version = {number}\n"
    )
    return str(file)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"model": "openai/another"}, "models: openai/test-model, and openai/another there"),
        (
            {"role_model": {"judge": "openai/x"}},
            "models: openai/test-model, and openai/test-model, judge=openai/x",
        ),
        ({"top_rung": 1}, "rungs: up to 2, and up to 1 there"),
        ({"tasks": "mine"}, "tasks: tiny, and mine there"),
    ],
)
def test_runs_that_differ_in_more_than_what_was_shown_are_not_compared(changed, named, made_run, tmp_path):
    if "tasks" in changed:
        changed = {"tasks": written_task(tmp_path / "mine.py")}
    mine, other = made_run(tmp_path / "mine"), made_run(tmp_path / "other", **changed)
    with open_run(mine) as run, open_run(other) as theirs, pytest.raises(UsageError, match=re.escape(named)):
        check_comparable(run, theirs)


def test_a_task_that_changed_between_two_runs_is_named(made_run, tmp_path):
    folders = [
        made_run(tmp_path / f"run{number}", tasks=written_task(tmp_path / "mine.py", number))
        for number in range(2)
    ]
    with (
        open_run(folders[0]) as run,
        open_run(folders[1]) as other,
        pytest.raises(UsageError, match="mine changed"),
    ):
        check_comparable(run, other)


def test_runs_that_differ_in_what_was_shown_alone_stand_beside_one_another_and_only_once(
    agentarch, made_run, tmp_path
):
    mine = made_run(tmp_path / "mine")
    other = made_run(tmp_path / "other", placebo="none", seed=2, reflect=False)
    said = agentarch("report", mine, "--beside", other, "--json")
    assert said.exit_code == 0, said.err
    assert said.json["authoring"]["notes"] == [f"{other} also differs in: reflect."]
    assert "cannot be told" in said.json["authoring"]["comparisons"][0]["sentence"]
    again = agentarch("report", mine, "--beside", other, "--beside", other)
    assert again.exit_code == 2
    assert "in the report already" in again.err


@pytest.mark.slow
def test_a_run_without_models_has_none_of_these_sections_and_nothing_to_put_beside_it(
    agentarch, finished_run
):
    with open_run(finished_run.folder) as run:
        data = report_data(run)
    assert data["authoring"] is None
    page = parsed(render_page(data))
    for part in ("models", "proposals", "lessons", "archive-use"):
        assert page.find(f".//section[@id='{part}']") is None
    said = agentarch("report", finished_run.folder, "--beside", finished_run.folder)
    assert said.exit_code == 2
    assert "no language model" in said.err


# What runs can tell of showing the chosen parents.


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
    (found,) = compare([use("chosen", 5, 25), use("none", 5, 5)])
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


# The docs.


def test_the_figure_in_the_docs_is_the_graph():
    text = (Path(__file__).parent.parent / "docs" / "meta-agent.md").read_text()
    (figure,) = re.findall(r"```mermaid\n(.*?)```", text, re.DOTALL)
    assert figure.strip() == as_mermaid().strip()


def test_every_kind_of_event_that_a_run_writes_is_in_the_tour_of_the_house():
    root = Path(__file__).parent.parent
    code = "".join(file.read_text() for file in (root / "agentarch" / "search" / "authoring").glob("*.py"))
    tour = (root / "docs" / "architecture.md").read_text()
    kinds = set(re.findall(r'\.note\(\s*"(\w+)"', code))
    assert kinds
    assert not [kind for kind in kinds if f"`{kind}`" not in tour]
