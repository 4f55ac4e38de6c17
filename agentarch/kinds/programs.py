"""Runs code that designs answered with: the code in boxes of its own, its tests in another, so that it cannot forge.

The tests never share a process with what they test. A call that they make is a question to a fresh box with the code,
arguments and result go over as text of plain Python values, and only the tests' own box says whether they passed.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from agentarch.evaluation import Outcome
from agentarch.execution.contract import MIB, Ending, Executor, Interview, Limits, Tell
from agentarch.kinds.faults import Ungraded
from agentarch.task import PASSED, Program
from agentarch.text import one_line

MOST_CALLS = 200
"""Tests that call what they test more often are stopped."""

CALL_SECONDS, TEST_SECONDS, WALL_SECONDS = 5.0, 20.0, 120.0
BYTES = 256 * MIB
AT_A_TIME = 4

_PLAIN = '''
import ast


def written(value):
    """Return a value as text that `ast.literal_eval` reads; infinity is written as a number too large."""
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return "1e999" if value > 0 else "-1e999"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{written(k)}: {written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (set, frozenset)):
        return "{" + ", ".join(map(written, value)) + "}" if value else "set()"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, tuple):
        return "(" + "".join(f"{written(one)}, " for one in value) + ")"
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        return repr(value)
    raise TypeError(f"{type(value).__name__} is no plain value")


def read(text):
    """Return the value of a text that `written` made."""
    return set() if text == "set()" else ast.literal_eval(text)
'''

_TESTS = """
import asyncio


async def solve(question, model):
    loop = asyncio.get_running_loop()

    def candidate(*arguments, **named):
        asked = model.ask(written((arguments, named)))
        said = asyncio.run_coroutine_threadsafe(asked, loop).result()
        kind, _, text = said.partition(":")
        if kind != "value":
            raise RuntimeError(text)
        return read(text)

    def run():
        exec(compile(TESTS, "tests.py", "exec"), {"__name__": "tests", ENTRY_POINT: candidate})

    await asyncio.to_thread(run)
    return "passed"
"""

_CANDIDATE = """
async def _solve(question, model):
    arguments, named = read(question)
    return written(candidate(*arguments, **named))


def _loaded():
    space = {"__name__": "candidate"}
    exec(compile(CANDIDATE, "candidate.py", "exec"), space)
    return space[ENTRY_POINT]


candidate = _loaded()
solve = _solve
"""


def verdicts(programs: Sequence[Program | None], executor: Executor) -> tuple[str, ...]:
    """Return, for each program, `PASSED` or `failed: ` and a reason; a program that is None has failed.

    Raises:
        Ungraded: a program could not be run, through no fault of its own.
        agentarch.execution.ExecutionStopped: the executor was closed meanwhile.
    """
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return tuple(pool.map(lambda program: verdict(program, executor), programs))


def verdict(program: Program | None, executor: Executor) -> str:
    """Run one program's tests; see `verdicts`."""
    if program is None:
        return "failed: there is no program in the answer"
    tests = f"{_PLAIN}\nTESTS = {program.tests!r}\nENTRY_POINT = {program.entry_point!r}\n{_TESTS}"
    candidate = (
        f"{_PLAIN}\nCANDIDATE = {program.candidate!r}\nENTRY_POINT = {program.entry_point!r}\n{_CANDIDATE}"
    )
    ending = _asked(executor, tests, "", TEST_SECONDS, _CallDesk(candidate, executor))
    if ending.outcome is Outcome.INFRASTRUCTURE:
        raise Ungraded(f"a program could not be run: {ending.reason}")
    if ending.outcome is Outcome.SCORED and ending.answer == PASSED:
        return PASSED
    return f"failed: {ending.reason or 'its tests did not come to their end'}"


class _CallDesk:
    """Where calls of tests arrive: each is a question to a fresh box with the code that is tested."""

    terms: Mapping[str, Any] = {"models": ["candidate"], "calls": MOST_CALLS, "tokens": 10**9}

    def __init__(self, candidate: str, executor: Executor) -> None:
        self._candidate, self._executor = candidate, executor
        self._calls = 0

    def ask(self, question: int, wish: Mapping[str, Any], tell: Tell) -> None:
        """Have a call made, in a thread of its own."""
        self._calls += 1
        left = {"calls": max(0, MOST_CALLS - self._calls), "tokens": 10**9}
        if self._calls > MOST_CALLS:
            reason = f"tests may make {MOST_CALLS} calls"
            tell({"type": "refused", "id": wish["id"], "why": "budget", "reason": reason, **left})
            return

        def call() -> None:
            try:
                said = self._called(str(wish.get("prompt")))
            except Exception as error:  # the executor was closed, or cannot run a box
                tell({"type": "gone", "id": wish["id"], "reason": one_line(str(error))})
            else:
                tell({"type": "told", "id": wish["id"], "texts": [said], **left})

        threading.Thread(target=call, daemon=True).start()

    def leave(self, question: int) -> None:
        """Do nothing: a call under way ends by itself."""

    def again(self, question: int) -> None:
        """Count from the beginning."""
        self._calls = 0

    def _called(self, arguments: str) -> str:
        ending = _asked(self._executor, self._candidate, arguments, CALL_SECONDS, _NoDesk())
        if ending.outcome is Outcome.INFRASTRUCTURE:
            raise RuntimeError(ending.reason)
        if ending.outcome is Outcome.SCORED:
            return f"value:{ending.answer}"
        return f"fault:{ending.outcome.value}: {ending.reason}"


class _NoDesk:
    """Where code that is tested would ask a model: it has none."""

    terms: Mapping[str, Any] = {"models": [], "calls": 0, "tokens": 0}

    def ask(self, question: int, wish: Mapping[str, Any], tell: Tell) -> None:
        """Refuse."""
        refused = {"why": "model", "reason": "there is no model here", "calls": 0, "tokens": 0}
        tell({"type": "refused", "id": wish["id"], **refused})

    def leave(self, question: int) -> None:
        """Do nothing: no call is under way."""

    def again(self, question: int) -> None:
        """Do nothing: nothing is kept."""


def _asked(
    executor: Executor, source: str, question: str, seconds: float, desk: _CallDesk | _NoDesk
) -> Ending:
    """Return how one question in one box ended."""
    limits = Limits(WALL_SECONDS)
    asked = executor.interview(Interview(source, (question,), (1,), 1, seconds, limits, desk, BYTES))
    return asked.endings[0]
