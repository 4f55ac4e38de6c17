"""A search over agents by real command lines: real boxes, the embedded model, a task of the user's own."""

import json
import re
import textwrap
from pathlib import Path

import pytest
from support import commands, logs
from support.terminal import converse

ROOT = Path(__file__).parents[1]
FEW_QUESTIONS = textwrap.dedent(
    '''
    from agentarch.catalogue import find_task
    from agentarch.task import QuestionRung

    WORLD = find_task("world", "agent")


    class Few:
        """The questions of `world`, a few at a time."""

        name, kind, description = "few", "agent", "a few questions about a closed world"
        answer_form, metric, chance, ceiling, world = "One word.", "accuracy", 0.1, 1.0, WORLD.world
        rungs = (QuestionRung(2), QuestionRung(8), QuestionRung(12))

        def data(self, split, rung, seed):
            asked = WORLD.data(split, 1, seed)
            most = self.rungs[rung].questions
            return type(asked)(asked.inputs[:most], asked.labels[:most], asked.salts[:most])

        def grade(self, predictions, labels):
            return WORLD.grade(predictions, labels)
    '''
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("agents")
    (made / "few.py").write_text(FEW_QUESTIONS)
    said = commands.run(
        *("search", "--kind", "agent", "--tasks", "few.py", "--evaluations", "110", "--seed", "1"),
        *("--workers", "2", "--run-dir", "run", "--json"),
        folder=made,
    )
    assert said.exit_code == 0, said.err
    (made / "said.json").write_text(said.out)
    return made


def test_a_search_over_agents_scores_seeds_and_designs_of_its_own_and_comes_to_a_verdict(folder):
    told = json.loads((folder / "said.json").read_text())
    assert told["outcomes"]["scored"] >= 90, told["outcomes"]
    assert told["verdict"] is not None
    proposed = [json.loads(body) for _, _, kind, body in logs.rows(folder / "run") if kind == "proposed"]
    operators = {one["design"]["operator"] for one in proposed}
    assert "seed" in operators
    assert len(operators) > 2


def test_finalists_meet_plain_ways_to_ask_at_their_own_tokens(folder):
    decided = [json.loads(body) for _, _, kind, body in logs.rows(folder / "run") if kind == "decided"]
    line_up = next(one["facts"]["contenders"] for one in decided if one["kind"] == "finalists")
    roles = {one["role"] for one in line_up}
    assert {
        "finalist",
        "best seed",
        "single call",
        "chain of thought",
        "self-consistency",
        "best of n",
    } <= roles
    verdict = next(one for one in decided if one["kind"] == "verdict")
    against = {one["role"]: one["low"] > 0 for one in verdict["facts"]["against"]}
    assert against.keys() == roles - {"finalist"}
    if not verdict["facts"]["won"]:  # what it did beat is told all the same
        told = verdict["reason"].partition(" It did beat ")[2]
        assert all((role in told) == is_beaten for role, is_beaten in against.items())


def test_every_evaluation_keeps_the_calls_it_made(folder):
    evaluated = [json.loads(body) for _, _, kind, body in logs.rows(folder / "run") if kind == "evaluated"]
    for one in evaluated:
        if one["evaluation"]["outcome"] == "scored":
            assert (folder / "run" / "traces" / f"{one['evaluation']['report']['trace']}.json.gz").is_file()
            assert len(one["evaluation"]["score"]["items"]) == one["evaluation"]["score"]["n"]


@pytest.mark.parametrize("command", [("show",), ("status",), ("report",), ("show", "--decisions")])
def test_the_other_commands_know_agents(folder, command):
    name, *flags = command
    said = commands.run(name, "run", *flags, folder=folder)
    assert said.exit_code == 0, said.err
    assert "Traceback" not in said.err


def test_what_is_about_networks_alone_is_refused(folder):
    said = commands.run("knockout", "run", "single_call", folder=folder)
    assert (said.exit_code, "agentarch show run" in said.err) == (2, True), said.err
    said = commands.run(
        "search", "--kind", "agent", "--tasks", "few.py", "--sweep", "--run-dir", "x", folder=folder
    )
    assert (said.exit_code, "agents have none" in said.err) == (2, True), said.err
    assert not (folder / "x").exists()


@pytest.mark.parametrize(
    ("source", "flags", "said"),
    [
        (None, ("--task", "world"), "cannot read the design"),
        ("async def solve(question, model)\n", ("--task", "world"), "does not parse"),
        ("async def answer(question, model):\n    return ''\n", ("--task", "world"), "`solve`"),
        (
            "def build(spec):\n    return None\n",
            ("--task", "world"),
            "for designs of kind 'agent'; add --kind agent",
        ),
        ("async def solve(question, model):\n    return ''\n", ("--task", "recall"), "add --kind network"),
    ],
)
def test_a_file_that_is_no_agent_is_told_so_and_the_task_not_blamed(tmp_path, source, flags, said):
    if source is not None:
        (tmp_path / "mine.py").write_text(source)
    told = commands.run("evaluate", "mine.py", *flags, folder=tmp_path)
    assert told.exit_code in (2, 3)
    assert said in " ".join((told.out + told.err).split())


def test_a_model_that_nobody_serves_is_refused_before_anything_starts(tmp_path):
    (tmp_path / "mine.py").write_text(
        "async def solve(question, model):\n    return await model.ask(question)\n"
    )
    told = commands.run("evaluate", "mine.py", "--task", "world", "--solve-with", "nonsense", folder=tmp_path)
    assert told.exit_code == 2
    assert "nobody is known to serve a model called 'nonsense'" in told.err
    assert "litellm" not in told.err


def test_a_narrow_terminal_loses_neither_a_name_nor_a_number(folder):
    seeds = [ROOT / "archive" / "agents" / f"{name}.py" for name in ("single_call", "chain_of_thought")]
    said = converse("evaluate", *seeds, "--task", "few.py", answers=[], folder=folder, columns=50)
    assert said.exit_code == 0, said.out
    lines = {line.split()[0]: line.split() for line in said.out.splitlines() if line.strip()}
    for seed in seeds:
        told = lines[seed.stem][1:]
        assert all(re.fullmatch(r"\[?-?\d[\d.,]*\]?", one) for one in told), told
        assert len(told) >= 8


def test_the_same_seed_gives_the_same_score(folder):
    scores = []
    for _ in range(2):
        said = commands.run(
            *("evaluate", ROOT / "archive" / "agents" / "self_consistency.py"),
            *("--task", "few.py", "--rung", "2", "--json"),
            folder=folder,
        )
        assert said.exit_code == 0, said.err
        scores.append(json.loads(said.out))
    assert scores[0]["score"] == scores[1]["score"]
    assert scores[0]["behaviour"] == scores[1]["behaviour"]
