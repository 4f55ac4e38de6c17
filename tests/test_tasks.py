from functools import cache

import numpy as np
import pytest

from agentarch.catalogue import find_task, find_tasks
from agentarch.errors import UsageError
from agentarch.scoring import score_items
from agentarch.task import IGNORED_LABEL, Task

TASKS = ("copy", "parity", "recall", "series")
EVERY_RUNG = [(name, rung) for name in TASKS for rung in range(4)]


@cache
def data_of(name: str, rung: int, seed: int):
    return find_task(name, "network").data("search", rung, seed)


def score(task: Task, predictions, labels):
    return score_items(task.grade(predictions, labels)[task.metric], task.chance, task.ceiling)


def logits_for(classes, spec):
    """Return logits `(*classes.shape, n_outputs)` whose largest is at the given classes."""
    return np.eye(spec.n_outputs, dtype=np.float32)[np.maximum(classes, 0)]


def test_the_shipped_tasks_are_found_by_name():
    assert tuple(find_tasks("network")) == TASKS


@pytest.mark.parametrize(("name", "rung"), EVERY_RUNG)
def test_arrays_have_the_shapes_and_values_that_the_spec_promises(name, rung):
    task = find_task(name, "network")
    spec, level, data = task.spec(rung), task.rungs[rung], data_of(name, rung, 7)
    assert len(data.train_inputs) == len(data.train_labels) == level.train_items
    assert len(data.inputs) == len(data.labels) == level.scored_items
    assert data.inputs.shape[1:] == spec.input_shape
    assert all(
        short <= long for short, long in zip(data.train_inputs.shape[1:], spec.input_shape, strict=True)
    )
    for inputs, labels in ((data.train_inputs, data.train_labels), (data.inputs, data.labels)):
        if spec.kind == "tokens":
            assert inputs.min() >= 0
            assert inputs.max() < spec.vocab_size
        graded = labels[labels != IGNORED_LABEL]
        assert graded.min() >= 0
        assert graded.max() < spec.n_outputs
        assert labels.shape == (inputs.shape[:2] if spec.output == "per_position" else inputs.shape[:1])


@pytest.mark.parametrize(("name", "rung"), EVERY_RUNG)
def test_a_constant_prediction_scores_zero_whichever_the_constant(name, rung):
    task = find_task(name, "network")
    spec, data = task.spec(rung), data_of(name, rung, 7)
    for constant in {0, 1, spec.n_outputs - 1}:
        graded = score(task, logits_for(np.full(data.labels.shape, constant), spec), data.labels)
        assert abs(graded.value) <= 0.05 or graded.low <= 0 <= graded.high


@pytest.mark.parametrize("name", TASKS)
def test_at_the_top_rung_a_constant_prediction_scores_within_a_twentieth_of_zero(name):
    task = find_task(name, "network")
    top = len(task.rungs) - 1
    for seed in (7, 8):
        data, spec = data_of(name, top, seed), task.spec(top)
        for constant in range(0, spec.n_outputs, 3):
            graded = score(task, logits_for(np.full(data.labels.shape, constant), spec), data.labels)
            assert abs(graded.value) <= 0.05


@pytest.mark.parametrize(("name", "rung"), EVERY_RUNG)
def test_the_labels_themselves_score_one(name, rung):
    task = find_task(name, "network")
    data = data_of(name, rung, 7)
    assert score(task, logits_for(data.labels, task.spec(rung)), data.labels).value == 1.0


@pytest.mark.parametrize("name", TASKS)
def test_equal_seeds_give_equal_arrays_and_other_seeds_others(name):
    task = find_task(name, "network")
    once, again, other = (task.data("search", 1, seed) for seed in (5, 5, 6))
    for attribute in ("train_inputs", "train_labels", "inputs", "labels"):
        assert np.array_equal(getattr(once, attribute), getattr(again, attribute))
    assert not np.array_equal(once.inputs, other.inputs)
    assert not np.array_equal(once.train_inputs[: len(once.inputs)], once.inputs[: len(once.train_inputs)])


@pytest.mark.parametrize("name", TASKS)
def test_scored_items_are_not_among_the_training_items(name):
    top = len(find_task(name, "network").rungs) - 1
    data = data_of(name, top, 7)
    trained = {item.tobytes() for item in data.train_inputs}
    assert not any(item.tobytes() in trained for item in data.inputs)


def test_recall_labels_are_the_values_that_went_with_the_keys():
    task = find_task("recall", "network")
    data, pairs = task.data("search", 1, 0), task.rungs[1].size["pairs"]
    for tokens, labels in zip(data.inputs[:20], data.labels[:20], strict=True):
        values = dict(zip(tokens[0 : 2 * pairs : 2], tokens[1 : 2 * pairs : 2], strict=True))
        assert len(values) == pairs
        assert [values[key] for key in tokens[2 * pairs :]] == list(labels[2 * pairs :])
        assert (labels[: 2 * pairs] == IGNORED_LABEL).all()


def test_recall_trains_on_every_number_of_pairs_and_scores_on_all_of_them():
    task = find_task("recall", "network")
    data, pairs = data_of("recall", 1, 7), task.rungs[1].size["pairs"]
    for tokens, labels in zip(data.train_inputs[:20], data.train_labels[:20], strict=True):
        held = int((labels == IGNORED_LABEL).sum()) // 2
        values = dict(zip(tokens[0 : 2 * held : 2], tokens[1 : 2 * held : 2], strict=True))
        assert [values[key] for key in tokens[2 * held :]] == list(labels[2 * held :])
    assert {int(n) // 2 for n in (data.train_labels == IGNORED_LABEL).sum(axis=1)} == set(range(1, pairs + 1))
    assert {int(n) // 2 for n in (data.labels == IGNORED_LABEL).sum(axis=1)} == {pairs}


def test_copy_labels_are_the_data_tokens_in_order():
    task = find_task("copy", "network")
    data, size = task.data("search", 1, 0), task.rungs[1].size
    for tokens, labels in zip(data.inputs[:20], data.labels[:20], strict=True):
        region = tokens[: size["region"]]
        assert list(region[region < 32]) == list(labels[size["region"] :])


def test_parity_is_graded_only_beyond_the_training_length():
    task = find_task("parity", "network")
    for rung, level in enumerate(task.rungs):
        data = task.data("search", rung, 0)
        trained = level.size["trained"]
        assert (data.labels[:, :trained] == IGNORED_LABEL).all()
        assert np.array_equal(data.labels[:, trained:], np.cumsum(data.inputs, axis=1)[:, trained:] % 2)


def test_making_a_series_leaves_the_global_generator_as_it_was():
    np.random.seed(123)
    expected = np.random.rand()
    np.random.seed(123)
    find_task("series", "network").data("search", 0, 9)
    assert np.random.rand() == expected


OWN_TASK = """
from agentarch.catalogue import find_task

_recall = find_task("recall", "network")

class Mine:
    name, kind, description = "mine", {kind!r}, "a copy of recall"
    metric, chance, ceiling, rungs = "accuracy", _recall.chance, 1.0, _recall.rungs
    spec, data, grade = _recall.spec, _recall.data, _recall.grade
"""


def test_a_task_is_found_in_a_users_file(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(OWN_TASK.format(kind="network"))
    assert find_task(str(file), "network").name == "mine"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (OWN_TASK.format(kind="agent"), "for designs of kind 'agent'"),
        ("x = 1\n", "must define exactly one task class"),
        ("class A:\n    def grade(self): ...\n", "it lacks ceiling, chance, data"),
        ("raise RuntimeError('boom')\n", "does not load: RuntimeError: boom"),
        ("def broken(:\n", "does not load: SyntaxError"),
    ],
)
def test_a_file_that_is_no_task_is_refused_with_what_is_missing(tmp_path, source, said):
    file = tmp_path / "task.py"
    file.write_text(source)
    with pytest.raises(UsageError, match="task") as refused:
        find_task(str(file), "network")
    assert said in str(refused.value)
