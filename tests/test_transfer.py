"""What a search found is looked at elsewhere once, each design against the control, and paid for once."""

import json
import os
import signal
import time

import numpy as np
import pytest
from support import commands, written_runs
from support.model_server import ModelServer
from support.processes import wait_until
from support.written_runs import MODEL, read, says, task_file, write_run

from agentarch.evaluation import Outcome
from agentarch.scoring import difference
from agentarch.search.answered import score_of
from agentarch.search.state import SEED_OPERATOR

CHEAP = read(
    'async def solve(question, model):\n    return await model.ask(f"Short: {question}")\n',
    "cheap",
    SEED_OPERATOR,
)
DEAR = read(
    """PROMPT = "Think long " + "and hard " * 30 + ": {question}"


async def solve(question, model):
    return await model.ask(PROMPT.format(question=question))
""",
    "dear",
)
FAILING = read("async def solve(question, model):\n    raise ValueError('no')\n", "failing")
LINE_UP = [(DEAR, "finalist"), (CHEAP, "best seed")]


@pytest.fixture(scope="module")
def server():
    with ModelServer(reply=lambda request: says(request.prompt)) as running:
        yield running


def about(server):
    return {"solve_with": MODEL, "base_url": (server.base_url,), "price": ("1,5",)}


def transfer(run, *more):
    return commands.run("transfer", run, *more, folder=run.parent, OPENAI_API_KEY="", OPENAI_BASE_URL="")


def other(tmp_path):
    """Write a task that asks otherwise than the run's own."""
    file = task_file(tmp_path, "other")
    file.write_text(file.read_text().replace('"rival"', '"home"'))
    return file


def against_all_right(score, finalists=2, questions=30):
    """Return how far answers that are all right are above others: 95% for all finalists together."""
    right = round(score * questions)
    sheets = [
        {"": {0: score_of(np.repeat([1.0, 0.0], [one, questions - one]))}} for one in (questions, right)
    ]
    return difference(*sheets, {}, 1 - 0.05 / finalists)


def test_finalists_are_compared_with_the_control_on_another_task_once(tmp_path, server):
    run = write_run(tmp_path, [*LINE_UP, (FAILING, "finalist")], **about(server))
    before = server.count.requests
    said = transfer(run, "--tasks", other(tmp_path), "--json", "--out", "found.json")
    assert said.exit_code == 0, said.err
    (found,) = said.json["transfers"]
    assert (found["task"], found["model"], found["look"], found["questions"]) == ("other", MODEL, 1, 30)
    rows = {row["name"]: row for row in found["rows"]}
    assert rows["dear"]["is_leader"]
    assert rows["dear"]["score"] == 1
    assert rows["dear"]["low"] < 1
    assert rows["dear"]["tokens"] > rows["cheap"]["tokens"] > 0
    assert rows["dear"]["dollars"] > 0
    assert rows["dear"]["against_control"]["low"] > 0
    assert rows["dear"]["against_control"]["n"] == 30
    assert rows["dear"]["against_control"]["low"] == pytest.approx(
        against_all_right(rows["cheap"]["score"]).low
    )
    assert rows["cheap"]["against_control"] is None
    assert rows["failing"]["score"] is None
    assert Outcome.INVALID.value in rows["failing"]["reason"]
    assert "beats cheap on other" in found["sentence"]
    assert "little is left" in found["warning"]
    assert server.count.requests - before == 60
    assert json.loads((tmp_path / "found.json").read_text()) == said.json
    status = commands.run("status", run, "--json", folder=tmp_path).json
    assert status["ledger"]["requests"] == 60  # what it cost stands in the run's books

    again = transfer(run, "--tasks", "other.py")
    assert again.exit_code == 0, again.err
    assert "was looked at already" in again.err
    assert "beats cheap" in " ".join(again.out.split())
    assert server.count.requests - before == 60

    otherwise = transfer(run, "--tasks", "other.py", "--questions", 20)
    assert otherwise.exit_code == 2
    assert "--force" in otherwise.err
    written = tmp_path / "other.py"
    written.write_text(written.read_text().replace('"friend"', '"founder"'))
    changed = transfer(run, "--tasks", "other.py")
    assert changed.exit_code == 2
    assert "asked otherwise" in changed.err
    forced = transfer(run, "--tasks", "other.py", "--questions", 20, "--force")
    assert "look number 2" in forced.out
    kept = json.loads((run / "transfers.json").read_text())
    assert [one["look"] for one in kept] == [1, 2]


def questions_file(folder, count=120):
    """Write a file of questions that a test can answer; return it as a task."""
    rng = np.random.default_rng(0)
    lines = []
    for _ in range(count):
        hops = int(rng.integers(1, 5))
        name = "".join(rng.choice(list("abcdefgh"), 9)).title()
        question = f"Who is {'the friend of ' * hops}{name}?"
        lines.append(json.dumps({"question": question, "answer": "yes" if hops % 2 else "no"}))
    (folder / "mine.jsonl").write_text("\n".join(lines))
    return "jsonl:mine.jsonl"


def test_a_file_with_fewer_questions_than_wanted_is_looked_at_once_and_a_second_look_says_what_was_asked(
    tmp_path, server
):
    run, mine = write_run(tmp_path, LINE_UP, **about(server)), questions_file(tmp_path)
    more = ("--rung", 1, "--questions", 90, "--json")
    first = transfer(run, "--tasks", mine, *more)
    assert first.exit_code == 0, first.err
    (found,) = first.json["transfers"]
    assert found["wanted"] == 90
    assert 20 <= found["questions"] <= 45
    assert found["asked_before"] == 0
    before = server.count.requests
    again = transfer(run, "--tasks", mine, *more)
    assert again.exit_code == 0, again.err
    assert again.json == first.json
    elsewhere = transfer(run, "--tasks", f"jsonl:{tmp_path / 'mine.jsonl'}", *more)
    assert elsewhere.json == first.json  # one file is one task, whatever it is called
    assert server.count.requests == before
    forced = transfer(run, "--tasks", mine, *more, "--force")
    (second,) = forced.json["transfers"]
    assert (second["look"], second["asked_before"]) == (2, second["questions"])
    told = transfer(run, "--tasks", mine, *more[:-1])
    assert f"{second['questions']} of the {second['questions']} questions were asked before" in told.out


def test_a_copy_of_the_runs_own_task_is_the_same_task(tmp_path, server):
    run = write_run(tmp_path, LINE_UP, **about(server))
    same = transfer(run, "--tasks", task_file(tmp_path, "renamed"))
    assert same.exit_code == 2
    assert "what the run itself was about" in same.err


def test_a_task_that_has_changed_since_the_run_began_is_refused(tmp_path, server):
    run = write_run(tmp_path, LINE_UP, **about(server))
    file = tmp_path / "steps.py"
    file.write_text(file.read_text().replace('"friend"', '"founder"'))
    changed = transfer(run, "--models", "openai/another", "--base-url", server.base_url, "--price", "1,5")
    assert changed.exit_code == 2
    assert "has changed since the run" in changed.err


def test_what_a_failing_design_cost_is_told(tmp_path, server):
    costly = read(
        "async def solve(question, model):\n"
        "    await model.ask(f'Short: {question}')\n"
        "    raise ValueError('no')\n",
        "costly",
    )
    run = write_run(tmp_path, [*LINE_UP, (costly, "finalist")], **about(server))
    said = transfer(run, "--tasks", other(tmp_path), "--json")
    (row,) = [one for one in said.json["transfers"][0]["rows"] if one["name"] == "costly"]
    assert row["score"] is None
    assert row["dollars"] > 0


def test_another_model_is_asked_in_the_place_of_the_runs(tmp_path, server):
    run = write_run(tmp_path, LINE_UP, **about(server))
    before = server.count.by_model["another"]["requests"]
    price = ("--price", "1,5", "--base-url", server.base_url)
    said = transfer(run, "--models", f"openai/another,{MODEL}", *price, "--questions", 20, "--json")
    assert said.exit_code == 0, said.err
    assert "what the run itself was about" in said.err
    (found,) = said.json["transfers"]
    assert (found["task"], found["model"], found["questions"]) == ("steps", "openai/another", 20)
    assert server.count.by_model["another"]["requests"] - before == 60  # sheets are whole: 30 questions each


def test_questions_that_the_run_itself_has_asked_are_told(tmp_path, server, monkeypatch):
    monkeypatch.setattr(written_runs, "TASK", written_runs.TASK.replace("rng([seed, len(split)])", "rng(0)"))
    run = write_run(tmp_path, LINE_UP, **about(server))
    price = ("--price", "1,5", "--base-url", server.base_url)
    said = transfer(run, "--models", "openai/another", *price, "--rung", 1, "--questions", 30, "--json")
    assert said.exit_code == 0, said.err
    (found,) = said.json["transfers"]
    assert (found["asked_before"], found["questions"]) == (30, 30)


def test_one_that_is_killed_goes_on_and_pays_for_nothing_twice(tmp_path):
    def slow(request):
        time.sleep(0.02)
        return says(request.prompt)

    with ModelServer(reply=slow) as server:
        run = write_run(tmp_path, LINE_UP, **about(server))
        arguments = ("transfer", run, "--tasks", other(tmp_path), "--questions", 90, "--json")
        environment = {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": ""}
        process = commands.start(*arguments, folder=tmp_path, **environment)
        sheets = run / "sheets"
        wait_until(lambda: sheets.is_dir() and len(list(sheets.glob("*.json"))) >= 2, "sheets", seconds=120)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert not (run / "transfers.json").exists()
        said = commands.run(*arguments, folder=tmp_path, **environment)
        assert said.exit_code == 0, said.err
        assert said.json["transfers"][0]["questions"] == 90
        assert len(list(sheets.glob("*.json"))) == 6
        assert server.count.requests <= 180 + 8  # but for what was under way


def test_one_that_is_interrupted_says_to_go_on_with_the_same_command(tmp_path):
    def slow(request):
        time.sleep(0.02)
        return says(request.prompt)

    with ModelServer(reply=slow) as server:
        run = write_run(tmp_path, LINE_UP, **about(server))
        arguments = ("transfer", run, "--tasks", other(tmp_path), "--questions", 300)
        process = commands.start(*arguments, folder=tmp_path, OPENAI_API_KEY="", OPENAI_BASE_URL="")
        sheets = run / "sheets"
        wait_until(lambda: sheets.is_dir() and list(sheets.glob("*.json")), "a sheet", seconds=120)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130
    assert "Go on with the same command" in err


def test_a_ceiling_in_dollars_holds_and_what_was_answered_is_kept(tmp_path, server):
    run = write_run(tmp_path, LINE_UP, **about(server), max_usd=0.00001)
    said = transfer(run, "--tasks", other(tmp_path))
    assert said.exit_code == 1
    assert "--max-usd" in said.err
    assert "same command" in said.err
    more = transfer(run, "--tasks", "other.py", "--max-usd", 5)
    assert more.exit_code == 0, more.err


@pytest.mark.parametrize(
    ("has_finish", "arguments", "why"),
    [
        (False, ("--tasks", "other.py"), "no verdict yet"),
        (True, (), "own tasks and models"),
        (True, ("--tasks", "nowhere.py"), "no task file"),
        (True, ("--tasks", "other.py", "--rung", 7), "rungs 0 to 2"),
        (True, ("--models", "openai/another", "--rung", 9), "rungs 0 to 2"),
        (True, ("--tasks", "other.py,other.py"), "named twice"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_reason(tmp_path, server, has_finish, arguments, why):
    run = write_run(tmp_path, LINE_UP, has_finish, **about(server))
    other(tmp_path)
    said = transfer(run, *arguments)
    assert said.exit_code == 2
    assert why in said.err


def test_a_run_over_networks_is_refused(confirmed_run):
    for command in ("route", "transfer"):
        said = commands.run(command, confirmed_run.folder, folder=confirmed_run.folder.parent)
        assert said.exit_code == 2
        assert "--kind agent" in said.err
