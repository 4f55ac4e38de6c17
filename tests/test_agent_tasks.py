import ast
import random
import re
from collections import Counter
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import pytest

from agentarch.catalogue import find_task, find_tasks, lasting_name
from agentarch.config import make_config
from agentarch.embedded import worlds
from agentarch.errors import UsageError
from agentarch.questions import LoadedTask, MadeTask, split_of
from agentarch.scoring import score_items
from agentarch.search.session import check_tasks, create_run, open_run
from agentarch.task import FEWEST_SCORED_ITEMS, SPLITS, AgentTask, AnyTask, CodeTask, JudgedTask, QuestionRung

TASKS = find_tasks("agent")
MADE = [name for name, task in TASKS.items() if isinstance(task, MadeTask)]
EVERY_RUNG = [(name, rung) for name in MADE for rung in range(len(TASKS[name].rungs))]


def score_of(name, answers, labels):
    task = TASKS[name]
    return score_items(task.grade(answers, labels)[task.metric], task.chance, task.ceiling)


def test_the_shipped_tasks_are_found_by_the_names_of_their_files():
    files = (Path(__file__).parent.parent / "evals" / "agents").glob("*.py")
    assert [*TASKS] == sorted(file.stem for file in files) == [task.name for task in TASKS.values()]
    assert all(
        isinstance(task, AgentTask) and isinstance(task, AnyTask) and task.kind == "agent"
        for task in TASKS.values()
    )


@pytest.mark.parametrize("name", TASKS)
def test_a_task_says_what_it_asks_for_and_has_rungs_from_a_smoke_run_up(name):
    task = TASKS[name]
    assert task.description
    assert task.answer_form.endswith(".")
    assert bool(task.world) == (name == "world")
    assert 0 <= task.chance < task.ceiling == 1
    assert "Telling designs apart:" in type(task).__doc__
    counts = [rung.questions for rung in task.rungs]
    assert counts[0] == FEWEST_SCORED_ITEMS
    assert counts == sorted(counts)
    assert all(
        isinstance(rung, QuestionRung) and rung.calls == 200 and rung.tokens >= 20_000 for rung in task.rungs
    )
    assert isinstance(task, CodeTask) == (task.metric == "code")


@pytest.mark.parametrize(("name", "rung"), EVERY_RUNG)
def test_the_labels_answer_every_question_and_blank_answers_none(name, rung):
    questions = TASKS[name].data("search", rung, 7)
    assert len(questions.inputs) == len(questions.labels) == TASKS[name].rungs[rung].questions
    assert questions.salts == ()
    right = questions.labels
    if name == "tool_plan":
        right = [label.partition("\n")[2] for label in right]
    assert score_of(name, right, questions.labels).value == 1.0
    for empty in ("", " \n", "I do not know."):
        assert score_of(name, [empty] * len(right), questions.labels).value <= 0.0


@pytest.mark.parametrize(("name", "rung"), EVERY_RUNG)
def test_no_question_is_asked_twice_or_in_two_splits_whatever_the_seeds(name, rung):
    task = TASKS[name]
    asked = {}
    for split in SPLITS:
        for seed in (3, 4, 2**63 - 1):
            inputs = task.data(split, rung, seed).inputs
            assert len(set(inputs)) == len(inputs)
            asked.setdefault(split, set()).update(inputs)
    for one, other in combinations(SPLITS, 2):
        assert not asked[one] & asked[other]


@pytest.mark.parametrize("name", MADE)
def test_equal_seeds_give_equal_questions_and_other_seeds_others(name):
    once, again, other = (TASKS[name].data("confirm", 1, seed) for seed in (5, 5, 6))
    assert once == again
    assert once.inputs != other.inputs


@pytest.mark.parametrize("name", MADE)
def test_making_questions_leaves_the_global_generators_as_they_were(name):
    random.seed(1)
    np.random.seed(1)
    TASKS[name].data("search", 0, 9)
    drawn = random.random(), np.random.rand()
    random.seed(1)
    np.random.seed(1)
    assert drawn == (random.random(), np.random.rand())


@pytest.mark.parametrize("name", MADE)
def test_naming_the_most_frequent_label_scores_zero(name):
    labels = TASKS[name].data("search", 3, 7).labels
    ((common, _),) = Counter(labels).most_common(1)
    assert score_of(name, [common] * len(labels), labels).value < 0.15


@pytest.mark.parametrize("name", MADE)
def test_hostile_answers_are_graded_as_wrong_in_no_time(name):
    label = TASKS[name].data("search", 1, 7).labels[0]
    for answer in (
        "9" * 65_536,
        "(" * 65_536,
        " " * 60_000 + "x",
        "move(a)\n" * 8_000,
        "\0\ud800\x1b",
        "True False " * 6_000,
    ):
        value = score_of(name, [answer] * 8, [label] * 8).value
        assert value <= 0.0 or name == "boolean"


def test_the_share_of_each_split_is_what_is_said():
    counts = Counter(split_of(str(number)) for number in range(4_000))
    assert counts["search"] == pytest.approx(2_000, abs=150)
    assert counts["confirm"] == pytest.approx(1_000, abs=120)
    assert counts["test"] == pytest.approx(1_000, abs=120)


def test_boolean_labels_are_what_python_says_and_no_operator_at_the_top_gives_them_away():
    questions = TASKS["boolean"].data("search", 3, 7)
    at_top = Counter()
    for question, label in zip(questions.inputs, questions.labels, strict=True):
        expression = question.partition("\n\n")[2]
        assert str(eval(expression)) == label
        tree = ast.parse(expression, mode="eval").body
        if isinstance(tree, ast.BoolOp):
            at_top[type(tree.op).__name__, label] += 1
    assert len(at_top) == 4
    assert min(at_top.values()) > 15


@pytest.mark.parametrize("rung", range(4))
def test_tracking_labels_are_what_is_held_in_the_end(rung):
    questions = TASKS["tracking"].data("search", rung, 7)
    for question, label in zip(questions.inputs, questions.labels, strict=True):
        holds = dict(re.findall(r"(\w+) has the (\w+)\.", question))
        assert len(holds) == 5
        for one, other in re.findall(r"(\w+) and (\w+) swap", question):
            holds[one], holds[other] = holds[other], holds[one]
        assert holds[re.search(r"What does (\w+) hold", question)[1]] == label


def test_naming_what_somebody_held_first_scores_near_chance_on_tracking():
    questions = TASKS["tracking"].data("search", 3, 7)
    first = [
        dict(re.findall(r"(\w+) has the (\w+)\.", question))[re.search(r"What does (\w+) hold", question)[1]]
        for question in questions.inputs
    ]
    assert abs(score_of("tracking", first, questions.labels).value) < 0.1


def test_sorting_labels_are_the_words_in_order():
    questions = TASKS["sorting"].data("search", 2, 7)
    for question, label in zip(questions.inputs, questions.labels, strict=True):
        words = question.partition(": ")[2].split()
        assert len(set(words)) == 12
        assert label == " ".join(sorted(words))
        assert words != sorted(words)


def reckoned(question):
    """Follow an arithmetic story sentence by sentence, slowly and by other means than the task."""
    hero, thing = re.search(r"How many (\w+) does (\w+) have now", question).group(2, 1)
    first, *rest = question.split(". ")
    numbers = [int(one) for one in re.findall(r"\d+", first)]
    is_product = "times as many" in first or "bags with" in first
    count = numbers[0] * numbers[1] if is_product else sum(numbers)
    shares = {"half": 2, "a third": 3, "a quarter": 4, "a fifth": 5}
    for sentence in rest:
        if found := re.fullmatch(rf"{hero} finds (\d+) more {thing}", sentence):
            count += int(found[1])
        elif found := re.fullmatch(rf"{hero} buys (\d+) boxes with (\d+) {thing} in each", sentence):
            count += int(found[1]) * int(found[2])
        elif found := re.fullmatch(rf"{hero} gives (\d+) {thing} to \w+", sentence):
            count -= int(found[1])
        elif found := re.fullmatch(rf"{hero} loses (.+) of the {thing}", sentence):
            assert count % shares[found[1]] == 0
            count -= count // shares[found[1]]
        elif sentence == f"Then {hero} gets as many {thing} again as {hero} has":
            count *= 2
    return count


@pytest.mark.parametrize("rung", range(4))
def test_arithmetic_labels_are_what_the_story_comes_to(rung):
    questions = TASKS["arithmetic"].data("search", rung, 7)
    for question, label in zip(questions.inputs, questions.labels, strict=True):
        assert reckoned(question) == int(label) > 0


def all_values(numbers):
    """Return every value that numbers make, slowly."""
    if len(numbers) == 1:
        return {round(numbers[0], 6)}
    found = set()
    for one, other, *rest in permutations(numbers):
        for made in (one + other, one - other, one * other, *([one / other] if other else [])):
            found |= all_values((made, *rest))
    return found


def test_game24_asks_only_for_what_can_be_made_and_its_labels_make_it():
    questions = TASKS["game24"].data("search", 3, 7)
    for question, label in zip(questions.inputs, questions.labels, strict=True):
        numbers = [int(one) for one in re.findall(r"\d+", question.partition(" exactly")[0])]
        assert sorted(int(one) for one in re.findall(r"\d+", label)) == numbers
        assert eval(label) == pytest.approx(24)
    for label in questions.labels[:3]:
        assert 24 in all_values([int(one) for one in re.findall(r"\d+", label)])


@pytest.mark.parametrize(
    ("answer", "is_right"),
    [
        ("(10 - 4) * (5 - 1)", True),
        ("(5-1)×(10−4) = 24", True),  # noqa: RUF001
        ("I try 10 + 5 + 4 + 1 = 20, no.\nThe answer is: `(10 - 4) * (5 - 1)`", True),
        ("Then\n**(10-4)*(5-1) = 24**\nThat is it!", True),
        ("24", False),
        ("4 * 5 + 10 / 1 - 6", False),
        ("(10 - 4) * 4", False),
        ("10 - 4 * 5 - 1", False),
        ("(10-4)*(5-1)*1", False),
        ("(10 - 4) * (5 - 1.0)", False),
        ("(10 - 4) * (5 - True)", False),
        ("10 ** 4 ** 5 ** 1", False),
        ("10 << 4 << 5 << 1", False),
        ("__import__('os').system('x') or (10 - 4) * (5 - 1)", False),
        ("(lambda: 24)() if 10 + 4 + 5 + 1 else 0", False),
        ("[10, 4, 5, 1] and 24", False),
        ("10 / (5 - 4 - 1)", False),
        ("(10 - 4) * (5 - 1)" + " " * 200 + "+ 0", False),
        ("(10 - 4) * (5 - 1)\n(10 - 4) * (5 + 1)", False),
    ],
)
def test_game24_takes_any_expression_of_the_four_numbers_that_makes_24_and_runs_nothing(answer, is_right):
    assert TASKS["game24"].grade([answer], ["(10 - 4) * (5 - 1)"])["solved"] == [float(is_right)]


WORLD = (
    '{"at": "hall", "doors": [["hall", "den"], ["hall", "attic"]], "locks": {"attic": "red"}, '
    '"lies": {"red key": "den", "harp": "attic"}, "goal": {"harp": "hall"}, "most": 9}\n'
)
PLAN = """move(den)
take(red key)
move(hall)
unlock(attic)
move(attic)
take(harp)
move(hall)
drop(harp)"""


@pytest.mark.parametrize(
    ("answer", "reached", "calls"),
    [
        (PLAN, 1, 1),
        (f"I go for the key first.\n```\n{PLAN}\n```\nDone.", 1, 1),
        ("\n".join(f"{number}. `{call}`" for number, call in enumerate(PLAN.split("\n"), start=1)), 1, 1),
        (PLAN.replace("take(harp)", "drop(red key)\ntake('harp')"), 1, 1),
        (PLAN.replace("take(red key)\n", ""), 0, 2 / 7),
        (PLAN.replace("unlock(attic)\n", ""), 0, 3 / 7),
        (PLAN.replace("\ndrop(harp)", ""), 0, 1),
        (PLAN + "\ndrop(harp)", 0, 8 / 9),
        (PLAN + "\nmove(den)\nmove(hall)", 0, 1),
        (PLAN.replace("move(den)", "fly(den)"), 0, 0),
        (PLAN.replace("move(den)", "move(moon)"), 0, 0),
        ("move(den)\n" * 500, 0, 0),
        ("", 0, 0),
    ],
)
def test_a_plan_is_carried_out_and_right_if_it_reaches_the_goal(answer, reached, calls):
    graded = TASKS["tool_plan"].grade([answer], [WORLD + PLAN])
    assert graded["reached"] == [reached]
    assert graded["calls"] == pytest.approx([calls])


def test_a_robot_has_two_hands():
    world = WORLD.replace('"lies": {', '"lies": {"globe": "hall", "clock": "hall", "easel": "hall", ')
    graded = TASKS["tool_plan"].grade(["take(globe)\ntake(clock)\ntake(easel)"], [world])
    assert graded["calls"] == pytest.approx([2 / 3])


OWN_TASK = """
from agentarch.answers import exact
from agentarch.task import QuestionRung, Questions

class Mine:
    name, kind, description, answer_form = "mine", "agent", "says a letter", "A letter."
    metric, chance, ceiling, world = "exact", 0.0, 1.0, ""
    rungs = (QuestionRung(8), QuestionRung(9))

    def data(self, split, rung, seed):
        letters = tuple("abcdefghi"[: self.rungs[rung].questions])
        return Questions(tuple(f"{split}: say {one}" for one in letters), letters)

    def grade(self, predictions, labels):
        return {"exact": exact(predictions, labels)}
"""


def test_a_task_for_agents_is_found_in_a_users_file(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(OWN_TASK)
    task = find_task(str(file), "agent")
    questions = task.data("search", 0, 1)
    assert task.grade(questions.labels, questions.labels)["exact"].mean() == 1.0


@pytest.mark.parametrize(
    ("changed", "to", "said"),
    [
        ('"agent"', '"network"', "for designs of kind 'network', not 'agent'"),
        (", answer_form", ", another", "it lacks answer_form; see agentarch.task.AgentTask"),
        ("def data", "def dates", "it lacks data; see agentarch.task.AgentTask"),
        (", QuestionRung(9)", ",", "at least two rungs"),
    ],
)
def test_a_file_that_is_no_task_for_agents_is_refused_with_what_is_missing(tmp_path, changed, to, said):
    file = tmp_path / "mine.py"
    file.write_text(OWN_TASK.replace(changed, to))
    with pytest.raises(UsageError) as refused:
        find_task(str(file), "agent")
    assert said in str(refused.value)


def test_a_task_on_a_file_keeps_its_name_in_every_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jsonl").write_text("")
    assert lasting_name("gsm8k:a.jsonl") == f"gsm8k:{tmp_path / 'a.jsonl'}"
    assert lasting_name("jsonl:a.jsonl?metric=f1") == f"jsonl:{tmp_path / 'a.jsonl'}?metric=f1"
    assert lasting_name("boolean") == "boolean"


@pytest.mark.parametrize("world", worlds())
def test_a_run_about_a_named_world_can_be_opened_in_every_folder(tmp_path, monkeypatch, world):
    create_run(make_config({"kind": "agent", "tasks": f"world:{world}"}), tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    with open_run(tmp_path / "run") as run:
        (task,) = run.tasks
        check_tasks(run)
    assert task.world == world


def test_the_first_world_is_one_task_under_one_name():
    assert find_task(f"world:{worlds()[0]}", "agent").name == find_task("world", "agent").name == "world"


def test_a_made_task_takes_nothing_after_a_colon():
    with pytest.raises(UsageError, match="takes nothing after a colon"):
        find_task("boolean:file", "agent")


def test_every_loader_says_where_its_data_comes_from():
    for task in TASKS.values():
        if isinstance(task, LoadedTask) and task.name != "jsonl":
            assert re.fullmatch(r"https://\S+ \([\w.-]+\)", task.source)


def test_tasks_that_need_others_to_grade_say_so():
    assert not any(isinstance(task, JudgedTask) for task in TASKS.values())
    assert {name for name, task in TASKS.items() if isinstance(task, CodeTask)} == {"humaneval", "mbpp"}
