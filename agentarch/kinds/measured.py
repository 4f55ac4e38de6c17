"""A table of scores that seed designs were measured to have, and what follows from it for each task.

Plain data in one JSON file. Knows nothing of how it is measured (`agentarch.kinds.measuring`) or shown.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from agentarch.errors import AgentarchError
from agentarch.files import write_whole
from agentarch.scoring.correlation import spearman
from agentarch.scoring.resolution import (
    largest_by_chance,
    noise_floor,
    paired_noise,
    smallest_difference,
)
from agentarch.task import Task

FORMAT = 1
SEEDS_TOLD = (2, 3, 5, 8)
"""For so many seeds the smallest difference that they can resolve is told."""

SEPARATES = "Telling designs apart:"


class BrokenMeasurements(AgentarchError):
    """The file of measurements cannot be read."""


@dataclass(frozen=True)
class Cell:
    """One design on one task at one rung with one seed.

    Attributes:
        task: its name.
        rung: its number.
        design: its name.
        design_id: which source that was.
        seed: number of the training seed; equal ones had the same data.
        data: fingerprint of the task at that rung; see `Kind.fingerprint`.
        score: None when it was not scored.
        outcome: how it ended.
        seconds: of processor time, over all boxes.
    """

    task: str
    rung: int
    design: str
    design_id: str
    seed: int
    data: str
    score: float | None
    outcome: str
    seconds: float

    @property
    def key(self) -> tuple[str, int, str, int]:
        """What there is one cell of."""
        return self.task, self.rung, self.design, self.seed


@dataclass
class Measurements:
    """Every cell that was measured, and the words of the tasks that they are of.

    Attributes:
        tasks: by name: `metric`, `chance`, `ceiling`, `separates`, `steps` by rung.
        cells: by key.
    """

    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    cells: dict[tuple[str, int, str, int], Cell] = field(default_factory=dict)

    def add(self, task: Task, cell: Cell) -> None:
        """Take in a cell, in place of an older one."""
        self.tasks[task.name] = words_of(task)
        self.cells[cell.key] = cell

    def describe(self, tasks: Iterable[Task]) -> None:
        """Take in what tasks say of themselves now, of those that were measured."""
        self.tasks |= {task.name: words_of(task) for task in tasks if task.name in self.tasks}

    def of(self, task: str) -> tuple[Cell, ...]:
        """Return the cells of a task."""
        return tuple(cell for _, cell in sorted(self.cells.items()) if cell.task == task)

    def without_outdated(self, current: Mapping[tuple[str, int], str]) -> Measurements:
        """Return the measurements without cells of other data than a task has now.

        Args:
            current: fingerprints by task and rung; those of other tasks and rungs are taken as they are.
        """
        kept = {
            key: cell
            for key, cell in self.cells.items()
            if current.get((cell.task, cell.rung), cell.data) == cell.data
        }
        return Measurements(dict(self.tasks), kept)

    def save(self, path: Path) -> None:
        """Write the file, one cell a line, so that it is never seen half written."""
        cells = ",\n    ".join(json.dumps(asdict(self.cells[key])) for key in sorted(self.cells))
        tasks = ",\n    ".join(
            f"{json.dumps(name)}: {json.dumps(self.tasks[name])}" for name in sorted(self.tasks)
        )
        text = f'{{\n  "format": {FORMAT},\n  "tasks": {{\n    {tasks}\n  }},\n  "cells": [\n    {cells}\n  ]\n}}\n'
        write_whole(path, text)


def load(path: Path) -> Measurements:
    """Read the file; nothing is measured where there is none.

    Raises:
        BrokenMeasurements: it is not what `save` writes.
    """
    if not path.is_file():
        return Measurements()
    try:
        read = json.loads(path.read_text())
        if read["format"] != FORMAT:
            raise ValueError(f"its format is {read['format']}, not {FORMAT}")
        cells = [Cell(**cell) for cell in read["cells"]]
        return Measurements(dict(read["tasks"]), {cell.key: cell for cell in cells})
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenMeasurements(
            f"cannot read the measurements in {str(path)!r}: {error}; mend the file, or delete it and measure again"
        ) from None


def words_of(task: Task) -> dict[str, Any]:
    """Return what the file says of a task."""
    text = " ".join((type(task).__doc__ or "").split("Args:")[0].split())
    said = text.partition(SEPARATES)[2].strip()
    return {
        "metric": task.metric,
        "chance": round(task.chance, 6),
        "ceiling": task.ceiling,
        "separates": said or task.description,
        "steps": [rung.steps for rung in task.rungs],
    }


@dataclass(frozen=True)
class RungFound:
    """What was found of one rung of a task.

    Attributes:
        rung: its number.
        scores: mean over seeds by design.
        seeds: the most that a design has.
        failed: designs that were not scored, with the outcome.
        median_seconds: of processor time, over designs and seeds.
        longest_seconds: the dearest design's.
        noise: standard deviation over seeds; None without two seeds.
        noise_designs: those behind `noise`.
        by_chance: the spread that so many equal designs would exceed one time in 20; None without two seeds.
        resolves: smallest difference that can be resolved, by number of seeds; empty without two seeds.
    """

    rung: int
    scores: Mapping[str, float]
    seeds: int
    failed: Mapping[str, str]
    median_seconds: float
    longest_seconds: float
    noise: float | None
    noise_designs: tuple[str, ...]
    by_chance: float | None
    resolves: Mapping[int, float]

    @property
    def best(self) -> str:
        """The design with the highest mean score."""
        return max(self.scores, key=lambda name: (self.scores[name], name))

    @property
    def worst(self) -> str:
        """The one with the lowest."""
        return min(self.scores, key=lambda name: (self.scores[name], name))

    @property
    def spread(self) -> float:
        """How much better the best is than the worst."""
        return self.scores[self.best] - self.scores[self.worst]

    @property
    def separates(self) -> bool | None:
        """Whether best and worst differ by more than noise could make them; None when noise is not known."""
        if self.noise is None or self.by_chance is None:
            return None
        return self.spread > max(self.noise, self.by_chance)


def rungs_found(cells: Iterable[Cell]) -> tuple[RungFound, ...]:
    """Return what a task's cells say of each rung, lowest first; rungs on which nothing was scored are left out."""
    by_rung: dict[int, list[Cell]] = {}
    for cell in cells:
        by_rung.setdefault(cell.rung, []).append(cell)
    return tuple(
        _rung_found(rung, by_rung[rung])
        for rung in sorted(by_rung)
        if any(cell.score is not None for cell in by_rung[rung])
    )


def rank_correlations(found: Iterable[RungFound]) -> Iterator[tuple[int, int, float | None, int]]:
    """Yield, for each two rungs, both numbers, the rank correlation of the designs' scores, and how many designs."""
    rungs = tuple(found)
    for number, high in enumerate(rungs):
        for low in rungs[:number]:
            both = sorted(low.scores.keys() & high.scores.keys())
            told = spearman([low.scores[name] for name in both], [high.scores[name] for name in both])
            yield low.rung, high.rung, told, len(both)


def _rung_found(rung: int, cells: list[Cell]) -> RungFound:
    scores: dict[str, dict[int, float]] = {}
    for cell in cells:
        if cell.score is not None:
            scores.setdefault(cell.design, {})[cell.seed] = cell.score
    floor, paired = noise_floor(scores), paired_noise(scores)
    means = {name: float(np.mean(list(of.values()))) for name, of in scores.items()}
    ends = {max(means, key=lambda name: means[name]), min(means, key=lambda name: means[name])}
    fewest = min(len(scores[name]) for name in ends)
    seconds = [cell.seconds for cell in cells]
    return RungFound(
        rung=rung,
        scores=means,
        seeds=max(len(of) for of in scores.values()),
        failed={cell.design: cell.outcome for cell in cells if cell.score is None},
        median_seconds=median(seconds),
        longest_seconds=max(seconds),
        noise=floor.deviation if floor else None,
        noise_designs=floor.designs if floor else (),
        by_chance=largest_by_chance(paired, len(means), fewest) if paired else None,
        resolves={seeds: smallest_difference(math.sqrt(2) * paired.deviation, seeds) for seeds in SEEDS_TOLD}
        if paired
        else {},
    )
