"""Small sound data files of every format that a task reads, and the public ones where they are."""

import gzip
import io
import json
import tarfile

import pytest

from agentarch.catalogue import find_task
from agentarch.errors import UsageError
from support.data import VARIABLE, data_file, data_folder

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
