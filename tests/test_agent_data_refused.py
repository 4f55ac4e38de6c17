"""A data file that will not do is refused before anything starts, with the place and what to do."""

import gzip
import json

import pytest
from support.agent_data import (
    LOADERS,
    arc_archive,
    arc_puzzle,
    jsonl_lines,
    made,
    refusal,
    small_files,
)

from agentarch.catalogue import find_task
from agentarch.errors import UsageError

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


def test_a_file_with_too_few_questions_is_refused_with_how_many_are_enough(tmp_path):
    message = refusal(tmp_path, "jsonl", "\n".join(jsonl_lines(12)).encode())
    assert "too few questions" in message
    assert "each split needs 8" in message
