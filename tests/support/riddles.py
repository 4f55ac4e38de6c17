"""A task for agents that needs no model of ours: who the boss of somebody is, in names that follow from a hash."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from agentarch.task import QuestionRung, Questions

SYLLABLES = ("ba", "de", "ki", "lo", "mu", "na", "po", "ru", "sa", "te", "vi", "zo")


def name_of(text: str) -> str:
    """Return a name that follows from a text."""
    digest = hashlib.sha256(text.encode()).digest()
    return "".join(SYLLABLES[byte % len(SYLLABLES)] for byte in digest[:3]).capitalize()


def boss_of(name: str) -> str:
    """Return the right answer."""
    return name_of(f"boss of {name}")


class Riddles:
    """Asks for the boss of somebody."""

    name, kind, metric, chance, ceiling, world = "riddles", "agent", "accuracy", 0.0, 1.0, ""
    description = "who the boss of somebody is"
    answer_form = "One name."
    rungs = tuple(QuestionRung(questions=count) for count in (8, 30, 40))

    def data(self, split: str, rung: int, seed: int) -> Questions:
        """Draw names; the split is in the seed."""
        names = [name_of(f"{seed} {number}") for number in range(self.rungs[rung].questions)]
        return Questions(tuple(f"Who is the boss of {name}?" for name in names), tuple(map(boss_of, names)))

    def grade(self, predictions: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
        """Return whether each answer is the name."""
        pairs = zip(predictions, labels, strict=True)
        return {
            "accuracy": np.array([float(said.strip(" .").lower() == right.lower()) for said, right in pairs])
        }


def reply(text: str, sample: int) -> str:
    """Answer as a small model would that errs on every third question, another way each time it is asked."""
    asked = re.findall(r"boss of (\w+)", text)
    right = boss_of(asked[-1]) if asked else "Nobody"
    luck = hashlib.sha256(f"{text} {sample}".encode()).digest()
    said = right if luck[0] > 85 else name_of(f"{luck[1] % 2} {asked[-1:]}")
    if checked := re.search(r"Is the answer (\w+)", text):
        return "Yes" if (checked[1] == right) == (luck[2] > 50) else "No"
    if "Split" in text:
        return f"Who is the boss of {asked[-1]}?"
    if offered := re.search(r"(?:Others say|Someone says|Pick) ([^.\n]*)", text):
        names = [name for name in re.findall(r"[A-Z]\w+", offered[1]) if name != "The"]
        said = right if right in names and luck[3] > 60 else (names or [said])[luck[4] % max(1, len(names))]
    return (
        f"I have thought about {asked[-1] if asked else 'it'}.\nThe answer is {said}."
        if "step" in text
        else said
    )
