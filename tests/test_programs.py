"""What a program that a design answered with can and cannot do to its verdict."""

import pytest
from support.pipelines import agent_executor

from agentarch.kinds.programs import verdict
from agentarch.task import PASSED, Program

TESTS = """
def check(candidate):
    assert candidate([1, 2, 3], scale=2.0) == [2.0, 4.0, 6.0]
    assert candidate([], scale=1) == []
    assert candidate([float("inf")]) == [float("inf")]

check(times)
"""
RIGHT = "def times(values, scale=1.0):\n    return [value * scale for value in values]\n"


@pytest.fixture(scope="module")
def executor():
    with agent_executor() as started:
        yield started


def test_a_right_program_passes(executor):
    assert verdict(Program(RIGHT, TESTS, "times"), executor) == PASSED


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def times(values, scale=1.0):\n    return values\n", "AssertionError"),
        ("def times(values, scale=1.0):\n    raise KeyError('x')\n", "KeyError"),
        ("def times(values, scale=1.0):\n    while True: pass\n", "timeout"),
        ("def times(values, scale=1.0):\n    return object()\n", "no plain value"),
        ("def other(): pass\n", "KeyError: 'times'"),
        ("def times(:\n", "SyntaxError"),
        ("import os\nos._exit(0)\n", "ended with exit code 0"),
        (f"{RIGHT}import sys\nsys.exit(0)\n", "SystemExit"),
        ("def times(values, scale=1.0):\n    return '[' * 100_000\n", "answer"),
    ],
)
def test_a_wrong_program_fails_with_the_reason(executor, source, reason):
    said = verdict(Program(source, TESTS, "times"), executor)
    assert said.startswith("failed: ")
    assert reason in said


FORGED = """
import builtins, sys

class Always(list):
    def __eq__(self, other):
        return True

def times(values, scale=1.0):
    builtins.passed = True
    for frame in (sys._getframe(depth) for depth in range(3)):
        for name in ("TESTS", "PASSED"):
            frame.f_globals[name] = "passed"
    return Always([1.0])

def solve(question, model):
    return "passed"
"""


def test_a_program_cannot_say_that_it_passed(executor):
    assert verdict(Program(FORGED, TESTS, "times"), executor).startswith("failed: ")


def test_no_program_has_failed(executor):
    assert verdict(None, executor) == "failed: there is no program in the answer"
