"""`agentarch route` on a run: it tells, keeps, draws and writes the router, and pays once."""

import json
import re

import pytest
from support import commands, written_runs
from support.model_server import ModelServer
from support.routers import CHEAP, COUNTING, DEAR
from support.written_runs import read

from agentarch.search.session import only_engine


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    pool = [(read(CHEAP, "cheap"), "finalist"), (read(DEAR, "dear"), "best seed")]
    with ModelServer(reply=lambda request: written_runs.says(request.prompt)) as server:
        about = {"solve_with": written_runs.MODEL, "base_url": (server.base_url,), "price": ("1,5",)}
        yield written_runs.write_run(folder, pool, has_finish=False, **about), server


def command(run, *more):
    return commands.run("route", run, *more, folder=run.parent, OPENAI_API_KEY="", OPENAI_BASE_URL="")


def test_the_command_tells_keeps_draws_and_writes_the_router_and_pays_once(run):
    folder, server = run
    numbers = ("--questions", 90, "--held-out", 60)
    before = server.count.requests
    said = command(folder, *numbers, "--json", "--out", "router.py")
    assert said.exit_code == 0, said.err
    assert re.search(r"route: \d of \d+ sheets of questions answered, about .+ left\n", said.err)
    found = said.json
    assert found["helps"]
    assert found["asked_before"] == {"fitted_on": 0, "questions": 0}
    assert found["kept"][0] >= 0.95
    assert found["token_share"] <= 0.6
    assert (found["fitted_on"], found["questions"]) == (90, 60)
    source = (folder.parent / "router.py").read_text()
    assert read(source, "router").id == found["design"]
    assert json.loads((folder / "routes" / "route.json").read_text())["kept"] == found["kept"]
    page = (folder / "route.html").read_text()
    assert "<svg" in page
    assert "<script" not in page
    asked = server.count.requests
    assert asked - before == 150 * 3
    again = command(folder, *numbers)
    assert again.exit_code == 0, again.err
    assert server.count.requests == asked
    assert "oracle" in again.out
    assert "held-out questions" in " ".join(again.out.split())
    dearer = command(folder, *numbers, "--price", 0, "--json").json
    assert dearer["asked_to_keep"] is None
    assert dearer["price"] == 0
    assert server.count.requests == asked


def test_what_cannot_be_written_is_asked_nothing_and_names_are_clean_in_every_file(tmp_path, run):
    _, server = run
    pool = [
        (read(CHEAP, "cheap\x1b[31m\nred"), "finalist"),
        (read(DEAR, "dear"), "best seed"),
        (read(COUNTING, "counting\x1b[31m"), "elite"),
    ]
    about = {"solve_with": written_runs.MODEL, "base_url": (server.base_url,), "price": ("1,5",)}
    folder = written_runs.write_run(tmp_path, pool, has_finish=False, **about)
    before = server.count.requests
    said = command(folder, "--questions", 60, "--held-out", 30, "--json")
    assert said.exit_code == 0, said.err
    assert server.count.requests - before == 90 * 3
    ((name, why),) = said.json["left_out"].items()
    assert name.startswith("counting (")
    assert "global N" in why
    assert set(said.json["names"].values()) == {"cheap red", "dear"}
    for file in ("routes/router.py", "routes/route.json", "route.html"):
        text = (folder / file).read_text()
        assert "\x1b" not in text
        assert "u001b" not in text


def test_it_tells_how_many_questions_of_a_pool_the_run_had_asked(tmp_path, run, monkeypatch):
    _, server = run
    pooled = written_runs.TASK.replace("rng([seed, len(split)])", "rng(len(split))")
    monkeypatch.setattr(written_runs, "TASK", pooled.replace("QuestionRung(30)", "QuestionRung(60)"))
    pool = [(read(CHEAP, "cheap"), "finalist"), (read(DEAR, "dear"), "best seed")]
    about = {"solve_with": written_runs.MODEL, "base_url": (server.base_url,), "price": ("1,5",)}
    folder = written_runs.write_run(tmp_path, pool, has_finish=False, **about)
    numbers = ("--questions", 60, "--held-out", 60)
    said = command(folder, *numbers, "--json")
    assert said.exit_code == 0, said.err
    assert said.json["asked_before"] == {"fitted_on": 60, "questions": 0}
    assert "had asked 60 of the questions it was fitted on before" in command(folder, *numbers).out


def test_what_cannot_be_done_is_refused_and_says_what_to_do(run, tmp_path):
    folder, server = run
    both = command(folder, "--keep", 0.9, "--price", 1)
    assert both.exit_code == 2
    assert "--keep and --price" in both.err
    (tmp_path / "there.py").write_text("")
    there = command(folder, "--out", tmp_path / "there.py")
    assert there.exit_code == 2
    assert "left alone" in there.err
    with only_engine(folder):
        busy = command(folder)
    assert busy.exit_code == 1
    assert "being driven" in busy.err
    about = {"solve_with": written_runs.MODEL, "base_url": (server.base_url,), "price": ("1,5",)}
    alone = written_runs.write_run(tmp_path, [(read(CHEAP, "cheap"), "finalist")], has_finish=False, **about)
    few = command(alone)
    assert few.exit_code == 1
    assert "two at least" in few.err
