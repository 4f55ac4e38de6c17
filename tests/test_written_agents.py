"""Agents that a language model writes and that ask another one: real boxes, a server on loopback, kills and reviews."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from support import author, commands, logs, riddles
from support.model_runs import begun, wait
from support.model_server import ModelServer, Request

pytestmark = pytest.mark.slow

SOLVER, WRITER = "openai/solver", "openai/writer"
EVALUATIONS = 130
TRANSIENT = ("500", "429", "reset", "cut_body", "wrong_json")


def write_or_solve(request: Request) -> str:
    """Answer whoever asks: with a design, or with what a small model knows of riddles."""
    if request.model.endswith("writer"):
        return author.write_agent(request)
    return riddles.reply(request.prompt, request.number)


def search(folder: Path, server: ModelServer, *more: object) -> list[object]:
    """Return the arguments of a search over agents in which one model writes and another one solves."""
    few = folder.parent / "few.py"
    few.write_text(Path(riddles.__file__).read_text().replace("(8, 30, 40)", "(8, 10, 12)"))
    return [
        *("search", "--kind", "agent", "--tasks", few, "--evaluations", EVALUATIONS),
        *("--model", WRITER, "--solve-with", SOLVER, "--base-url", server.base_url, "--price", "1,5"),
        *("--workers", 2, "--seed", 1, "--no-controls", "--run-dir", folder, "--json", *more),
    ]


def designs(folder: Path) -> list[dict]:
    """Return the designs of a run, as the log says."""
    return [json.loads(body)["design"] for _, _, kind, body in logs.rows(folder) if kind == "proposed"]


def evaluations(folder: Path) -> list[dict]:
    """Return the evaluations of a run that ended, as the log says."""
    return [json.loads(row[3])["evaluation"] for row in logs.evaluated(folder)]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What a search said whose server fails one time in twenty, its folder, what the server counted, and was asked."""
    folder = tmp_path_factory.mktemp("written") / "run"
    with ModelServer(write_or_solve, fault_rate=0.05, fault_kinds=TRANSIENT, seed=3) as server:
        said = commands.run(*search(folder, server), folder=folder.parent)
        assert said.exit_code == 0, said.err
        return said.json, folder, server.as_json(), list(server.log)


def test_agents_that_a_model_wrote_are_scored_beside_the_seeds(told):
    summary, folder, *_ = told
    written = [one for one in designs(folder) if one["proposer"] not in ("seeds", "random")]
    assert len(written) >= 4
    scored = {one["request"]["design_id"] for one in evaluations(folder) if one["score"] is not None}
    assert sum(one["id"] in scored for one in written) >= 4
    assert summary["verdict"] is not None


def test_no_fault_of_a_provider_is_a_fault_of_a_design(told):
    summary, folder, *_ = told
    assert summary["ledger"]["retries"] > 20
    assert summary["outcomes"] == {"scored": summary["evaluations"]}
    reasons = Counter(reason for one in evaluations(folder) for reason in one["report"]["reasons"])
    assert not reasons, reasons


def test_writing_and_solving_stand_apart_in_the_ledger_and_equal_what_the_server_counted(told):
    summary, _, counted, _ = told
    ledger = summary["ledger"]
    assert set(ledger["by_model"]) == {SOLVER, WRITER}
    assert ledger["requests"] == counted["requests"]
    assert ledger["by_model"][SOLVER]["requests"] > 10 * ledger["by_model"][WRITER]["requests"] > 0


def test_the_writer_is_shown_agents_and_never_a_question(told):
    prompts = [one.system + one.prompt for one in told[3] if one.model.endswith("writer")]
    assert prompts
    assert all("async def solve(question, model)" in one for one in prompts)
    questions = {one.prompt for one in told[3] if not one.model.endswith("writer")}
    names = {name for question in questions for name in re.findall(r"boss of ([A-Z]\w+)", question)}
    assert len(names) > 20
    shown = {name for name in names if any(f"boss of {name}" in prompt for prompt in prompts)}
    assert not shown


def test_a_run_over_agents_that_is_killed_goes_on_and_pays_for_no_answer_twice(tmp_path):
    folder = tmp_path / "run"
    with ModelServer(write_or_solve) as server:
        with begun(*search(folder, server), folder=tmp_path) as process:
            wait(process, lambda: len(logs.evaluated(folder)) >= 25, "evaluations are recorded")
        before = logs.evaluated_in_a_copy(folder, tmp_path / "copy")
        said = commands.run("resume", folder, "--json", folder=tmp_path)
        assert said.exit_code == 0, said.err
        counted = server.as_json()["requests"]
    logs.check_consistent(folder, said.json["evaluations"])
    assert logs.evaluated(folder)[: len(before)] == before
    ledger = said.json["ledger"]
    under_way = 2 * 64  # what two boxes may have had in flight when it was killed
    assert abs(counted - ledger["requests"]) <= under_way
    assert ledger["cache_hits"] > 0, "what was answered before the kill was asked again"


def test_an_agent_waits_for_a_person_and_is_scored_once_it_is_approved(tmp_path):
    folder = tmp_path / "run"

    def waiting() -> list[dict]:
        listed = commands.run("review", folder, "--list", "--json", folder=tmp_path)
        return listed.json["pending"] if listed.exit_code == 0 else []

    def rungs(one: dict) -> set[int]:
        done = evaluations(folder)
        return {e["request"]["rung"] for e in done if e["request"]["design_id"] == one["design"]}

    with (
        ModelServer(write_or_solve) as server,
        begun(*search(folder, server, "--review", "gate"), folder=tmp_path) as process,
    ):
        wait(process, lambda: len(waiting()) >= 2, "proposals wait")
        first, second = waiting()[:2]
        shown = commands.run("review", folder, "--show", first["id"], folder=tmp_path)
        assert "async def solve" in shown.out
        for one, decision in ((first, "--approve"), (second, "--reject")):
            decided = commands.run("review", folder, decision, one["id"], "--reason", "no", folder=tmp_path)
            assert decided.exit_code == 0, decided.err
        wait(process, lambda: rungs(first) == {0, 1}, "the approved one is scored")
        assert rungs(second) == {0}
