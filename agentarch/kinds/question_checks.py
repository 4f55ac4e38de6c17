"""Whether a task for agents tells the truth: its questions, its answers and its grading against what it says.

Checks come cheapest first, and the first that fails is the last, for later ones rest on it. No model is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import combinations

import numpy as np

from agentarch.kinds.audits import NEAR_CHANCE, Audit, in_turn
from agentarch.scoring import score_items
from agentarch.task import (
    FEWEST_SCORED_ITEMS,
    PASSED,
    SPLITS,
    AgentTask,
    CodeTask,
    JudgedTask,
    QuestionRung,
    Questions,
    terms_fault,
)

RUNG = 1
"""At which questions of several splits and seeds are compared."""

MOST_ANSWERS = 60
"""So many answers, the commonest first, are tried as the one answer to every question."""

_HOSTILE = ("", " \n", "I do not know.", "\x00\ud7ff\u202e", "9" * 10_000, "nan", "[[[[", "yes " * 2_000)


def check_questions(
    task: AgentTask, seed: int = 0, begins: Callable[[str], None] = lambda name: None
) -> Iterator[Audit]:
    """Check a task for agents, one finding after the other; ends after the first that does not hold.

    Args:
        task: to be checked. Whatever its code raises is a finding.
        seed: of its questions.
        begins: called with the name of each check before it begins, for a task's code may take long.
    """
    checks: tuple[tuple[str, str, Callable[[AgentTask, int], str]], ...] = (
        ("what it says of itself makes sense", "finite numbers, and rungs that ask something", _terms),
        ("questions are texts with a label each", f"{FEWEST_SCORED_ITEMS} or more, on every rung", _texts),
        ("questions follow from the seed", "the same for the same seed, and others for another", _follows),
        ("no question is in two splits", "splits that share nothing", _apart),
        ("grading is as the contract says", "one finite number an item, whatever is answered", _grades),
        (
            "chance is what needs no question",
            f"{NEAR_CHANCE} at most for one answer to everything, and for an echo",
            _chance,
        ),
    )
    return in_turn(((name, expected, partial(find, task, seed)) for name, expected, find in checks), begins)


def _terms(task: AgentTask, seed: int) -> str:
    return terms_fault(task)


def _texts(task: AgentTask, seed: int) -> str:
    for rung, split in [(rung, "search") for rung in range(len(task.rungs))] + [
        (RUNG, one) for one in SPLITS
    ]:
        if fault := _questions_fault(task.data(split, rung, seed), task.rungs[rung]):
            return f"rung {rung}, split {split!r}: {fault}"
    return ""


def _questions_fault(made: Questions, rung: QuestionRung) -> str:
    if not FEWEST_SCORED_ITEMS <= len(made.inputs) <= rung.questions:
        return f"{len(made.inputs)} questions, expected {FEWEST_SCORED_ITEMS} to {rung.questions}"
    if len(made.labels) != len(made.inputs) or len(made.salts) not in (0, len(made.inputs)):
        return f"{len(made.inputs)} questions with {len(made.labels)} labels and {len(made.salts)} salts"
    for what, texts in (("question", made.inputs), ("label", made.labels)):
        for number, text in enumerate(texts):
            if not isinstance(text, str) or not text.strip():
                return f"{what} {number} is {text!r}, expected a text"
    if twice := [question for question, count in Counter(_identities(made)).items() if count > 1]:
        return f"a question is asked twice: {twice[0][0]!r}"
    return ""


def _identities(made: Questions) -> Sequence[tuple[str, bytes]]:
    """Return what makes each question the one it is: its text, and what its names stand for."""
    return [(text, made.salts[at] if made.salts else b"") for at, text in enumerate(made.inputs)]


def _follows(task: AgentTask, seed: int) -> str:
    first, again = (task.data("search", RUNG, seed) for _ in range(2))
    if first != again:
        return f"seed {seed} gave other questions the second time"
    if first == task.data("search", RUNG, seed + 1):
        return f"seeds {seed} and {seed + 1} give the same questions in the same order"
    return ""


def _apart(task: AgentTask, seed: int) -> str:
    asked = {split: {*_identities(task.data(split, RUNG, seed))} for split in SPLITS}
    for one, other in combinations(SPLITS, 2):
        if shared := asked[one] & asked[other]:
            return f"{len(shared)} questions are in {one!r} and in {other!r}, e.g. {min(shared)[0]!r}"
    return ""


def _grades(task: AgentTask, seed: int) -> str:
    labels = task.data("search", RUNG, seed).labels
    for said in (*_HOSTILE, PASSED):
        graded = task.grade([said] * len(labels), labels)
        if task.metric not in graded:
            return f"it is scored by {task.metric!r}, and grades {', '.join(graded) or 'nothing'}"
        for name, values in graded.items():
            if values.shape != (len(labels),):
                return f"{name} has the shape {values.shape} for {len(labels)} items"
            if not np.isfinite(values).all():
                return f"{name} is not finite for the answer {said[:40]!r}"
        if (best := float(graded[task.metric].max())) > max(task.chance, task.ceiling):
            return (
                f"{task.metric} is {best:g} for the answer {said[:40]!r}, above its ceiling {task.ceiling:g}"
            )
    return ""


def _chance(task: AgentTask, seed: int) -> str:
    made = task.data("search", len(task.rungs) - 1, seed)
    if isinstance(task, CodeTask | JudgedTask):  # what is graded there are verdicts, not answers
        return ""
    ways = {"an echo of the question": list(made.inputs)}
    for label, _ in Counter(made.labels).most_common(MOST_ANSWERS):
        ways[f"the answer {label[:40]!r} to everything"] = [label] * len(made.inputs)
    for way, answers in ways.items():
        score = score_items(task.grade(answers, made.labels)[task.metric], task.chance, task.ceiling)
        if score.low > NEAR_CHANCE:
            return f"{way} scores {score.value:.2f} [{score.low:.2f}, {score.high:.2f}]"
    return ""
