"""From what a pipeline answered to what it is worth, one value an item. Knows no task and no file.

Answers are hostile: every function here takes time in proportion to their length, and never runs any of them. Where
several answers are right, `any_of` makes one label of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from agentarch.answers.code import code, code_in, defines
from agentarch.answers.exact import exact, normal_form
from agentarch.answers.judging import judge, judgement_prompt, read_judgement
from agentarch.answers.labels import any_of, labels_in
from agentarch.answers.numeric import number_in, numeric
from agentarch.answers.overlap import f1
from agentarch.answers.stated import last_block, stated

Metric = Callable[[Sequence[str], Sequence[str]], NDArray[np.float64]]
"""Answers, or verdicts on them, and labels of the same items: a value of each from 0 to 1, `(items,)`."""

METRICS: Mapping[str, Metric] = {"exact": exact, "numeric": numeric, "f1": f1, "code": code, "judge": judge}

__all__ = [
    "METRICS",
    "Metric",
    "any_of",
    "code",
    "code_in",
    "defines",
    "exact",
    "f1",
    "judge",
    "judgement_prompt",
    "labels_in",
    "last_block",
    "normal_form",
    "number_in",
    "numeric",
    "read_judgement",
    "stated",
]
