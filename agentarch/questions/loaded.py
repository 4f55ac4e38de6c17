"""Tasks whose questions are a user's: read once from a local file, when they are first needed, and never copied."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from agentarch.answers import METRICS
from agentarch.errors import UsageError
from agentarch.questions.files import fault
from agentarch.questions.items import SHARES, Item, gives_itself_away, split_of
from agentarch.task import FEWEST_SCORED_ITEMS, QuestionRung, Questions

FOLDER_VARIABLE = "AGENTARCH_DATA"
"""Names the folder with `agents/`, where the files lie of tasks that are asked for without a path."""


class LoadedTask:
    """Everything of a task but how its file reads: a subclass names what is constant, and gives `read`.

    Which split an item is in follows from its text (`agentarch.questions.items.split_of`): half of them steer the
    search, a quarter each confirms and tests. Each seed draws a rung's number of questions from the split, without
    putting back; from one that holds fewer, all of them are asked. A question that stands in the file twice, or with
    its answer, is refused.

    Args:
        path: of the file; by default `file_name` in the folder `agents` of the one that `AGENTARCH_DATA` names.
        name: of the task; named after the path by default.

    Attributes:
        file_name: of the file as it is published.
        source: where it is published, and under which licence.
    """

    kind = "agent"
    name: str
    description: str
    answer_form: str
    metric = "exact"
    chance = 0.0
    ceiling = 1.0
    world = ""
    rungs: tuple[QuestionRung, ...] = tuple(QuestionRung(questions) for questions in (8, 50, 100, 200))
    file_name: ClassVar[str]
    source: ClassVar[str]

    def __init__(self, path: str | Path | None = None, name: str | None = None) -> None:
        self._path = None if path is None else Path(path)
        if path is not None:
            self.name = name or f"{type(self).name}:{path}"

    @classmethod
    def made_from(cls, path: str) -> LoadedTask:
        """Return the task on a user's file, named after it.

        Raises:
            UsageError: it cannot be read, or will not do.
        """
        task = cls(path)
        task.load()
        return task

    def load(self) -> None:
        """Read the file now, so that one that will not do is refused before anything starts.

        Raises:
            UsageError: there is none, it cannot be read, or it will not do.
        """
        _ = self._splits

    def read(self, path: Path) -> Iterator[Item]:
        """Yield the items of a file, in its order.

        Raises:
            UsageError: it will not do; the message names the file and the line.
        """
        raise NotImplementedError

    def right_answer(self, item: Item) -> str:
        """Return an answer to an item that must be graded right, to see that the label makes sense."""
        return item.label

    def data(self, split: str, rung: int, seed: int) -> Questions:
        """Draw questions of a split, fewer than the rung says where the split holds fewer."""
        items = self._splits[split]
        chosen = np.random.default_rng(seed).permutation(len(items))[: self.rungs[rung].questions]
        drawn = [items[place] for place in chosen]
        return Questions(tuple(item.question for item in drawn), tuple(item.label for item in drawn))

    def grade(self, predictions: Sequence[str], labels: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        """Grade by the task's metric."""
        return {self.metric: METRICS[self.metric](predictions, labels)}

    @cached_property
    def _splits(self) -> dict[str, list[Item]]:
        path = self._found()
        items: list[Item] = []
        by_id: dict[str, str] = {}
        by_question: dict[str, str] = {}
        for item in self.read(path):
            if gives_itself_away(item):
                raise fault(path, item.place, "the answer stands in the question; take it out of there")
            for what, key, seen in (
                (f"the id {item.id!r}", item.id, by_id),
                ("this question", " ".join(item.question.casefold().split()), by_question),
            ):
                if key and seen.setdefault(key, item.place) != item.place:
                    raise fault(
                        path,
                        item.place,
                        f"{what} stands at {seen[key]} already; take one of the two out, or it may be in two splits",
                    )
            items.append(item)
        if not items:
            raise UsageError(f"{str(path)!r} holds no question; give a file with questions")
        self._refuse_senseless_labels(path, items)
        splits: dict[str, list[Item]] = {split: [] for split in SHARES}
        for item in items:
            splits[split_of(item.group or item.question)].append(item)
        if min(map(len, splits.values())) < FEWEST_SCORED_ITEMS:
            counts = ", ".join(f"{len(part)} for {split}" for split, part in splits.items())
            raise UsageError(
                f"{str(path)!r} holds too few questions: {counts}; each split needs {FEWEST_SCORED_ITEMS}, "
                f"for which about {12 * FEWEST_SCORED_ITEMS // 2} or more are enough"
            )
        return splits

    def _found(self) -> Path:
        if self._path is not None:
            return self._path
        folder = os.environ.get(FOLDER_VARIABLE, "")
        path = Path(folder) / "agents" / self.file_name
        if not folder or not path.is_file():
            missing = f"there is no {str(path)!r}" if folder else f"{FOLDER_VARIABLE} names no folder"
            raise UsageError(
                f"the task {self.name!r} needs a data file, and {missing}: give its path, as in {self.name}:PATH, "
                f"or put it there; it is published as {self.file_name} at {self.source}"
            )
        return path

    def _refuse_senseless_labels(self, path: Path, items: Sequence[Item]) -> None:
        graded = self.grade([self.right_answer(item) for item in items], [item.label for item in items])
        for item, value in zip(items, graded[self.metric], strict=True):
            if value != self.ceiling:
                label = item.label if len(item.label) < 60 else f"{item.label[:60]}…"
                raise fault(
                    path,
                    item.place,
                    f"its answer {label!r} is none by the metric {self.metric!r}; mend it, or choose another metric",
                )
