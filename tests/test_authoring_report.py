"""What a report, `show` and the progress of a search say of language models, from real runs against a real server."""

import io
import re
import shutil
import statistics

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
from agentarch.search.authoring.accounts import design_account, lessons_summary
from agentarch.search.session import create_run, make_engine, open_run
from agentarch.search.summary import design_summary

EVALUATIONS = 40
MODEL = "openai/test-model"
MOST_LOOKS = 600
"""More than a run takes until it waits; so a test that is to fail ends."""

HASTY_REVIEW = ("--review", "gate", "--review-timeout", "0.1s", "--on-timeout", "approve")
SETTINGS = {
    "chosen": ("--max-usd", 5, "--no-controls", *HASTY_REVIEW),
    "shuffled": ("--no-controls",),
    "none": (),
}


@pytest.fixture(scope="module")
def servers():
    """A server for each run, so that each counts what its run asked."""
    with (
        ModelServer(author.write, cached_tokens=100, faults=("503",)) as chosen,
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
        asked = ("--model", MODEL, "--base-url", server.base_url, "--price", "1,5")
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
    assert made["ledger"]["failed"] == made["ledger"]["retries"] == 1
    status = agentarch("status", runs["chosen"], "--json").json["ledger"]
    count = servers["chosen"].count
    assert made["ledger"] == status
    assert made["ledger"]["requests"] == count.requests
    assert made["ledger"]["input_tokens"] == count.input_tokens
    assert made["ledger"]["output_tokens"] == count.output_tokens
    assert made["ledger"]["cached_tokens"] == count.cached_tokens > 0
    assert made["ceilings"] == {"dollars": 5.0, "tokens": None, "requests": None}


@pytest.mark.slow
def test_what_an_elite_and_a_gain_cost_is_everything_spent_over_those_that_proposals_brought(runs):
    with open_run(runs["chosen"]) as run:
        own = run.state.proposals.of_design
        elites = {one.design.id for one in run.state.archive.elites.values()} & own.keys()
        run.state.enriched.clear()
        others = [*own][: 2 if len(elites) == 1 else 1]  # not as many as there are elites
        run.state.enriched.update([*run.state.designs][:3], others)
        gained = len(run.state.enriched & own.keys())
        made = report_data(run)["authoring"]
    assert made["dollars_per_elite"] == pytest.approx(made["ledger"]["dollars"] / len(elites))
    assert made["dollars_per_gain"] == pytest.approx(made["ledger"]["dollars"] / gained)
    assert len(elites) != gained


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
        log, designs = list(run.store.events()), run.state.designs
        briefs = [one.brief for one in run.state.proposals.values()]
        told = {one for brief in briefs for key in ("parents", "elites", "chosen") for one in brief[key]}
        random_one = next((one for one in designs if one not in told), None)
        if random_one:  # as if a control had proposed it
            run.state.arm_of[random_one] = "random"
        use = report_data(run)["authoring"]["uses"][0]
    sources, known, begun, last = {}, [], {}, {}
    for event in log:
        is_of_the_search = event.kind == "proposed" and event.body["arm"] == "search"
        if is_of_the_search and event.body["design"]["id"] != random_one:
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
    shows, looks = Console(file=io.StringIO(), width=400), []
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
                    looks.append(1)
                    watch(state)
                    if "tried again in" in shows.file.getvalue() or len(looks) > MOST_LOOKS:
                        engine.stop("interrupted")

                assert engine.run(look) == "interrupted"
            assert run.state.proposals.live
    told = shows.file.getvalue()
    assert re.search(r"a provider cannot be reached: proposals wait, and it is tried again in [\d.]+ ", told)
    assert "$0.0000 of $2.00" in told


def put_before_a_person(folder):
    """Write a proposal into a run's log that waits for a review."""
    brief = {
        "operator": "invent",
        "model": MODEL,
        "pack": "0",
        "placebo": None,
        "parents": [],
        "reflects": False,
    }
    draft = {
        "name": "mine",
        "source": author.source(7),
        "rationale": "",
        "claim": "",
        "predicted_change": None,
    }
    with open_run(folder) as run:
        run.store.note("begun", proposal="p1", brief={**brief, "chosen": [], "elites": [], "fills": None})
        run.store.note("drafted", proposal="p1", draft=draft, shown=[], answered_by=MODEL)
        design = read_design(Proposal(draft["source"], "mine"), run.kind.contract)
        run.store.add_design(design, [Request(design.id, "tiny", 0, 0)], "search", of="p1")
        run.store.note("checked", proposal="p1")
        run.store.ask_for_review("p1", {"design": design.id})


@pytest.mark.parametrize("is_terminal", [True, False], ids=["terminal", "file"])
def test_progress_says_what_waits_for_a_review_and_what_to_type(is_terminal, made_run, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_SECONDS", 0.0)
    monkeypatch.setattr(progress, "LIVE_SECONDS", 0.0)
    folder = made_run(tmp_path / "run", max_usd=3.0, max_requests=9)
    put_before_a_person(folder)
    for paused in (0.0, 12.0):
        shows = Console(file=io.StringIO(), width=300, force_terminal=is_terminal)
        with (
            open_run(folder) as run,
            progress.watcher(shows, run.config, folder, lambda paused=paused: paused) as watch,
        ):
            watch(run.state)
        told = shows.file.getvalue()
        command = f"agentarch review {folder}"
        assert f"0 being written, 0 in their smoke runs, 1 proposal waits for a review: {command}" in told
        assert "$0.0000 of $3.00, 0 of 9 requests" in told
        assert ("cannot be reached: proposals wait, and it is tried again in 12 s" in told) is (paused > 0)


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
