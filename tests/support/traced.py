"""Traces by hand: what a little pipeline would have asked, without a box and without a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agentarch.traces import CallRecord, Trace

QUESTION = "Who is the boss of the mother of Mira?"

Row = tuple[str, str, float, str, Sequence[tuple[str, str]]]
"""A question, its final answer, its grade, its label, and its calls as prompt and answer."""


def call(number: int, prompt: str, text: str, after: int, **settings: Any) -> CallRecord:
    """Return a call, each of an ask of its own."""
    told, said = len(prompt.split()), len(text.split())
    given = {"model": "scripted", "system": "", "temperature": None, "seconds": 0.5, "dollars": 0.001}
    given |= {"told": number} | settings
    return CallRecord(
        number, number, after, prompt=prompt, text=text, prompt_tokens=told, output_tokens=said, **given
    )


def calls(*said: tuple[str, str]) -> list[CallRecord]:
    """Return calls that were made one after the other."""
    return [call(number, told, text, number - 1) for number, (told, text) in enumerate(said, start=1)]


def pipeline(
    question: str, samples: int = 3, names: str = "x", right: str = "", wins: bool = True
) -> list[CallRecord]:
    """Return the calls of samples at once, each verified, and a judge: as deep as three.

    Args:
        question: that is asked.
        samples: and as many verifiers.
        names: what wrong answers begin with.
        right: what the last sample says; nobody says it when empty.
        wins: whether the judge goes by it.
    """
    said = [f"{names}{number}" for number in range(samples)]
    if right:
        said[-1] = right
    steps = f"{question}\nThink step by step.\nFinish with a line giving your solution."
    check = "{}\nWould you accept {}? Say yes or no and why."
    made = [
        call(n, steps, f"Let me think.\nThe answer is {name}.", 0) for n, name in enumerate(said, start=1)
    ]
    verdicts = [f"Because of {name}because, yes" for name in said]
    made += [
        call(samples + n, check.format(question, name), verdict, samples)
        for n, (name, verdict) in enumerate(zip(said, verdicts, strict=True), start=1)
    ]
    reasons = "; ".join(verdicts)
    chosen = said[-1] if wins else said[0]
    judge = f"{question}\nHere are reasons: {reasons}\nWeigh them all against each other and choose."
    made.append(call(2 * samples + 1, judge, f"The answer is {chosen}.", 2 * samples))
    return made if samples == 3 else [*made[:-1], *_more(judge, samples, chosen)]


def _more(judge: str, samples: int, chosen: str) -> list[CallRecord]:
    return [
        call(2 * samples + n, judge, f"The answer is {chosen}.", 2 * samples) for n in range(1, samples + 1)
    ]


def trace(rows: Sequence[Row] | None = None, solved: int = 0, failed: int = 0) -> Trace:
    """Return a trace of given rows, or of the little pipeline, which solves some questions and fails on others."""
    if rows is not None:
        return Trace(
            questions=tuple(row[0] for row in rows),
            answers=tuple(row[1] for row in rows),
            outcomes=("scored",) * len(rows),
            values=tuple(row[2] for row in rows),
            calls=tuple(tuple(calls(*row[4])) for row in rows),
            labels=tuple(row[3] for row in rows),
        )
    count = solved + failed
    questions = tuple(f"Who is the boss of the mother of Mira{number}?" for number in range(count))
    right = [f"Zoe{number}" for number in range(count)]
    made = [
        pipeline(
            question, names=f"bad{at}n", right=right[at] if at < solved or at % 2 else "", wins=at < solved
        )
        for at, question in enumerate(questions)
    ]
    answers = [found[-1].text.removeprefix("The answer is ").rstrip(".") for found in made]
    return Trace(
        questions=questions,
        answers=tuple(answers),
        outcomes=("scored",) * count,
        values=(1.0,) * solved + (0.0,) * failed,
        calls=tuple(map(tuple, made)),
        labels=tuple(right),
    )
