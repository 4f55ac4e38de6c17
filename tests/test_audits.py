"""Every task passes its audits; a task that is broken on purpose fails the one that looks for it."""

from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.commands import TINY_FILE
from support.designs import SOUND
from support.tiny import Tiny

from agentarch.catalogue import find_tasks
from agentarch.kinds.audits import audit_task
from agentarch.task import Data

GRU = (Path(__file__).parent.parent / "archive" / "networks" / "gru.py").read_text()

PATIENCE_SECONDS = 500.0
"""What an audit finds must not depend on what else this machine does."""


class WrongChance(Tiny):
    """Its chance is a tenth of what guessing gives."""

    chance = 1 / 60


class SameItems(Tiny):
    """Its scored items are its training items."""

    def data(self, split, rung, seed):
        made = super().data(split, rung, seed)
        return Data(made.train_inputs, made.train_labels, made.train_inputs[:24], made.train_labels[:24])


class Unrepeatable(Tiny):
    """Its arrays do not follow from the seed."""

    def data(self, split, rung, seed):
        return super().data(split, rung, int(np.random.default_rng().integers(2**62)))


class GivesAway(Tiny):
    """It grades whatever is predicted as right."""

    def grade(self, predictions, labels):
        return {name: np.ones_like(values) for name, values in super().grade(predictions, labels).items()}


def failing(task, executor) -> set[str]:
    return {one.name for one in audit_task(task, SOUND, executor) if not one.holds}


@pytest.mark.slow
@pytest.mark.parametrize("name", find_tasks("network"))
def test_every_task_that_ships_passes_its_audits(name, executor):
    task = copy(find_tasks("network")[name])
    task.rungs = tuple(replace(rung, wall_seconds=PATIENCE_SECONDS) for rung in task.rungs)
    found = list(audit_task(task, GRU, executor))
    assert len(found) >= 6
    assert [one for one in found if not one.holds] == []


def test_a_sound_task_passes(executor):
    assert failing(Tiny(), executor) == set()


@pytest.mark.parametrize(
    ("task", "name"),
    [
        (WrongChance(), "a constant output is at chance"),
        (WrongChance(), "training on shuffled labels is at chance"),
        (SameItems(), "scored items are not those of training"),
        (Unrepeatable(), "arrays follow from the seed"),
        (GivesAway(), "the frequency of labels alone is at chance"),
    ],
)
def test_a_broken_task_fails_the_audit_that_looks_for_it(task, name, executor):
    assert name in failing(task, executor)


def test_the_audit_is_a_command(agentarch):
    said = agentarch("tasks", "--audit", TINY_FILE, "--json")
    assert said.exit_code == 0, said.err
    assert said.json["holds"]
    assert len(said.json["audits"]["tiny"]) == 7
    assert agentarch("tasks", "--audit", "recal").exit_code == 2
    assert agentarch("tasks", "--audit", TINY_FILE, "--rung", "9").exit_code == 2
