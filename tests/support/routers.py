"""Pipelines that a router chooses between: numbers that are planted, and two designs to ask."""

import numpy as np

from agentarch.search.routing.fitting import Answers, fit
from agentarch.search.routing.judging import judge_router

RELATIONS = ("friend", "boss", "teacher", "rival", "founder", "home")


def questions(seed, count, longest=4):
    """Questions of the embedded world's form, with a name of its own each."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        hops = int(rng.integers(1, longest + 1))
        chain = "".join(f"the {RELATIONS[rng.integers(6)]} of " for _ in range(hops))
        made.append(f"Who is {chain}{''.join(rng.choice(list('abcdefgh'), 9)).title()}?")
    return tuple(made)


def planted(seed, count, has_structure=True):
    """A cheap pipeline that is right on short questions, a dear one that is on all, one between them."""
    rng = np.random.default_rng(seed + 1)
    asked = questions(seed, count)
    hops = np.array([one.count(" of ") for one in asked])
    chance = np.array([np.where(hops <= 2, 0.92, 0.1), np.where(hops <= 3, 0.88, 0.4), np.full(count, 0.9)])
    if not has_structure:
        chance = np.broadcast_to(np.array([[0.5], [0.65], [0.8]]), (3, count))
    scores = (rng.random((3, count)) < chance).astype(float)
    tokens = np.array([20 + 5.0 * hops, 60 + 10.0 * hops, 300 + 40.0 * hops])
    if not has_structure:
        tokens = np.broadcast_to(tokens.mean(1, keepdims=True), tokens.shape)
    return Answers(("cheap", "middling", "dear"), asked, ("quiz",) * count, scores, tokens)


def judged(fitting, held_out, keep=0.95):
    fitted = fit(fitting)
    policy = fitted.policy_that_keeps(keep)
    return judge_router(fitted, policy, keep, held_out), policy


def agreeing(seed, count):
    """Two cheap pipelines that err, each in its own way, on questions that no word gives away; and a dear one."""
    rng = np.random.default_rng(seed)
    asked = questions(seed, count, longest=1)
    hard = rng.random(count) < 0.4
    right = np.array(
        [np.where(hard, rng.random(count) < 0.3, True) for _ in range(2)] + [rng.random(count) < 0.95]
    )
    said = tuple(
        tuple(
            "Yes." if one else f"wrong {at}" for at, one in zip(rng.integers(9, size=count), row, strict=True)
        )
        for row in right
    )
    tokens = np.array([np.full(count, 100.0), np.full(count, 120.0), np.full(count, 1500.0)])
    return Answers(("one", "other", "dear"), asked, ("quiz",) * count, right.astype(float), tokens, said)


CHEAP = '''"""Asks once."""
PROMPT = """Short:
  {question}"""


async def solve(question, model):
    return await model.ask(PROMPT.format(question=question))
'''
DEAR = """from __future__ import annotations

PROMPT = "Think long " + "and hard " * 30 + ": {question}"  # the same name, another text


class Later:
    def use(self, it: Later) -> str:
        return it


async def ask(question, model):
    return await model.ask(PROMPT.format(question=question))


async def solve(question, model):
    first = await ask(question, model)
    return (await model.ask(f"Long, check {first}: {question}")).strip()
"""


def right(question):
    return "yes" if question.count(" of ") % 2 else "no"


COUNTING = "N = 0\n\nasync def solve(question, model):\n    global N\n    return await model.ask(question)\n"
