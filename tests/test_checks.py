"""A task that lies is found out, by what it lies about, and before anything is trained."""

from dataclasses import replace

import numpy as np
import pytest
from support.commands import TINY_FILE
from support.designs import SOUND
from support.tiny import LENGTH, SYMBOLS, Tiny

from agentarch.catalogue import find_tasks
from agentarch.design import Proposal, read_design
from agentarch.evaluation import Outcome, Request
from agentarch.kinds.checks import check_task
from agentarch.kinds.network import CONTRACT, NetworkKind
from agentarch.task import Data, TaskFailed


class Lying(Tiny):
    """Changes the arrays that a sound task makes."""

    def changed(self, data: Data, rng: np.random.Generator) -> Data:
        raise NotImplementedError

    def data(self, split, rung, seed):
        return self.changed(super().data(split, rung, seed), np.random.default_rng(seed))


class LabelsAreInputs(Lying):
    def changed(self, data, rng):
        return replace(data, train_labels=data.train_inputs, labels=data.inputs)


class LabelsAreCodedInputs(Lying):
    def changed(self, data, rng):
        code = np.array([3, 5, 0, 1, 4, 2])
        return replace(data, train_labels=code[data.train_inputs], labels=code[data.inputs])


class LabelIsAColumn(Lying):
    """A table of which one column is the label with a little noise."""

    def spec(self, rung):
        spec = super().spec(rung)
        return replace(spec, kind="table", vocab_size=None, output="one", causal=False)

    def changed(self, data, rng):
        def table(count):
            labels = rng.integers(0, SYMBOLS, count)
            rows = rng.normal(0, 1, (count, LENGTH)).astype(np.float32)
            rows[:, 5] = labels + rng.normal(0, 0.05, count)
            return rows, labels

        return Data(*table(len(data.train_inputs)), *table(len(data.inputs)))

    def __init__(self):
        super().__init__()
        self.rungs = tuple(replace(rung, train_items=400, scored_items=200) for rung in self.rungs)

    def data(self, split, rung, seed):
        level, rng = self.rungs[rung], np.random.default_rng(seed)
        empty = (np.empty(level.train_items), np.empty(level.scored_items))
        return self.changed(Data(empty[0], empty[0], empty[1], empty[1]), rng)


class ChanceAboveCeiling(Tiny):
    chance = 1.2


class ChanceIsCeiling(Tiny):
    chance = ceiling = 1.0


class ChanceIsNan(Tiny):
    chance = float("nan")


class ChanceTooLow(Tiny):
    chance = 0.0001


class CeilingBeyondReach(Tiny):
    ceiling = 3.0


class UnequalLengths(Lying):
    def changed(self, data, rng):
        return replace(data, labels=data.labels[:-3])


class TooFewItems(Lying):
    def changed(self, data, rng):
        return replace(data, train_inputs=data.train_inputs[:9], train_labels=data.train_labels[:9])


class NanInputs(LabelIsAColumn):
    def changed(self, data, rng):
        made = super().changed(data, rng)
        made.inputs[3, 2] = np.nan
        return made


class WrongFloats(LabelIsAColumn):
    def changed(self, data, rng):
        made = super().changed(data, rng)
        return replace(made, inputs=made.inputs.astype(np.float64))


class IgnoresItsSeed(Tiny):
    def data(self, split, rung, seed):
        return super().data(split, rung, 0)


class Unrepeatable(Tiny):
    def data(self, split, rung, seed):
        return super().data(split, rung, int(np.random.default_rng().integers(2**62)))


class LabelsOutOfRange(Lying):
    def changed(self, data, rng):
        return replace(data, labels=data.labels + 3)


class TokensOutOfRange(Lying):
    def changed(self, data, rng):
        return replace(data, train_inputs=data.train_inputs + 1)


class OneClass(Lying):
    def changed(self, data, rng):
        return replace(data, train_labels=np.zeros_like(data.train_labels))


class NothingToGrade(Lying):
    def changed(self, data, rng):
        labels = data.labels.copy()
        labels[4] = -100
        return replace(data, labels=labels)


class FloatLabels(Lying):
    def changed(self, data, rng):
        return replace(data, labels=data.labels.astype(np.float32))


class WrongShape(Lying):
    def changed(self, data, rng):
        return replace(data, inputs=data.inputs[:, :-1], labels=data.labels[:, :-1])


class LabelsOfAnotherShape(Lying):
    def changed(self, data, rng):
        return replace(data, labels=data.labels[:, 0])


class SpecOfAnotherKind(Tiny):
    def spec(self, rung):
        return replace(super().spec(rung), kind="table")


class NoVocabulary(Tiny):
    def spec(self, rung):
        return replace(super().spec(rung), vocab_size=None)


class UnknownKind(Tiny):
    def spec(self, rung):
        return replace(super().spec(rung), kind="sound")


class ScoredIsTrained(Lying):
    def changed(self, data, rng):
        return replace(data, inputs=data.train_inputs[:24], labels=data.train_labels[:24])


class GradesTooFew(Tiny):
    def grade(self, predictions, labels):
        return {name: values[:-1] for name, values in super().grade(predictions, labels).items()}


class GradesOneNumber(Tiny):
    def grade(self, predictions, labels):
        return {"accuracy": float(super().grade(predictions, labels)["accuracy"].mean())}


class GradesNan(Tiny):
    def grade(self, predictions, labels):
        return {name: values * np.nan for name, values in super().grade(predictions, labels).items()}


class GradesInfinity(Tiny):
    def grade(self, predictions, labels):
        return {"accuracy": 1 / (super().grade(predictions, labels)["accuracy"] > 1)}


class LacksItsMetric(Tiny):
    metric = "f1"


class GradeRaises(Tiny):
    def grade(self, predictions, labels):
        raise ZeroDivisionError("nothing to divide by")


class DataRaises(Tiny):
    def data(self, split, rung, seed):
        raise KeyError("pairs")


class GradesAll(Tiny):
    """Grades whatever is predicted as right."""

    def grade(self, predictions, labels):
        return {name: np.ones_like(values) for name, values in super().grade(predictions, labels).items()}


class Leaves(Tiny):
    def grade(self, predictions, labels):
        raise SystemExit(0)


class SealedSplitRaises(Tiny):
    def data(self, split, rung, seed):
        if split == "test":
            raise PermissionError("sealed")
        return super().data(split, rung, seed)


class KnowsTwoDataSets(Tiny):
    def data(self, split, rung, seed):
        return super().data(split, rung, seed % 2)


class RepeatsMostItems(Tiny):
    def data(self, split, rung, seed):
        data, always = super().data(split, rung, seed), super().data(split, rung, 0)
        data.inputs[1:], data.labels[1:] = always.inputs[1:], always.labels[1:]
        return data


class LabelsFollowFromNothing(Lying):
    def changed(self, data, rng):
        return replace(data, labels=Tiny().data("search", 0, 0).labels)


class CeilingTooLow(Tiny):
    ceiling = 0.5


class HasNoName(Tiny):
    name = ""


class GradesComplex(Tiny):
    def grade(self, predictions, labels):
        return {name: values + 0j for name, values in super().grade(predictions, labels).items()}


class StepsByHalves(Tiny):
    def __init__(self):
        super().__init__(steps=(2, 2.5, 12))


LIES = [
    (Leaves(), "grading is as the contract says", "it raised SystemExit: 0"),
    (SealedSplitRaises(), "arrays are as the spec says", "split 'test': it raised PermissionError: sealed"),
    (KnowsTwoDataSets(), "arrays follow from the seed", "seeds 0 and 2 gave the same scored inputs"),
    (RepeatsMostItems(), "arrays follow from the seed", "gave 95.8% of the scored inputs alike"),
    (LabelsFollowFromNothing(), "arrays follow from the seed", "gave the same scored labels"),
    (CeilingTooLow(), "chance and ceiling are what grading gives", "are beyond the ceiling of 0.5"),
    (HasNoName(), "what it says of itself makes sense", "its name is ''"),
    (GradesComplex(), "grading is as the contract says", "as complex128, expected an array of real numbers"),
    (StepsByHalves(), "what it says of itself makes sense", "rung 1 has steps=2.5"),
    (
        LabelsAreInputs(),
        "labels are not to be read off the inputs",
        "at the position of a label alone leads 100%",
    ),
    (LabelsAreCodedInputs(), "labels are not to be read off the inputs", "at the position of a label"),
    (LabelIsAColumn(), "labels are not to be read off the inputs", "feature 5 of an input alone leads"),
    (
        ChanceAboveCeiling(),
        "chance and ceiling are what grading gives",
        "its chance of 1.2 lies above its ceiling",
    ),
    (ChanceIsCeiling(), "what it says of itself makes sense", "its chance and its ceiling are both 1"),
    (ChanceIsNan(), "what it says of itself makes sense", "its chance is nan"),
    (
        ChanceTooLow(),
        "chance and ceiling are what grading gives",
        "the chance of 0.0001 is not that of the trivial",
    ),
    (CeilingBeyondReach(), "chance and ceiling are what grading gives", "the ceiling of 3 cannot be reached"),
    (UnequalLengths(), "arrays are as the spec says", "inputs are 24 and labels 21"),
    (TooFewItems(), "arrays are as the spec says", "train_inputs are 9, and the rung says 32"),
    (NanInputs(), "arrays are as the spec says", "1 values that are NaN or infinite"),
    (WrongFloats(), "arrays are as the spec says", "inputs are float64, expected float32"),
    (IgnoresItsSeed(), "arrays follow from the seed", "seeds 0 and 1 gave the same scored inputs"),
    (Unrepeatable(), "arrays follow from the seed", "the same seed gave other train_inputs the second time"),
    (LabelsOutOfRange(), "arrays are as the spec says", "labels range from 3 to 8, expected 0 to 5"),
    (TokensOutOfRange(), "arrays are as the spec says", "inputs range from 1 to 6, expected 0 to 5"),
    (OneClass(), "arrays are as the spec says", "labels are all 0"),
    (NothingToGrade(), "arrays are as the spec says", "labels are lacking for whole items"),
    (FloatLabels(), "arrays are as the spec says", "labels are float32, expected integers"),
    (WrongShape(), "arrays are as the spec says", "inputs have shape (7,) each, and the spec says (8,)"),
    (LabelsOfAnotherShape(), "arrays are as the spec says", "labels have shape (24,), expected (24, 8)"),
    (SpecOfAnotherKind(), "specs say what arrays there are", "tokens have one, and nothing else"),
    (NoVocabulary(), "specs say what arrays there are", "vocab_size=None for tokens"),
    (UnknownKind(), "specs say what arrays there are", "kind='sound', expected one of tokens, series"),
    (ScoredIsTrained(), "scored items are not those of training", "100.0% of the scored items"),
    (
        GradesTooFew(),
        "grading is as the contract says",
        "'accuracy' of shape (23,), expected one value for each of 24",
    ),
    (GradesOneNumber(), "grading is as the contract says", "'accuracy' as float, expected an array"),
    (GradesNan(), "grading is as the contract says", "for the labels themselves, its accuracy is NaN"),
    (GradesInfinity(), "grading is as the contract says", "an infinite 'accuracy'"),
    (LacksItsMetric(), "grading is as the contract says", "but the metric is 'f1'"),
    (GradeRaises(), "grading is as the contract says", "raised ZeroDivisionError: nothing to divide by"),
    (DataRaises(), "arrays are as the spec says", "raised KeyError: 'pairs'"),
    (
        GradesAll(),
        "chance and ceiling are what grading gives",
        "of 1 and knowing only how frequent they are one of 1",
    ),
]


@pytest.mark.parametrize(("task", "check", "said"), LIES, ids=lambda value: type(value).__name__)
def test_a_task_that_lies_is_refused_with_the_reason(task, check, said):
    *held, last = check_task(task)
    assert all(one.holds for one in held)
    assert not last.holds
    assert last.name == check
    assert said in last.found


def test_a_sound_task_passes_every_check():
    found = list(check_task(Tiny()))
    assert len(found) == 8
    assert [one for one in found if not one.holds] == []


@pytest.mark.parametrize("name", find_tasks("network"))
def test_every_task_that_ships_passes_every_check(name):
    assert [one for one in check_task(find_tasks("network")[name]) if not one.holds] == []


class UndefinedForSome(Tiny):
    """Its metric is a correlation, which constant predictions have none of."""

    metric = "agreement"
    chance = 0.0

    def grade(self, predictions, labels):
        flat = predictions.reshape(len(labels), -1)
        spread = flat.std(axis=1)
        agreement = super().grade(predictions, labels)["accuracy"]
        return {"agreement": np.where(spread > 0, agreement, np.nan), "never": np.full(len(labels), np.nan)}


def evaluated(source, task, executor):
    design = read_design(Proposal(source, "design"), CONTRACT)
    return NetworkKind("checks").evaluate(design, task, Request(design.id, task.name, 0, 0), executor)


SILENT = """
import torch
from torch import nn


class Silent(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.outputs = spec.n_outputs

    def forward(self, x):
        return torch.zeros(*x.shape, self.outputs)


def build(spec):
    return Silent(spec)
"""


def test_a_metric_that_is_undefined_for_a_design_is_an_outcome_with_a_reason_and_no_number(executor):
    found = evaluated(SILENT, UndefinedForSome(), executor)
    assert found.outcome is Outcome.INVALID
    assert found.score is None
    assert "its agreement is undefined for 24 of 24 scored items" in found.reason
    assert found.metrics == {}


def test_a_metric_beside_the_score_is_averaged_where_it_is_defined_and_left_out_where_it_never_is(executor):
    found = evaluated(SOUND, UndefinedForSome(), executor)
    assert found.outcome is Outcome.SCORED
    assert set(found.metrics) == {"agreement"}


@pytest.mark.parametrize("task", [GradesTooFew(), GradesInfinity(), LacksItsMetric(), GradeRaises()])
def test_grading_that_breaks_the_contract_is_the_tasks_fault_and_not_the_designs(task, executor):
    with pytest.raises(TaskFailed, match="the task 'tiny' raised"):
        evaluated(SOUND, task, executor)


LYING_FILE = f"""
import importlib.util

_spec = importlib.util.spec_from_file_location("tiny", {str(TINY_FILE)!r})
_tiny = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_tiny)


class Lying(_tiny.Tiny):
    name = "[red]lying"

    def data(self, split, rung, seed):
        return super().data(split, rung, 0)
"""


def test_a_file_that_lies_fails_the_command_with_the_reason(agentarch, tmp_path):
    (tmp_path / "lying.py").write_text(LYING_FILE)
    said = agentarch("tasks", "--check", "lying.py")
    assert said.exit_code == 1, said.err
    assert "[red]lying" in said.out, "a name is printed as it is, not as markup"
    assert "gave the same scored inputs" in said.out
    as_json = agentarch("tasks", "--check", "lying.py", "--json")
    assert as_json.exit_code == 1
    assert not as_json.json["holds"]
    (task,) = as_json.json["tasks"]
    assert "gave the same scored inputs" in task["checks"][-1]["found"]
