"""Any person or program can be the model: questions are files, answers are files, and a kill loses neither."""

from pathlib import Path

import pytest
from support import author, commands
from support.model_runs import begun, interrupt, requests_for, search, told, wait

pytestmark = pytest.mark.slow

IN_FLIGHT = 3


def prompts(run: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in sorted((run / "prompts").glob("*.md"))}


def answer(run: Path, name: str, number: int) -> str:
    """Write an answer by hand, as a fenced block with a few words around it, and return the design."""
    source = author.source(number)
    (run / "answers" / name).write_text(f"Here is my design.\n\n```python\n{source}```\n")
    return source


def sources(run: Path) -> set[str]:
    return {one["draft"]["source"].strip() for one in told(run, "drafted")}


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A run that a person answered: while it ran, while it was killed, and that was interrupted in the end."""
    run = tmp_path_factory.mktemp("manual") / "run"
    arguments = search(
        run,
        None,
        60,
        "--model",
        "manual",
        "--no-reflect",
        "--proposals-in-flight",
        IN_FLIGHT,
        "--max-usd",
        "1",
    )
    seen = {"folder": run}
    with begun(*arguments, folder=run.parent) as process:
        wait(process, lambda: len(prompts(run)) >= IN_FLIGHT, "several questions are there")
        seen["prompts"] = prompts(run)
        first, second, third = list(prompts(run))[:3]
        seen["while running"] = answer(run, first, 50_001).strip()
        wait(process, lambda: seen["while running"] in sources(run), "an answer is taken")
        process.kill()
        seen["killed"] = commands.finish(process)
    seen["sources at kill"] = sources(run)
    seen["while killed"] = answer(run, second, 50_002).strip()
    with begun("resume", run, "--json", folder=run.parent) as process:
        wait(process, lambda: seen["while killed"] in sources(run), "the answer is taken after the kill")
        seen["later"] = answer(run, third, 50_003).strip()
        wait(process, lambda: len(told(run, "accepted")) >= 3, "what was answered is accepted")
        seen["interrupt"] = interrupt(process)
    seen["status"] = commands.run("status", run, "--json", folder=run.parent).json
    return seen


def test_several_questions_are_readable_files_that_say_where_the_answer_goes(played):
    assert len(played["prompts"]) == IN_FLIGHT
    for name, text in played["prompts"].items():
        assert f"../answers/{name}" in text.splitlines()[0]
        assert "def build(spec)" in text
        assert "tiny" in text


def test_an_answer_is_taken_while_others_are_awaited(played):
    assert played["while running"] in played["sources at kill"]
    assert played["while killed"] not in played["sources at kill"]


def test_an_answer_given_while_the_run_was_killed_is_taken_when_it_goes_on(played):
    run = played["folder"]
    assert played["killed"].exit_code == -9
    drafted = [one["draft"]["source"].strip() for one in told(run, "drafted")]
    for source in (played["while running"], played["while killed"], played["later"]):
        assert drafted.count(source) == 1


def test_a_question_is_written_once_however_often_the_run_is_begun(played):
    of = [name.split("-")[0] for name in prompts(played["folder"])]
    assert all(of.count(name) == 1 for name in ("p1", "p2", "p3"))


def test_what_was_answered_is_scored(played):
    run = played["folder"]
    scored = [
        one["design"]["id"]
        for one in told(run, "proposed")
        if one["design"]["source"].strip() == played["while running"]
    ]
    assert len(scored) == 1
    assert [rung for _, rung in requests_for(run, scored[0])][:2] == [0, 1]


def test_ctrl_c_says_how_to_go_on(played):
    said = played["interrupt"]
    assert said.exit_code == 130
    assert f"agentarch resume {played['folder']}" in said.err
    assert "Questions to the model appear in" in said.err


def test_the_ledger_shows_requests_and_no_dollars(played):
    ledger = played["status"]["ledger"]
    assert ledger["by_model"].keys() == {"manual"}
    assert ledger["requests"] == ledger["by_model"]["manual"]["requests"] >= IN_FLIGHT
    assert ledger["dollars"] == 0
    assert ledger["input_tokens"] == ledger["output_tokens"] == 0


def test_nothing_of_a_kill_is_counted_as_money(played):
    assert played["status"]["ledger"]["untold"]["dollars"] == 0
