"""Tasks on data files: what is read, how it is split, and what is graded right."""

import gzip
import json
from itertools import combinations
from pathlib import Path

import pytest
from support.agent_data import (
    ENOUGH,
    LOADERS,
    SHIPPED,
    drop_passage,
    jsonl_lines,
    made,
    refusal,
    shipped,
    small_files,
)
from support.data import VARIABLE, data_file

from agentarch.answers import any_of
from agentarch.catalogue import find_task
from agentarch.errors import UsageError
from agentarch.task import PASSED, SPLITS, CodeTask, JudgedTask, Program


@pytest.mark.parametrize("name", LOADERS)
def test_a_small_sound_file_gives_disjoint_splits_and_the_same_questions_for_the_same_seed(tmp_path, name):
    task = made(tmp_path, name)
    assert task.name == f"{name}:{tmp_path / 'data file'}"
    top = len(task.rungs) - 1
    asked = {split: task.data(split, top, 1) for split in SPLITS}
    for one, other in combinations(SPLITS, 2):
        assert not set(asked[one].inputs) & set(asked[other].inputs)
    for split in SPLITS:
        smoke, again, other = (task.data(split, 0, seed) for seed in (5, 5, 6))
        assert smoke == again != other
        assert len(set(smoke.inputs)) == len(smoke.inputs) == 8
        assert set(smoke.inputs) <= set(asked[split].inputs)


@pytest.mark.parametrize("name", ["gsm8k", "mgsm", "svamp", "arc_agi", "drop", "jsonl"])
def test_the_label_answers_its_question_and_a_blank_answer_does_not(tmp_path, name):
    task = made(tmp_path, name)
    labels = task.data("search", 1, 3).labels
    right = [label.split("\x1f")[0] for label in labels]
    assert task.grade(right, labels)[task.metric].mean() == 1.0
    assert task.grade([""] * len(labels), labels)[task.metric].mean() == 0.0


@pytest.mark.parametrize(("name", "count"), [(name, count) for name, (_, count) in SHIPPED.items()])
def test_a_public_file_is_read_whole_and_its_labels_are_right(name, count):
    task = shipped(name)
    asked = {split: task.data(split, len(task.rungs) - 1, 1) for split in SPLITS}
    assert sum(map(len, task._splits.values())) == count
    assert len(task._splits["search"]) == pytest.approx(count / 2, rel=0.15)
    for one, other in combinations(SPLITS, 2):
        assert not set(asked[one].inputs) & set(asked[other].inputs)
    if task.metric != "code":
        for questions in asked.values():
            assert task.grade(questions.labels, questions.labels)[task.metric].mean() == 1.0


def test_a_file_is_read_once(tmp_path):
    task = made(tmp_path, "gsm8k")
    first = task.data("search", 3, 1)
    (tmp_path / "data file").unlink()
    assert task.data("search", 3, 1) == first
    assert task.data("confirm", 3, 1).inputs


def test_a_file_is_read_when_it_is_needed_from_the_folder_that_the_environment_names(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    fresh = type(made(tmp_path, "gsm8k"))()
    assert fresh.name == "gsm8k"
    with pytest.raises(UsageError, match=r"needs a data file.*gsm8k:PATH.*github.com/openai") as refused:
        fresh.load()
    assert "agents/gsm8k_test.jsonl" in str(refused.value)
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "gsm8k_test.jsonl").write_bytes(small_files()["gsm8k"])
    assert len(fresh.data("search", 0, 1).inputs) == 8
    (tmp_path / "agents" / "gsm8k_test.jsonl").unlink()
    assert len(fresh.data("search", 0, 2).inputs) == 8


def test_a_task_without_its_file_is_refused_by_name_before_anything_starts(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(UsageError, match="AGENTARCH_DATA names no folder"):
        find_task("drop", "agent")


def test_a_split_that_holds_fewer_than_a_rung_wants_gives_all_it_has(tmp_path):
    task = made(tmp_path, "jsonl")
    first, second = (task.data("confirm", 3, seed) for seed in (1, 2))
    assert len(first.inputs) < task.rungs[3].questions
    assert sorted(first.inputs) == sorted(second.inputs)
    assert first.inputs != second.inputs


def test_the_split_of_a_question_does_not_move_when_others_come_or_go(tmp_path):
    few, many = (
        made(tmp_path, "jsonl", "\n".join(jsonl_lines(count)).encode()) for count in (ENOUGH, 4 * ENOUGH)
    )
    for split in SPLITS:
        assert set(few.data(split, 3, 1).inputs) <= {item.question for item in many._splits[split]}


def test_questions_on_one_passage_are_in_one_split(tmp_path):
    task = made(tmp_path, "drop")
    passages = {
        split: {question.partition("\n")[0] for question in task.data(split, 3, 1).inputs} for split in SPLITS
    }
    for one, other in combinations(SPLITS, 2):
        assert not passages[one] & passages[other]


def test_a_passage_that_is_there_twice_is_one_and_its_questions_are_asked_once(tmp_path):
    passages = {f"nfl_{n}": drop_passage(n % ENOUGH) for n in range(ENOUGH + 9)}
    task = made(tmp_path, "drop", json.dumps(passages).encode())
    assert sum(map(len, task._splits.values())) == 2 * ENOUGH


def test_every_answer_of_a_drop_question_is_right(tmp_path):
    task = made(tmp_path, "drop")
    asked = task.data("search", 3, 1)
    for question, label in zip(asked.inputs, asked.labels, strict=True):
        if question.endswith("How many?"):
            answers = [label.split("\x1f")[0], "Bears and the Lions"]
            assert task.grade(answers, [label] * 2)["f1"] == pytest.approx([1, 0.8])
        else:
            assert label.startswith("3 May 18")


@pytest.mark.parametrize(
    ("answer", "exact", "cells"),
    [
        ("1 2\n3 4", 1, 1),
        ("The output:\n```\n12\n34\n```\nThat is it.", 1, 1),
        ("[[1, 2], [3, 4]]", 1, 1),
        ("[[1, 2],\n [3, 4]]", 1, 1),
        ("| 1 | 2 |\n| 3 | 4 |", 1, 1),
        ("Not 5 5\n5 5\nbut:\n\n1,2\n\n3,4\n", 1, 1),
        ("1 2\n3 5", 0, 0.75),
        ("1 2 3 4", 0, 0),
        ("1 2\n3 4\n5 6", 0, 0),
        ("one two", 0, 0),
        ("", 0, 0),
        ("1 2\n3 4\n" * 20_000, 0, 0),
        ("\N{ARABIC-INDIC DIGIT ONE} 2\n3 4", 0, 0),
    ],
)
def test_a_grid_is_read_however_it_is_laid_out_and_must_agree_wholly(tmp_path, answer, exact, cells):
    graded = made(tmp_path, "arc_agi").grade([answer], ["1 2\n3 4"])
    assert graded["exact"] == [exact]
    assert graded["cells"] == [cells]


def passes(program):
    """Run a program and its tests in one namespace each, as the engine does in boxes; what is run is our own."""
    candidate = {}
    exec(program.candidate, candidate)
    try:
        exec(program.tests, {program.entry_point: candidate[program.entry_point]})
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("name", ["humaneval", "mbpp"])
def test_right_programs_pass_their_tests_and_wrong_ones_do_not(tmp_path, name):
    task = made(tmp_path, name)
    assert isinstance(task, CodeTask)
    asked = task.data("search", 1, 1)
    names = [json.loads(label)["name"] for label in asked.labels]
    right = [f"So:\n```python\ndef {one}(x):\n    return x + {one[1:]}\n```" for one in names]
    wrong = [f"def {one}(x):\n    return x - 1" for one in names]
    assert all(passes(program) for program in task.programs(right, asked.labels))
    assert not any(passes(program) for program in task.programs(wrong, asked.labels))
    assert set(task.programs(["", *["I cannot."] * (len(names) - 1)], asked.labels)) == {None}
    verdicts = [PASSED, "failed: AssertionError", *[""] * (len(names) - 2)]
    assert list(task.grade(verdicts, asked.labels)["code"][:3]) == [1, 0, 0]
    assert not any("assert f" in one and "(0)" in one for one in asked.inputs)  # one test is shown, no more


def test_the_body_alone_completes_the_head_of_a_function(tmp_path):
    task = made(tmp_path, "humaneval")
    asked = task.data("search", 0, 1)
    numbers = [json.loads(label)["name"][1:] for label in asked.labels]
    programs = task.programs([f"    return x + {number}\n" for number in numbers], asked.labels)
    assert all(isinstance(one, Program) and passes(one) for one in programs)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["humaneval", "mbpp"])
def test_the_published_solutions_pass_the_published_tests(name, capsys):
    task, file = shipped(name), data_file(f"agents/{SHIPPED[name][0]}")
    if name == "humaneval":
        records = [json.loads(line) for line in gzip.decompress(file.read_bytes()).decode().splitlines()]
        solutions = {one["task_id"]: one["prompt"] + one["canonical_solution"] for one in records}
    else:
        solutions = {str(one["task_id"]): one["code"] for one in json.loads(file.read_bytes())}
    items = [item for split in SPLITS for item in task._splits[split]]
    programs = task.programs([solutions[item.id] for item in items], [item.label for item in items])
    assert [item.id for item, program in zip(items, programs, strict=True) if not passes(program)] == []


def test_fields_and_metrics_of_a_users_file_can_be_named(tmp_path):
    lines = [json.dumps({"q": f"Name {n}", "gold": [f"name {n}", n]}) for n in range(ENOUGH)]
    content = "\n".join(lines).encode()
    for metric in ("exact", "f1"):
        task = made(tmp_path, "jsonl", content, f"?question=q&answer=gold&metric={metric}")
        assert task.metric == metric
        asked = task.data("search", 0, 1)
        number = asked.inputs[0].split()[1]
        assert asked.labels[0] == any_of((f"name {number}", number))
        given = [f"Name {number}!", number, "Name"]
        assert task.grade(given, asked.labels[:1] * 3)[metric].tolist() == [1, 1, 0]
    numeric = made(tmp_path, "jsonl", None, "?metric=numeric")
    assert numeric.grade(["so 1,000", "2"], ["1000", "3"])["numeric"].tolist() == [1, 0]


def test_a_users_file_may_ask_for_programs(tmp_path):
    lines = [
        {"question": f"Add {n}.", "answer": f"assert add{n}(1) == {n + 1}", "entry_point": f"add{n}"}
        for n in range(ENOUGH)
    ]
    task = made(tmp_path, "jsonl", "\n".join(map(json.dumps, lines)).encode(), "?metric=code")
    assert isinstance(task, CodeTask)
    label = task.data("search", 0, 1).labels[0]
    name = label.partition("\n")[0]
    (program, none) = task.programs([f"def {name}(x):\n    return x + {name[3:]}", "x"], [label] * 2)
    assert passes(program)
    assert none is None
    lines[4]["answer"] = "assert ("
    message = refusal(tmp_path, "jsonl", "\n".join(map(json.dumps, lines)).encode(), "?metric=code")
    assert "line 5: its 'answer' is no Python" in message


def test_a_users_file_may_be_judged_by_a_model(tmp_path):
    task = made(tmp_path, "jsonl", None, "?metric=judge")
    assert isinstance(task, JudgedTask)
    asked = task.data("search", 0, 1)
    prompt = task.judgement_prompt(asked.inputs[0], "forty", asked.labels[0])
    assert asked.inputs[0] in prompt
    assert f"- {asked.labels[0]}" in prompt
    assert task.read_judgement("It is the same.\nyes") == 1.0
    assert task.grade(["Same.\nyes", "no", ""], ["", "", ""])["judge"].tolist() == [1, 0, 0]


def test_no_data_is_copied_into_the_project():
    root = Path(__file__).parent.parent
    assert {path.suffix for path in (root / "evals" / "agents").iterdir() if path.is_file()} <= {".py", ".md"}
