"""What is measured beside a score is cheap, honest about what it is, and never touches the score."""

import math
import socket
from dataclasses import replace

import numpy as np
import pytest
from support.background import in_background
from support.designs import ON_THE_CHANNEL, SOUND, network
from support.scoring import came_of, evaluate
from support.tiny import SYMBOLS, Tiny

from agentarch.catalogue import find_task
from agentarch.evaluation import Outcome, Request
from agentarch.execution.contract import Question, Survey
from agentarch.execution.surveying import Surveying
from agentarch.execution.wire import parse_strict
from agentarch.kinds import measures
from agentarch.kinds.measures import NOISED_ITEMS, calibration_error, make_extras, survey_of
from agentarch.store import EVALUATIONS, REQUESTS
from agentarch.task import IGNORED_LABEL, Data, Spec

FROM_OUTSIDE = {"calibration_error", "latency_seconds", "noise_robustness", "length_extrapolation"}
ZERO_COST = {"zero_cost_gradient_norm", "zero_cost_jacobian_covariance", "zero_cost_synflow"}
LENGTHS = (8, 10, 14)


class Stretching(Tiny):
    """The tiny task, trained for longer, with longer inputs at every rung."""

    name = "stretching"
    chance = -1.0  # so that whatever is learnt in so few steps has a score to lose

    def __init__(self):
        super().__init__()
        self.rungs = tuple(replace(rung, train_items=300, scored_items=24) for rung in self.rungs)

    def spec(self, rung):
        return replace(super().spec(rung), input_shape=(LENGTHS[rung],))

    def data(self, split, rung, seed):
        tokens = np.random.default_rng(seed).integers(0, SYMBOLS, (64, LENGTHS[rung]), np.int16)
        labels = np.concatenate([tokens[:, :1], tokens[:, :-1]], axis=1)
        return Data(tokens[:40], labels[:40], tokens[40:], labels[40:])


def only_when_longer(what):
    """Lines of `forward` that are done in no box that is scored."""
    return f"if x.shape[1] == {LENGTHS[2]}:\n    {what}"


# What is there, and where.


def test_every_measure_is_there_at_the_first_ranked_rung_and_finite(executor):
    found = evaluate(SOUND, executor, rung=1, task=Stretching()).measures
    assert found.keys() == FROM_OUTSIDE | ZERO_COST | {"flops_per_item"}
    assert all(isinstance(value, float) and math.isfinite(value) for value in found.values())


def test_a_smoke_run_is_not_measured(executor):
    assert evaluate(SOUND, executor, rung=0, task=Stretching()).measures == {}


def test_the_highest_rung_has_no_longer_inputs_and_no_second_zero_cost_scores(executor):
    found = evaluate(SOUND, executor, rung=2, task=Stretching()).measures
    assert found.keys() == FROM_OUTSIDE - {"length_extrapolation"} | {"flops_per_item"}


def test_inputs_of_one_size_have_no_length_extrapolation(executor):
    assert "length_extrapolation" not in evaluate(SOUND, executor, rung=1).measures


def test_what_was_stored_before_measures_and_learning_rates_still_reads():
    old = {"design_id": "a", "task": "recall", "rung": 1, "seed": 0, "split": "search"}
    assert REQUESTS.validate_python(old) == Request("a", "recall", 1, 0, learning_rate=1.0)
    evaluation = EVALUATIONS.validate_python({"request": old, "outcome": "invalid"})
    assert evaluation.measures == {}
    again = EVALUATIONS.dump_python(replace(evaluation, measures={"latency_seconds": 0.5}), mode="json")
    assert EVALUATIONS.validate_python(again).measures == {"latency_seconds": 0.5}


# Nothing touches the score.

NORMALISED = network(
    build="network.norm = nn.BatchNorm1d(6)",
    forward="y = self.norm(y.transpose(1, 2)).transpose(1, 2)",
)
DROPPING = network(
    build="network.drop = nn.Dropout(0.3)\nnetwork.table = nn.Parameter(torch.randn(3))",
    forward="y = self.drop(y)",
)


@pytest.mark.parametrize("source", [SOUND, NORMALISED, DROPPING], ids=["sound", "normalised", "dropping"])
def test_all_is_the_same_to_the_bit_whether_it_is_measured_or_not(source, executor, monkeypatch):
    measured = evaluate(source, executor, rung=1, task=Stretching())
    monkeypatch.setattr(measures, "FIRST_MEASURED_RUNG", 9)
    alone = evaluate(source, executor, rung=1, task=Stretching())
    assert measured.measures
    assert not alone.measures
    assert alone.outcome is Outcome.SCORED
    assert came_of(measured) == came_of(alone)


@pytest.mark.parametrize(
    "what",
    [
        "raise ValueError('too long')",
        "return y[:, :1]",
        "return y * float('nan')",
        "import_('os')._exit(0)",
        "import_('ctypes').string_at(0)",
        "say(b'no protocol')",
        "say({'type': 'fault', 'outcome': 'invalid', 'reason': 'me'})",
        "print('x' * 2**24)",
        "while True: pass",
        "[torch.ones(2**26) for _ in range(100)]",
    ],
)
def test_a_design_that_fails_on_longer_inputs_keeps_its_score_and_lacks_the_measure(what, executor):
    failing = network(top=ON_THE_CHANNEL, forward=only_when_longer(what))
    evaluation = evaluate(failing, executor, rung=1, task=Stretching())
    assert evaluation.outcome is Outcome.SCORED, evaluation.reason
    assert evaluation.score == evaluate(SOUND, executor, rung=1, task=Stretching()).score
    assert "length_extrapolation" not in evaluation.measures
    assert evaluation.measures.keys() >= FROM_OUTSIDE - {"length_extrapolation"}


def test_a_design_that_only_raises_on_longer_inputs_is_measured_in_all_else(executor):
    failing = network(forward=only_when_longer("raise ValueError('too long')"))
    found = evaluate(failing, executor, rung=1, task=Stretching()).measures
    assert found.keys() == FROM_OUTSIDE - {"length_extrapolation"} | ZERO_COST | {"flops_per_item"}


def test_a_closed_executor_stops_a_survey_too(own_executor):
    from agentarch.execution import ExecutionStopped

    hangs = network(top="import_('time')", forward=only_when_longer("while True: pass"))
    thread, outcome = in_background(lambda: evaluate(hangs, own_executor, rung=1, task=Stretching()))
    while thread.is_alive() and not outcome:
        thread.join(1.0)
        own_executor.close()
    assert isinstance(outcome[0], ExecutionStopped)


# What a survey asks, and takes.


def talk(survey, answers):
    """Survey a box that gives these answers, each a header and bytes; return what came of it and what it was sent."""
    ours, theirs = socket.socketpair()
    sent = []

    def read(size):
        data = b""
        while len(data) < size and (piece := theirs.recv(size - len(data))):
            data += piece
        return data

    def box():
        while head := read(4):
            message = parse_strict(read(int.from_bytes(head, "big")))
            for array in message["arrays"]:
                read(np.dtype(array["dtype"]).itemsize * math.prod(array["shape"]))
            sent.append((message["type"], {array["name"] for array in message["arrays"]}))
            if message["type"] in ("predict", "examine"):
                header, payload = answers.pop(0)
                theirs.sendall(len(header).to_bytes(4, "big") + header + payload)

    thread, _ = in_background(box)
    surveying = Surveying(survey, {"type": "job"}, b"learnt")
    surveying.talk(ours)
    theirs.shutdown(socket.SHUT_RDWR)
    thread.join()
    theirs.close()
    return surveying.surveyed(), sent


QUESTIONS = tuple(Question(np.zeros((2, 3), np.int8), (2, 1)) for _ in range(2))
ARRAYS = {"train_inputs": np.zeros((2, 3), np.int8)}
ANSWER = (b'{"type": "predicted"}', np.ones((2, 1), np.float32).tobytes())


def test_training_items_are_sent_when_all_answers_are_out():
    examined = (b'{"type": "examined", "measures": {"flops_per_item": 2.0}}', b"")
    surveyed, sent = talk(Survey(QUESTIONS, ARRAYS), [ANSWER, (b'{"type": "skipped"}', b""), examined])
    assert [kind for kind, _ in sent] == ["job", "predict", "predict", "examine", "end"]
    assert [names for _, names in sent] == [{"learnt"}, {"inputs"}, {"inputs"}, {"train_inputs"}, set()]
    first, second = surveyed.replies
    assert first is not None
    assert (first.values == 1).all()
    assert second is None
    assert surveyed.claims == {"flops_per_item": 2.0}


@pytest.mark.parametrize(
    "claim",
    [
        b'{"type": "examined", "measures": {"flops_per_item": 1e999}}',
        b'{"type": "examined", "measures": {"flops_per_item": NaN}}',
        b'{"type": "examined", "measures": {"flops_per_item": "many"}}',
        b'{"type": "examined", "measures": {"flops_per_item": true}}',
        b'{"type": "examined", "measures": {"\\u001b[31m": 1.0}}',
        b'{"type": "examined", "measures": {' + b", ".join(b'"%d": 1.0' % n for n in range(99)) + b"}}",
        b'{"type": "examined", "measures": [1.0]}',
        b'{"type": "predicted"}',
        b"not json",
    ],
)
def test_claims_that_are_no_finite_numbers_are_not_taken_and_cost_no_answer(claim):
    surveyed, _ = talk(Survey(QUESTIONS, ARRAYS), [ANSWER, ANSWER, (claim, b"")])
    assert surveyed.claims == {}
    assert all(reply is not None for reply in surveyed.replies)


def test_measures_of_other_names_are_not_taken(executor):
    forging = network(top="import_('zero_cost').flops_per_item = lambda *_: 7.0")
    assert evaluate(forging, executor, rung=1).measures["flops_per_item"] == 7.0  # the design's own word
    lying = network(top="import_('survey')._examine = lambda *_: {'score': 1.0, 'flops_per_item': 8.0}")
    found = evaluate(lying, executor, rung=1).measures
    assert found["flops_per_item"] == 8.0
    assert "score" not in found


# What the numbers are.


def extras_of(task, rung, seed=3):
    data = task.data("search", rung, 1)
    return data, make_extras(task, data, "search", rung, seed, np.random.default_rng(2))


def test_a_few_tokens_are_replaced_and_no_more():
    task = find_task("recall", "network")
    data, extras = extras_of(task, 2)
    changed = extras.noised != data.inputs[extras.rows]
    assert 0.015 < changed.mean() < 0.04
    assert extras.noised.dtype == data.inputs.dtype
    assert extras.noised.min() >= 0
    assert extras.noised.max() < task.spec(2).vocab_size


def test_real_values_get_noise_of_a_tenth_of_their_spread():
    data, extras = extras_of(find_task("series", "network"), 1)
    noise = extras.noised - data.inputs[extras.rows]
    assert noise.std() == pytest.approx(0.1 * data.inputs.std(), rel=0.05)
    assert abs(noise.mean()) < 0.01 * data.inputs.std()


@pytest.mark.parametrize(
    ("kind", "shape", "axes"),
    [("image", (2, 5, 5), (0, 2, 3)), ("table", (4,), 0), ("series", (9, 3), (0, 1))],
)
def test_each_channel_or_column_gets_noise_of_its_own_size(kind, shape, axes):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(200, *shape)).astype(np.float32)
    channel = {"image": 0, "table": 0, "series": 1}[kind]
    scales = 10.0 ** np.arange(shape[channel])
    inputs *= np.expand_dims(scales, tuple(n for n in range(len(shape)) if n != channel))
    spec = Spec(kind, shape, None, 2, "one", False, 1)
    noise = measures._noised(inputs, np.arange(200), spec, rng) - inputs
    assert noise.std(axis=axes) == pytest.approx(0.1 * inputs.std(axis=axes), rel=0.3)


def test_longer_inputs_are_none_that_will_be_scored():
    task = find_task("recall", "network")
    _, extras = extras_of(task, 1, seed=3)
    assert extras.longer.shape[1:] == task.spec(2).input_shape
    scored = {item.tobytes() for item in task.data("search", 2, 1).inputs}
    assert not any(item.tobytes() in scored for item in extras.longer)


def test_every_call_that_is_timed_has_the_same_number_of_items():
    for name in ("series", "recall"):
        task = find_task(name, "network")
        _, extras = extras_of(task, 1)
        questions = survey_of(extras, task.spec(1)).questions
        assert {len(one.inputs) for one in questions} == {measures.BATCH}
        assert sum(len(one.inputs) for one in questions) >= NOISED_ITEMS


def logits_for(confidence, right, classes=4):
    """Logits that give class 0 a confidence, and labels of which a share is class 0."""
    items = 1000
    others = (1 - confidence) / (classes - 1)
    logits = np.log(np.tile([confidence] + [others] * (classes - 1), (items, 1))).astype(np.float32)
    labels = np.where(np.arange(items) < right * items, 0, 1)
    return logits, labels


@pytest.mark.parametrize(("confidence", "right"), [(0.7, 0.7), (0.9, 0.5), (0.4, 1.0)])
def test_calibration_error_is_how_far_confidence_is_from_being_right(confidence, right):
    logits, labels = logits_for(confidence, right)
    assert calibration_error(logits, labels) == pytest.approx(abs(confidence - right), abs=1e-6)


def test_positions_without_a_label_do_not_count_for_calibration():
    logits, labels = logits_for(0.9, 0.5)
    padded = np.concatenate([labels[:, None], np.full((1000, 1), IGNORED_LABEL)], axis=1)
    assert calibration_error(np.stack([logits, -logits], axis=1), padded) == calibration_error(logits, labels)


@pytest.mark.parametrize("labels", [np.zeros((1000, 2), int), np.full(1000, 7), np.full(1000, IGNORED_LABEL)])
def test_labels_that_are_no_classes_have_no_calibration(labels):
    assert calibration_error(logits_for(0.9, 0.5)[0], labels) is None


def test_noise_that_changes_nothing_costs_nothing(executor, monkeypatch):
    monkeypatch.setattr(measures, "TOKENS_REPLACED", 0.0)
    assert evaluate(SOUND, executor, rung=2, task=Stretching()).measures["noise_robustness"] == 1.0


def test_a_design_at_chance_has_no_robustness(executor):
    class AtChance(Stretching):
        chance = 0.9

    found = evaluate(SOUND, executor, rung=1, task=AtChance()).measures
    assert "noise_robustness" not in found
    assert "length_extrapolation" in found


# The learning rate.


def test_a_learning_rate_changes_the_training_and_neither_data_nor_initialisation(executor):
    once, half = (
        evaluate(SOUND, executor, rung=1, learning_rate=rate).report["losses"] for rate in (1.0, 0.5)
    )
    assert once[0] == half[0]  # the loss before the first step
    assert once[1:] != half[1:]
    default = evaluate(SOUND, executor, rung=1).report["losses"]
    assert default == once


def test_a_learning_rate_of_nothing_is_refused(agentarch, tmp_path):
    (tmp_path / "design.py").write_text(SOUND)
    for rate in ("0", "-1", "nan", "inf"):
        said = agentarch("evaluate", "design.py", "--task", "recall", "--rung", 0, "--learning-rate", rate)
        assert said.exit_code == 2
        assert "learning rate" in said.err


def test_the_learning_rate_is_said_with_the_score(agentarch, tmp_path):
    (tmp_path / "design.py").write_text(SOUND)
    arguments = ("evaluate", "design.py", "--task", "recall", "--rung", 0, "--learning-rate", 0.5, "--json")
    assert agentarch(*arguments).json["learning_rate"] == 0.5
