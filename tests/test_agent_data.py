import gzip
import io
import json
import tarfile
import time
from itertools import combinations
from pathlib import Path

import pytest
from support.data import VARIABLE, data_file, data_folder

from agentarch.answers import any_of
from agentarch.catalogue import find_task
from agentarch.errors import UsageError
from agentarch.task import PASSED, SPLITS, CodeTask, JudgedTask, Program

SHIPPED = {
    "gsm8k": ("gsm8k_test.jsonl", 1_319),
    "mgsm": ("mgsm_en.tsv", 250),
    "svamp": ("svamp.json", 1_000),
    "humaneval": ("humaneval.jsonl.gz", 164),
    "mbpp": ("mbpp_sanitized.json", 427),
    "arc_agi": ("arc_agi_1.tar.gz", 834),
}
ENOUGH = 100


def shipped(name):
    """Return a task on its public file, or skip."""
    path = data_file(f"agents/{SHIPPED[name][0]}")
    if not path.is_file():
        pytest.skip(f"no agents/{path.name} in {data_folder().name!r}; name its folder in {VARIABLE}")
    return find_task(f"{name}:{path}", "agent")


def jsonl_lines(count=ENOUGH):
    return [json.dumps({"question": f"What is {n} + {n}?", "answer": str(2 * n)}) for n in range(count)]


def arc_archive(puzzles):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, puzzle in puzzles.items():
            content = puzzle if isinstance(puzzle, bytes) else json.dumps(puzzle).encode()
            member = tarfile.TarInfo(f"data/{name}.json")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return data.getvalue()


def arc_puzzle(number):
    pair = {"input": [[number % 10, number // 10]], "output": [[number // 10, number % 10]]}
    return {"train": [pair, pair], "test": [pair]}


def drop_passage(number, **changed):
    answer = {"number": str(number), "date": {"day": "", "month": "", "year": ""}, "spans": []}
    spans = {"number": "", "date": {}, "spans": ["the Bears", "the Lions"]}
    date = {"number": "", "date": {"day": "3", "month": "May", "year": str(1800 + number)}, "spans": []}
    pairs = [
        {"question": "How many?", "answer": answer, "query_id": f"{number}a", "validated_answers": [spans]},
        {"question": "When?", "answer": date, "query_id": f"{number}b"} | changed,
    ]
    return {"passage": f"Passage {number} tells of {number} games.", "qa_pairs": pairs}


def small_files():
    """Return a small sound file for every loader, as bytes."""
    code = "def f{0}(x):\n    return x + {0}\n"
    human = [
        {
            "task_id": f"H/{n}",
            "prompt": f"import math\n\n\ndef f{n}(x):\n    '''Add {n}.'''\n",
            "entry_point": f"f{n}",
            "canonical_solution": f"    return x + {n}\n",
            "test": f"def check(candidate):\n    assert candidate(1) == {n + 1}\n",
        }
        for n in range(ENOUGH)
    ]
    mbpp = [
        {
            "task_id": n,
            "prompt": f"Write a function that adds {n}.",
            "code": code.format(n),
            "test_imports": [],
            "test_list": [f"assert f{n}(1) == {n + 1}", f"assert f{n}(0) == {n}"],
        }
        for n in range(ENOUGH)
    ]
    gsm8k = [
        {
            "question": f"Ann has {n} eggs and finds 2. How many?",
            "answer": f"{n}+2=<<{n + 2}>>\n#### {n + 2:,}",
        }
        for n in range(ENOUGH)
    ]
    svamp = [
        {"ID": f"c{n}", "Body": f"Ann has {n} eggs", "Question": "How many eggs?", "Answer": float(n)}
        for n in range(ENOUGH)
    ]
    return {
        "gsm8k": "\n".join(map(json.dumps, gsm8k)).encode(),
        "mgsm": "".join(f"Ann hat {n} Eier.\t{n:,}\n" for n in range(ENOUGH)).encode(),
        "svamp": json.dumps(svamp).encode(),
        "humaneval": gzip.compress("\n".join(map(json.dumps, human)).encode()),
        "mbpp": json.dumps(mbpp).encode(),
        "arc_agi": arc_archive({f"p{n:02}": arc_puzzle(n) for n in range(ENOUGH)}),
        "drop": json.dumps({f"nfl_{n}": drop_passage(n) for n in range(ENOUGH)}).encode(),
        "jsonl": "\n".join(jsonl_lines()).encode(),
    }


LOADERS = tuple(small_files())


def made(tmp_path, name, content=None, options=""):
    """Return a task on a file with this content, or with a small sound one."""
    path = tmp_path / "data file"
    path.write_bytes(small_files()[name] if content is None else content)
    return find_task(f"{name}:{path}{options}", "agent")


def refusal(tmp_path, name, content, options=""):
    with pytest.raises(UsageError) as refused:
        made(tmp_path, name, content, options)
    message = str(refused.value)
    assert "data file" in message
    return message


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


def test_loading_gsm8k_takes_a_tenth_of_a_second_and_happens_once():
    task = shipped("gsm8k")
    fresh = type(task)(data_file("agents/gsm8k_test.jsonl"))
    before = time.process_time()
    fresh.load()
    once = time.process_time()
    for seed in range(20):
        fresh.data("search", 3, seed)
    assert once - before < 0.25  # 0.08 on an idle machine
    assert time.process_time() - once < 0.25


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


BAD_LINES = (
    ('{"question": "q"}', "line 7: it has no field 'answer', but 'question'"),
    ('{"q": "q", "answer": "a"}', "line 7: it has no field 'question', but 'q', 'answer'"),
    ('{"question": 3, "answer": "a"}', "line 7: its 'question' is a number, expected a text"),
    ('{"question": null, "answer": "a"}', "line 7: its 'question' is null, expected a text"),
    ('{"question": " ", "answer": "a"}', "line 7: its 'question' is blank; fill it in"),
    ('{"question": "q", "answer": ""}', "line 7: its 'answer' is blank; fill it in"),
    ('{"question": "q", "answer": []}', "line 7: its 'answer' is an empty list"),
    (
        '{"question": "q", "answer": {"a": 1}}',
        "line 7: its 'answer' is an object, expected a text or a number",
    ),
    ('{"question": "q", "answer": ["a", null]}', "line 7: its 'answer' is null"),
    ('{"question": "q", "answer": "a\\u001fb"}', "line 7: a right answer holds the control character"),
    ('{"question": "q", "answer": NaN}', "line 7: it is not JSON (NaN is no number)"),
    ('{"question": "q", "answer": "\\ud800"}', "line 7: its 'answer' holds half a character"),
    ('{"question": "q", "answer"', "line 7: it is not JSON (Expecting ':' delimiter)"),
    ('["q", "a"]', "line 7: it is a list, expected an object with named fields"),
    ("[" * 100_000, "line 7: it is nested too deeply"),
    ("9" * 5_000, "line 7: it is not JSON (Exceeds the limit"),
    (
        '{"question": "What is  4 + 4?", "answer": "8"}',
        "line 7: this question stands at line 5 already; take one",
    ),
    (
        '{"question": "What? #### 18", "answer": "18"}',
        "line 7: the answer stands in the question; take it out",
    ),
    ('{"question": "What? The answer is Bo.", "answer": "bo"}', "line 7: the answer stands in the question"),
    (
        '{"question": "The answer is 185. What is the answer to 5?", "answer": 185}',
        "line 7: the answer stands in the question",
    ),
    (
        '{"question": "The answer is BO! Who is it?", "answer": "bo"}',
        "line 7: the answer stands in the question",
    ),
    (
        '{"id": ["a", "b"], "question": "q", "answer": "a"}',
        "line 7: its 'id' is a list, expected a text or a number",
    ),
    (
        '{"question": "q", "answer": "a", "answer": "b"}',
        "line 7: it is not JSON (the field 'answer' stands in it twice)",
    ),
    (
        json.dumps(
            {"question": "Hm. " + "It is as long as this. " * 3, "answer": "It is as long as this. " * 2}
        ),
        "line 7: the answer stands in the question",
    ),
)


@pytest.mark.parametrize(("line", "said"), BAD_LINES)
def test_a_line_that_will_not_do_is_refused_with_its_number_and_the_reason(tmp_path, line, said):
    lines = jsonl_lines()
    lines[5] = ""  # blank lines count and are passed over
    lines[6] = line
    message = refusal(tmp_path, "jsonl", "\n".join(lines).encode())
    assert said in message
    assert len(message) < 400


def test_an_id_that_is_there_twice_is_refused_with_both_lines(tmp_path):
    lines = [json.dumps({"id": n % 90, **json.loads(line)}) for n, line in enumerate(jsonl_lines())]
    message = refusal(tmp_path, "jsonl", "\n".join(lines).encode())
    assert "line 91: the id '0' stands at line 1 already; take one of the two out" in message


SOUND = small_files()


@pytest.mark.parametrize("name", [name for name in LOADERS if name != "arc_agi"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty; give a file with questions"),
        (b" \n\n", "is empty"),
        (b'{"a": 1}\n{"b": "\xff"}\n', "line 2: it is not UTF-8 text; save the file as UTF-8"),
        (gzip.compress(b"x" * 10_000, mtime=0)[:-20], "is cut off or damaged"),
        (b"\x1f\x8b\x08 no gzip", "is cut off or damaged"),
    ],
    ids=["empty", "blank", "not UTF-8", "cut off", "no gzip"],
)
def test_a_file_that_is_no_file_of_its_kind_is_refused(tmp_path, name, content, said):
    assert said in refusal(tmp_path, name, content)


@pytest.mark.parametrize("name", LOADERS)
def test_half_a_file_or_another_tasks_is_refused(tmp_path, name):
    refusal(tmp_path, name, SOUND[name][: len(SOUND[name]) // 2 + 7])
    for other in LOADERS:
        if other != name and {name, other} != {"gsm8k", "jsonl"}:
            message = refusal(tmp_path, name, SOUND[other])
            assert "line" in message or "record" in message or "archive" in message or "holds" in message


@pytest.mark.parametrize("path", ["missing", "."])
def test_a_path_that_is_no_file_is_refused(tmp_path, path):
    with pytest.raises(UsageError, match="cannot read the data file"):
        find_task(f"gsm8k:{tmp_path / path}", "agent")


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("gsm8k", b"#### 9", b"it is 9", "line 8: its 'answer' has no '####'"),
        ("gsm8k", b"#### 9", b"#### nine", "line 8: its answer 'nine' is none by the metric 'numeric'"),
        ("gsm8k", b"Ann has 7 eggs", b"#### 9 Ann has 7 eggs", "line 8: the answer stands in the question"),
        (
            "mgsm",
            b"7 Eier.\t7",
            b"7 Eier. 7",
            "line 8: it has 1 fields parted by tabs, expected question and answer",
        ),
        ("mgsm", b"7 Eier.\t7", b"7 Eier.\t", "line 8: its 'answer' is blank"),
        ("mgsm", b"7 Eier.\t7", b"7 Eier.\tseven", "line 8: its answer 'seven' is none by the metric"),
        ("svamp", b'"c7"', b'"c6"', "record 8: the id 'c6' stands at record 7 already"),
        ("svamp", b'"Body": "Ann has 7 eggs", ', b"", "record 8: it has no field 'Body'"),
        ("svamp", b'"Answer": 7.0', b'"Answer": null', "record 8: its 'Answer' is null"),
        ("mbpp", b"assert f7(1)", b"assert f8(1", "record 8: its 'test_list' is no Python"),
        ("mbpp", b"def f7(x)", b"def g7(x)", "record 8: its tests call 0 functions of its 'code'"),
        (
            "mbpp",
            b'"test_list": ["assert f7',
            b'"tests": ["assert f7',
            "record 8: it has no field 'test_list'",
        ),
        ("drop", b"Passage 7 tells", b" ", None),
        ("drop", b'"year": "1807"', b'"year": 1807', None),
        ("drop", b'"number": "7"', b'"number": ""', "record 8, question 1: its 'answer' has no number"),
        ("drop", b'"qa_pairs"', b'"qas"', "record 1: it has no field 'qa_pairs'"),
    ],
)
def test_a_record_that_will_not_do_is_refused_with_its_place(tmp_path, name, old, new, said):
    content = SOUND[name].replace(old, new)
    assert content != SOUND[name]
    if name == "drop" and old == b'"number": "7"':
        content = content.replace(
            b'"validated_answers": [{"number": "", "date": {}, "spans": ["the Bears", "the Lions"]}]',
            b'"x": 0',
        )
    if said is None:
        made(tmp_path, name, content)
    else:
        assert said in refusal(tmp_path, name, content)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"entry_point": "g"}, "line 3: its 'prompt' does not define 'g'"),
        ({"test": "def check(:"}, "line 3: its 'test' does not define `check`"),
        ({"task_id": "H/1"}, "line 3: the id 'H/1' stands at line 2 already"),
        ({"prompt": 3}, "line 3: its 'prompt' is a number"),
    ],
)
def test_a_humaneval_line_that_will_not_do_is_refused_with_its_number(tmp_path, changed, said):
    lines = gzip.decompress(SOUND["humaneval"]).decode().split("\n")
    lines[2] = json.dumps(json.loads(lines[2]) | changed)
    assert said in refusal(tmp_path, "humaneval", gzip.compress("\n".join(lines).encode()))


@pytest.mark.parametrize(
    ("puzzle", "said"),
    [
        ({"train": []}, "file 'data/bad.json': it has no field 'test'"),
        ({"train": [], "test": []}, "its 'train' and 'test' are not both lists of pairs"),
        (arc_puzzle(3) | {"test": [{"input": [[1]]}]}, "an 'output' is no grid"),
        (arc_puzzle(3) | {"test": [{"input": [[1], [1, 2]], "output": [[1]]}]}, "an 'input' is no grid"),
        (arc_puzzle(3) | {"test": [{"input": [[10]], "output": [[1]]}]}, "an 'input' is no grid"),
        (arc_puzzle(3) | {"test": [{"input": [[True]], "output": [[1]]}]}, "an 'input' is no grid"),
        (arc_puzzle(3) | {"test": [{"input": [[1] * 31], "output": [[1]]}]}, "an 'input' is no grid"),
        (b"{", "file 'data/bad.json': it is not JSON"),
        (b"\xff", "file 'data/bad.json': it is not UTF-8"),
        ([1], "file 'data/bad.json': it is a list, expected an object"),
    ],
)
def test_a_puzzle_that_will_not_do_is_refused_with_its_file(tmp_path, puzzle, said):
    assert said in refusal(tmp_path, "arc_agi", arc_archive({"bad": puzzle}))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "pack the published folder anew"),
        (b"no archive", "pack the published folder anew"),
        (gzip.compress(b"no archive"), "pack the published folder anew"),
        (arc_archive({}), "holds no question"),
    ],
    ids=["empty", "no archive", "packed", "without puzzles"],
)
def test_an_archive_that_is_none_is_refused(tmp_path, content, said):
    assert said in refusal(tmp_path, "arc_agi", content)


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


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("?questions=q", "unknown option of 'jsonl' 'questions'; did you mean 'question'?"),
        ("?metric=numerical", "unknown metric 'numerical'; did you mean 'numeric'?"),
        ("?answer=gold", "line 1: it has no field 'gold'"),
        ("?metric=code", "line 1: it has no field 'entry_point'"),
    ],
)
def test_options_that_do_not_exist_are_refused_with_the_nearest_that_do(tmp_path, options, said):
    with pytest.raises(UsageError) as refused:
        made(tmp_path, "jsonl", None, options)
    assert said in str(refused.value)


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


def test_a_file_with_too_few_questions_is_refused_with_how_many_are_enough(tmp_path):
    message = refusal(tmp_path, "jsonl", "\n".join(jsonl_lines(12)).encode())
    assert "too few questions" in message
    assert "each split needs 8" in message


def test_no_data_is_copied_into_the_project():
    root = Path(__file__).parent.parent
    assert {path.suffix for path in (root / "evals" / "agents").iterdir() if path.is_file()} <= {".py", ".md"}
