"""Agent designs in a process of their own, with a model whose answers a test writes."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

Answerer = Callable[[str, int], str]
"""Given a prompt and the number of the sample, returns what the model says."""


class Failed(AssertionError):
    """A design that ended with an error; the message is its last line."""


@dataclass(frozen=True)
class Asked:
    """One call that a design made."""

    prompt: str
    sample: int
    temperature: float | None
    reply: str


CHILD = """
import asyncio, json, sys, types

class Model:
    async def ask(self, prompt, *, system=None, temperature=None, max_tokens=None, n=1, model=None):
        assert isinstance(prompt, str) and system is None and n == 1 and (temperature or 0) <= 2
        print(json.dumps([prompt, temperature]), flush=True)
        told = json.loads(sys.stdin.readline())
        await asyncio.sleep(0)
        if told is None:
            raise RuntimeError("a question's budget is spent")
        return told

source, question = json.loads(sys.stdin.readline())
design = types.ModuleType("design")
exec(source, design.__dict__)
print(json.dumps({"answer": asyncio.run(design.solve(question, Model()))}))
"""


def solve(source: str, question: str, answer: Answerer, calls: int = 10_000) -> tuple[str, list[Asked]]:
    """Let a design answer one question with so many calls at most; return its answer and the calls it made."""
    made: list[Asked] = []
    repeats: Counter[tuple[str, float | None]] = Counter()
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        child.stdin.write(json.dumps([source, question]) + "\n")
        child.stdin.flush()
        for line in child.stdout:
            told = json.loads(line)
            if isinstance(told, dict):
                return told["answer"], made
            reply = None
            if len(made) < calls:
                prompt, temperature = told
                reply = answer(prompt, repeats[prompt, temperature])
                repeats[prompt, temperature] += 1
                made.append(Asked(prompt, repeats[prompt, temperature] - 1, temperature, reply))
            child.stdin.write(json.dumps(reply) + "\n")
            child.stdin.flush()
        raise Failed(child.stderr.read().strip().splitlines()[-1])
