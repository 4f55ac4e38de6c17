import ast
import contextlib
import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agentarch.syntax import parse, parse_expression

SEED = (Path(__file__).parent.parent / "archive" / "networks" / "transformer.py").read_text()


@pytest.fixture
def busy_collector():
    """Let garbage be collected, and other threads in, in the middle of whatever is parsed."""
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.callbacks.append(lets_others_in)
    gc.set_threshold(50)
    sys.setswitchinterval(1e-6)
    yield
    gc.callbacks.remove(lets_others_in)
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(interval)


def lets_others_in(phase, info):
    for _ in range(50):
        pass


def test_sound_source_is_parsed_whatever_other_threads_parse_meanwhile(busy_collector):
    expected = ast.dump(ast.parse(SEED))
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: parse(SEED), range(200)))
    assert {ast.dump(tree) for tree in found} == {expected}


def test_an_expression_is_parsed_to_its_tree():
    assert ast.literal_eval(parse_expression("[1, (2, 3)]")) == [1, (2, 3)]


@pytest.mark.parametrize(
    "source", ["(" * 90 + ")" * 90 + "\n", "-" * 50_000 + "1", "x" + ".x" * 50_000, "def f(:\n"]
)
def test_source_that_cannot_be_parsed_spoils_nothing_for_the_next(source):
    for _ in range(3):
        with contextlib.suppress(SyntaxError, RecursionError, MemoryError):
            parse(source)
        assert parse("x = 1").body
