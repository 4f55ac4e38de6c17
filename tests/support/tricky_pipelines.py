"""Agent designs that are hard to take apart, and a look at what a design does with a scripted model.

A design is run in a process of its own, never in the test's.
"""

import json
import subprocess
import sys
from pathlib import Path

from agentarch.design import Design, Proposal, read_design
from agentarch.kinds.agent import CONTRACT

ROOT = Path(__file__).parents[2]
SEED_FILES = sorted((ROOT / "archive" / "agents").glob("*.py"))
TEXT_FILES = sorted((ROOT / "agentarch" / "proposers" / "pipelines" / "texts").glob("*.py.txt"))

VOTE = '''"""Vote: three answers at once."""

import asyncio
from collections import Counter

SAMPLES = 3
TEMPERATURE = 1.0  # of each

STEPS = """{question}
Think step by step."""

STYLES = (
    "You are a careful mathematician.",
    "You are a detective.",
)


async def solve(question, model):
    answers = await asyncio.gather(*(think(question, model) for _ in range(SAMPLES)))
    return Counter(answers).most_common(1)[0][0]


# What a voter does.
async def think(question, model):
    """Answer once."""
    return final(await model.ask(STEPS.format(question=question), temperature=TEMPERATURE))


def final(reply):
    """Return the last word."""
    return reply.split()[-1].strip(".")
'''

SPLIT = '''"""Split: one part after the other."""

import re

MAX_PARTS = 4

SPLIT = """{question}
Split the question."""


async def solve(question, model):
    parts = re.findall(r"[^?]+\\?", await model.ask(SPLIT.format(question=question)))[:MAX_PARTS]
    answer_so_far = ""
    for part in parts or [question]:
        answer_so_far = await answer(question=part.replace("#1", answer_so_far).strip(), model=model)
    return answer_so_far


async def answer(question, model):
    """Answer one part."""
    return final(await model.ask(question))


def final(reply):
    return reply.split()[-1].strip(".")
'''

SINGLE = """import re


async def solve(question, model):
    return re.sub(r".* ", "", await model.ask(question)).strip(".")
"""

TWO_STEPS = '''"""Two steps that know nothing of each other, then a choice."""

CHOICE = """{question}
Which is right, {first} or {second}?"""


async def solve(question, model):
    first = await quick(question, model)
    second = await slow(question, model)
    if first == second:
        return first
    return (await model.ask(CHOICE.format(question=question, first=first, second=second))).split()[-1].strip(".")


async def quick(question, model):
    return (await model.ask(question)).split()[-1].strip(".")


async def slow(question, model):
    return (await model.ask(f"{question} Think step by step.")).split()[-1].strip(".")
'''

SHADOWS = '''"""Names that mean one thing outside and another inside."""

import random as re

ask = "Think step by step."
SAMPLES = 2
final = {"how": ask}


def max(*values):
    return sorted(values)[0]


def sum(ask, final=final, *, more=lambda ask=ask: ask):
    SAMPLES = [ask for ask in [ask, more()] if (answer := ask)]
    return answer + final["how"] + SAMPLES[0]


async def solve(question, model):
    async def think(question):
        nonlocal tries
        tries += 1
        return await answer(question, model)

    tries, answers = 0, []
    while tries < SAMPLES:
        answers.append(await think(f"{question} {ask}"))
    answer_to = max(*answers)
    assert sum("x", more=lambda: "y").startswith("y")
    assert isinstance(re.random(), float)
    return answer_to


async def answer(question, model):
    solve = await model.ask(question)
    return [solve.strip(".") for solve in solve.split()][-1]
'''

STATE = '''"""State that outlives a call."""
from __future__ import annotations

import functools
from dataclasses import dataclass, field

COUNT = 0
SEEN = []
SAMPLES = 1


@dataclass
class Memory:
    """Keeps answers."""

    limit: int = 3
    answers: list[str] = field(default_factory=list)

    def add(self, answer: str) -> Memory:
        global COUNT
        COUNT += 1
        self.answers.append(f"{answer}{'!' * (COUNT - COUNT)}")
        return self

    class Inner:
        solve = COUNT


def counted(function):
    @functools.wraps(function)
    async def wrapper(*args, **kwargs):
        SEEN.append("think")
        return await function(*args, **kwargs)

    return wrapper


@counted
async def think(question: str, model) -> str:
    match (
        await model.ask(f"""{question}
{COUNT:>{SAMPLES}} asked before; {SEEN[-1]!r} last. {len(SEEN)}""")
    ).split():
        case [*_, last]:
            return last.strip(".")
        case _:
            return ""


@functools.lru_cache(maxsize=None)
def plain(text, /, *, strip="."):
    return text.strip(strip)


async def solve(question, model):
    memory = Memory()
    try:
        while COUNT < 2:
            memory.add(plain(await think(question, model)))
    except ZeroDivisionError as COUNT_error:
        raise RuntimeError("no") from COUNT_error
    return memory.answers[-1]
'''

RECURSIVE = '''"""Calls itself, takes more than it must, and was written in another layout."""
import asyncio; import re as regex
DEPTH: int = 2; final = "Think step by step."
"""How deep it goes, and what it says."""
async def solve(question, model, *rest, depth=DEPTH, **more):
    if depth == 0: return regex.sub(r".* ", "", await model.ask(question + " " + final)).strip(".")
    ask = functools_partial(solve, question, model)
    said = await asyncio.gather(*[ask(depth=depth - 1) for ask in [ask] * 2])
    return sorted(said)[0]
class functools_partial:
    def __init__(self, function, *args):
        self.function, self.args = function, args
    def __call__(self, **more):
        return self.function(*self.args, **more)
'''

FLOWS = '''"""Flows within flows, made while it runs."""

import asyncio

VOTES = 2
TABLE = {"answer": lambda question, model: answer(question, model)}


async def solve(question, model):
    return await voted(checked(TABLE["answer"]))(question, model)


def voted(inner):
    async def flow(question, model):
        answers = await asyncio.gather(*(inner(question, model) for _ in range(VOTES)))
        return sorted(answers)[0]

    return flow


def checked(inner, tries=VOTES):
    async def flow(question, model):
        for _ in range(tries):
            found = await inner(question, model)
            if "yes" in (await model.ask(f"{question}\\nIs the answer {found}? Yes or no.")).lower():
                break
        return found

    return flow


async def answer(question, model):
    """Answer by one call."""
    return (await model.ask(question)).split()[-1].strip(".")
'''

TRICKY = {
    "vote": VOTE,
    "split": SPLIT,
    "single": SINGLE,
    "two-steps": TWO_STEPS,
    "shadows": SHADOWS,
    "state": STATE,
    "recursive": RECURSIVE,
    "flows": FLOWS,
}

SOURCES = {**{path.stem: path.read_text(encoding="utf-8") for path in SEED_FILES}, **TRICKY}
"""Every whole design there is to test with, by name."""

SEEDS = tuple(read_design(Proposal(source=source, name=name), CONTRACT) for name, source in SOURCES.items())


def design(source: str, name: str = "written") -> Design:
    """Read a source as an agent design."""
    return read_design(Proposal(source=source, name=name), CONTRACT)


QUESTIONS = (
    "Tom has 3 apples and buys 4. How many apples has Tom?",
    "Ann is older than Bob. Bob is older than Cid. Who is the oldest?",
)

HARNESS = r'''
import asyncio, collections, hashlib, json, sys, types

class Model:
    """Answers by a rule; the same prompt gets another answer when it comes again, unless the model is steady."""

    def __init__(self, is_steady):
        self.is_steady = is_steady
        self.prompts, self.names, self.remaining = [], ("one",), types.SimpleNamespace(calls=500, tokens=50_000)
        self.asked = collections.Counter()

    async def ask(self, prompt, *, system=None, temperature=None, max_tokens=None, n=1, model=None):
        self.prompts.append([prompt, temperature])
        if len(self.prompts) > 600:
            raise RuntimeError("over")
        self.asked[prompt] += 1
        again = 0 if self.is_steady else self.asked[prompt]
        number = hashlib.sha256(f"{prompt}{again}".encode()).digest()[0]
        await asyncio.sleep(0)
        if "Split the question." in prompt:
            return "What is 1 + 1? What is #1 + 2?"
        if "Yes or no." in prompt:
            return ("Yes.", "No.")[number % 2]
        return f"The answer is {number % 3}." if n == 1 else ["The answer is 1."] * n

def load(source):
    module = types.ModuleType("design")
    sys.modules["design"] = module
    exec(compile(source, "design", "exec"), module.__dict__)
    return module

def run(job, question):
    module = load(job["source"])
    for socket, source in job["fills"].items():
        setattr(module, socket, load(source).solve)
    model = Model(job["is_steady"])
    try:
        said = asyncio.run(getattr(module, job["root"])(question, model))
    except Exception as error:
        said = type(error).__name__
    shown = model.prompts if len(model.prompts) < 20 else hashlib.sha256(repr(model.prompts).encode()).hexdigest()
    return [said, len(model.prompts), shown]

for line in sys.stdin:
    job = json.loads(line)
    print(json.dumps([run(job, question) for question in job["questions"]]))
'''


def job(
    source: str, fills: dict[str, str] | None = None, root: str = "solve", *, is_steady: bool = False
) -> dict[str, object]:
    """Return an order to run a design whose sockets are filled by hand with whole designs."""
    told = {"source": source, "fills": fills or {}, "root": root}
    return {**told, "questions": QUESTIONS, "is_steady": is_steady}


def behaviours(jobs: list[dict[str, object]]) -> list[object]:
    """Return what designs answer and in which order they ask what."""
    done = subprocess.run(
        [sys.executable, "-c", HARNESS],
        input="".join(json.dumps(one) + "\n" for one in jobs),
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
