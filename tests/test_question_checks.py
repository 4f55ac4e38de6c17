"""A check of a task for agents finds what its author got wrong, and nothing in the tasks that ship."""

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from support import commands

from agentarch.catalogue import find_task, find_tasks
from agentarch.kinds.question_checks import check_questions
from agentarch.questions import MadeTask
from agentarch.task import QuestionRung

SHIPPED = [
    name for name, task in find_tasks("agent").items() if isinstance(task, MadeTask) or name == "world"
]


def fault(task) -> str:
    """Return the name of the check that failed and what it found; an empty text when all hold."""
    last = [*check_questions(task)][-1]
    return "" if last.holds else f"{last.name}: {last.found}"


@pytest.mark.parametrize("name", SHIPPED)
def test_tasks_that_ship_hold(name):
    assert fault(find_task(name, "agent")) == ""


SORTING = find_task("sorting", "agent")


class Changed:
    """The task `sorting`, with one thing wrong."""

    def __init__(self, **changed):
        self.__dict__ |= changed

    def __getattr__(self, name):
        return getattr(SORTING, name)


def changed_data(change):
    """Return a `data` that changes the questions that are made, given also the split, the rung and the seed."""
    return lambda split, rung, seed: change(SORTING.data(split, rung, seed), split, rung, seed)


def asked_before(made, split, rung, seed):
    return SORTING.data("search", rung, seed)


TURNS = count()


def in_another_order(made, split, rung, seed):
    turn = next(TURNS)
    return replace(
        made, inputs=made.inputs[turn:] + made.inputs[:turn], labels=made.labels[turn:] + made.labels[:turn]
    )


FAULTS = {
    "no chance": (Changed(chance=float("nan")), "its chance is nan"),
    "no questions": (Changed(rungs=(QuestionRung(2),)), "rung 0 has questions=2"),
    "no calls": (Changed(rungs=(QuestionRung(8, calls=0),)), "rung 0 has calls=0"),
    "a label is missing": (
        Changed(data=changed_data(lambda made, *_: replace(made, labels=made.labels[1:]))),
        "8 questions with 7 labels",
    ),
    "an empty question": (
        Changed(data=changed_data(lambda made, *_: replace(made, inputs=(" ", *made.inputs[1:])))),
        "question 0 is ' '",
    ),
    "a question twice": (
        Changed(
            data=changed_data(lambda made, *_: replace(made, inputs=(made.inputs[0],) * len(made.inputs)))
        ),
        "a question is asked twice",
    ),
    "another order each time": (
        Changed(data=changed_data(in_another_order)),
        "other questions the second time",
    ),
    "one seed for all": (
        Changed(data=lambda split, rung, seed: SORTING.data(split, rung, 0)),
        "the same questions",
    ),
    "one split for all": (Changed(data=changed_data(asked_before)), "are in 'search' and in"),
    "another metric": (Changed(metric="speed"), "it is scored by 'speed', and grades"),
    "one number for all": (Changed(grade=lambda said, labels: {"exact": np.zeros(1)}), "has the shape (1,)"),
    "no number": (Changed(grade=lambda said, labels: {"exact": np.full(len(said), np.nan)}), "is not finite"),
    "too much": (Changed(grade=lambda said, labels: {"exact": np.full(len(said), 2.0)}), "above its ceiling"),
    "anything will do": (
        Changed(grade=lambda said, labels: {"exact": np.ones(len(said))}),
        "an echo of the question scores 1.00",
    ),
    "it raises": (Changed(grade=lambda said, labels: 1 / 0), "it raised ZeroDivisionError"),
    "it leaves": (Changed(grade=lambda said, labels: exit()), "it raised SystemExit"),
}


@pytest.mark.parametrize(("task", "found"), FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_is_found(task, found):
    assert found in fault(task)


def test_the_command_tells_what_holds_and_ends_with_1_when_something_does_not(tmp_path):
    said = commands.run("tasks", "--kind", "agent", "--check", "world,sorting", folder=tmp_path)
    assert (said.exit_code, said.out.count("holds")) == (0, 12), said.err
    (tmp_path / "mine.py").write_text(MINE)
    said = commands.run("tasks", "--kind", "agent", "--check", "mine.py", folder=tmp_path)
    assert said.exit_code == 1
    assert "an echo of the question scores 1.00" in " ".join(said.out.split())


MINE = '''
import numpy as np
from agentarch.catalogue import find_task
from agentarch.task import Questions

OTHER = find_task("sorting", "agent")


class Mine:
    """The answer stands in the question."""

    name, kind, description, answer_form, world = "mine", "agent", "what is said", "The same words.", ""
    metric, chance, ceiling, rungs = "exact", 0.0, 1.0, OTHER.rungs

    def data(self, split, rung, seed):
        made = OTHER.data(split, rung, seed)
        return Questions(made.inputs, made.inputs)

    def grade(self, predictions, labels):
        return {"exact": np.array([float(a == b) for a, b in zip(predictions, labels)])}
'''


@pytest.mark.parametrize("what", ["--audit", "--measure"])
def test_what_trains_networks_is_not_done_to_questions(tmp_path, what):
    said = commands.run("tasks", "--kind", "agent", what, "world", folder=tmp_path)
    assert said.exit_code == 2
    assert "agentarch evaluate archive/agents/*.py" in said.err
