import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.tree import DecisionTreeClassifier
from support.designs import network

from agentarch.catalogue import find_task, find_tasks
from agentarch.errors import UsageError
from agentarch.execution.runtime import needed_files
from agentarch.execution.sample import small_job
from agentarch.scoring import score_items
from agentarch.task import IGNORED_LABEL, SPLITS, Task

TASKS = tuple(find_tasks("network"))
EVERY_RUNG = [(name, rung) for name in TASKS for rung in range(len(find_task(name, "network").rungs))]


@cache
def data_of(name: str, rung: int, seed: int):
    return find_task(name, "network").data("search", rung, seed)


def score(task: Task, predictions, labels):
    return score_items(task.grade(predictions, labels)[task.metric], task.chance, task.ceiling)


def logits_for(classes, spec):
    """Return sure logits `(*classes.shape, n_outputs)`, largest at the given classes."""
    return 50 * np.eye(spec.n_outputs, dtype=np.float32)[np.maximum(classes, 0)]


def at_constant(task, constant, spec, data):
    return score(task, logits_for(np.full(data.labels.shape, constant), spec), data.labels)


def test_the_shipped_tasks_are_found_by_the_names_of_their_files():
    files = sorted((Path(__file__).parent.parent / "evals" / "networks").glob("*.py"))
    assert (
        tuple(file.stem for file in files)
        == TASKS
        == tuple(task.name for task in find_tasks("network").values())
    )


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
        graded = at_constant(task, constant, spec, data)
        if constant not in data.labels:
            assert graded.value <= 0.05
        else:
            assert abs(graded.value) <= 0.05 or graded.low <= 0 <= graded.high


@pytest.mark.parametrize("name", TASKS)
def test_at_the_top_rung_a_constant_prediction_scores_within_a_twentieth_of_zero(name):
    task = find_task(name, "network")
    top = len(task.rungs) - 1
    for seed in (7, 8):
        data, spec = data_of(name, top, seed), task.spec(top)
        for constant in range(0, spec.n_outputs, 3):
            graded = at_constant(task, constant, spec, data)
            assert graded.value <= 0.05
            assert graded.value >= -0.05 or constant not in data.labels


@pytest.mark.parametrize(("name", "rung"), EVERY_RUNG)
def test_knowing_how_frequent_each_label_is_and_no_more_scores_zero(name, rung):
    task = find_task(name, "network")
    spec, data = task.spec(rung), data_of(name, rung, 7)
    counts = np.bincount(data.train_labels[data.train_labels != IGNORED_LABEL], minlength=spec.n_outputs)
    logits = np.log((counts + 0.5) / (counts + 0.5).sum()).astype(np.float32)
    graded = score(task, np.broadcast_to(logits, (*data.labels.shape, spec.n_outputs)), data.labels)
    assert abs(graded.value) <= 0.05 or graded.low <= 0 <= graded.high


@pytest.mark.parametrize(("name", "rung"), EVERY_RUNG)
def test_the_labels_themselves_score_one(name, rung):
    task = find_task(name, "network")
    data = data_of(name, rung, 7)
    graded = score(task, logits_for(data.labels, task.spec(rung)), data.labels)
    assert graded.value == pytest.approx(1.0, abs=1e-9)


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


def test_noisy_recall_labels_are_the_values_beside_the_keys_whatever_noise_is_between():
    task = find_task("noisy_recall", "network")
    size = task.rungs[1].size
    data, shown = data_of("noisy_recall", 1, 7), 2 * (size["pairs"] + size["noises"])
    for tokens, labels in zip(data.inputs[:20].tolist(), data.labels[:20].tolist(), strict=True):
        values = {
            key: value for key, value in zip(tokens[:shown:2], tokens[1:shown:2], strict=True) if key < 24
        }
        assert len(values) == size["pairs"]
        assert sum(token >= 48 for token in tokens[:shown]) == 2 * size["noises"]
        assert [values[key] for key in tokens[shown:]] == labels[shown:]
        assert set(labels[:shown]) == {IGNORED_LABEL}


def test_fuzzy_recall_labels_spell_the_value_of_the_key_that_came_before():
    task = find_task("fuzzy_recall", "network")
    size = task.rungs[1].size
    data = data_of("fuzzy_recall", 1, 7)
    for tokens, labels in zip(data.inputs[:20].tolist(), data.labels[:20].tolist(), strict=True):
        phrases = [tuple(tokens[start : start + 4]) for start in range(0, len(tokens), 4)]
        values = {phrase[:2]: phrase[2:] for phrase in phrases[: size["pairs"]]}
        assert len(values) == size["pairs"]
        for number, phrase in enumerate(phrases):
            asked = labels[4 * number : 4 * number + 4]
            expected = [IGNORED_LABEL] * 4
            if number >= size["pairs"]:
                expected[1:3] = values[phrase[:2]]
            assert asked == expected


def test_compress_labels_are_the_tokens_at_the_places_asked_for():
    data, listed = data_of("compress", 1, 7), find_task("compress", "network").rungs[1].size["list"]
    for tokens, labels in zip(data.inputs[:20].tolist(), data.labels[:20].tolist(), strict=True):
        assert [tokens[place - 16] for place in tokens[listed:]] == labels[listed:]
        assert set(labels[:listed]) == {IGNORED_LABEL}


def facts_in(inputs, labels):
    """Return every value that is given for each pair of tokens."""
    found = {}
    for tokens, wanted in zip(inputs.tolist(), labels.tolist(), strict=True):
        for place in range(0, len(tokens), 2):
            assert wanted[place] == IGNORED_LABEL
            found.setdefault(tuple(tokens[place : place + 2]), set()).add(wanted[place + 1])
    return found


def test_memorize_asks_for_the_facts_that_were_trained_and_each_seed_has_others():
    facts = find_task("memorize", "network").rungs[1].size["facts"]
    data, other = data_of("memorize", 1, 7), data_of("memorize", 1, 8)
    trained, asked = facts_in(data.train_inputs, data.train_labels), facts_in(data.inputs, data.labels)
    assert asked.items() <= trained.items()
    assert len(asked) > 0.9 * facts
    assert len(trained) == facts
    assert all(len(values) == 1 for values in trained.values())
    assert len(set(Counter(value for (value,) in trained.values()).values())) == 1
    assert facts_in(other.inputs, other.labels) != asked


def test_stack_labels_are_the_innermost_open_bracket_and_scored_items_are_deeper():
    data, size = data_of("stack", 1, 7), find_task("stack", "network").rungs[1].size
    deepest = {}
    for inputs, wanted, name in (
        (data.train_inputs[:500], data.train_labels[:500], "trained"),
        (data.inputs, data.labels, "scored"),
    ):
        deepest[name] = 0
        for tokens, labels in zip(inputs.tolist(), wanted.tolist(), strict=True):
            open_brackets = []
            for token, label in zip(tokens, labels, strict=True):
                if token < 6:
                    open_brackets.append(token)
                else:
                    assert open_brackets.pop() == token - 6
                deepest[name] = max(deepest[name], len(open_brackets))
                is_asked = token >= 6 and open_brackets
                assert label == (open_brackets[-1] if is_asked else IGNORED_LABEL)
    assert deepest == {"trained": size["shallow"], "scored": size["deep"]}


@pytest.mark.parametrize("rung", range(4))
def test_automaton_labels_are_the_cells_of_rule_30_so_many_steps_later(rung):
    data, ahead = data_of("automaton", rung, 7), find_task("automaton", "network").rungs[rung].size["ahead"]
    for cells, labels in zip(data.inputs[:20].tolist(), data.labels[:20].tolist(), strict=True):
        for _ in range(ahead):
            cells = [
                cells[place - 1] ^ (cells[place] | cells[(place + 1) % len(cells)])
                for place in range(len(cells))
            ]
        assert cells == labels


def test_sort_labels_are_places_in_sorted_order():
    data = data_of("sort", 2, 7)
    for tokens, labels in zip(data.inputs[:50].tolist(), data.labels[:50].tolist(), strict=True):
        assert [sorted(tokens).index(token) for token in tokens] == labels
        assert len(set(tokens)) == len(tokens)


def value_of(tokens):
    """Evaluate an expression by Python itself; the tokens are those of one bracket."""
    return eval("".join("01()&|^"[token] for token in tokens))


@pytest.mark.parametrize("rung", [1, 3])
def test_recursion_labels_are_the_values_of_the_brackets_that_close(rung):
    data = data_of("recursion", rung, 7)
    for tokens, labels in zip(data.inputs[:64].tolist(), data.labels[:64].tolist(), strict=True):
        opened = []
        for place, token in enumerate(tokens):
            expected = IGNORED_LABEL
            if token == 2:
                opened.append(place)
            elif token == 3:
                expected = value_of(tokens[opened.pop() : place + 1])
            assert labels[place] == expected
        assert not opened


def test_recursion_reports_deep_combs_apart_and_trains_on_next_to_none():
    task = find_task("recursion", "network")
    data, leaves = data_of("recursion", 3, 7), task.rungs[3].size["leaves"]
    graded = task.grade(logits_for(data.labels, task.spec(3)), data.labels)
    is_comb = (data.inputs[:, 1 - leaves :] == 3).all(axis=1)
    assert np.array_equal(np.isfinite(graded["edge_accuracy"]), is_comb)
    assert is_comb.sum() >= len(data.inputs) // 8
    assert (data.train_inputs[:, 1 - leaves :] == 3).all(axis=1).mean() < 0.001
    assert np.isfinite(graded["accuracy"]).all()


def test_graph_edges_mostly_join_a_class_and_each_node_has_one_class_told_or_asked_for():
    task = find_task("graph", "network")
    size, nodes = task.rungs[2].size, 18
    data = data_of("graph", 2, 7)
    same = []
    for tokens, labels in zip(data.inputs.tolist(), data.labels.tolist(), strict=True):
        classes = {}
        for token, label in zip(tokens, labels, strict=True):
            is_told = token >= nodes
            assert is_told == (label == IGNORED_LABEL)
            classes.setdefault(token % nodes, set()).add((is_told, token // nodes - 1 if is_told else label))
        assert len(classes) == size["nodes"]
        assert all(len(said) == 1 for said in classes.values())
        of = {node: label for node, ((_, label),) in classes.items()}
        assert Counter(of.values()) == dict.fromkeys(range(3), size["nodes"] // 3)
        assert sum(is_told for ((is_told, _),) in classes.values()) == size["told"]
        same += [
            of[one % nodes] == of[other % nodes] for one, other in zip(tokens[::2], tokens[1::2], strict=True)
        ]
    assert 0.87 < np.mean(same) < 0.93


def test_continual_trains_on_one_table_then_on_another_and_asks_for_both():
    task = find_task("continual", "network")
    data, facts = data_of("continual", 1, 7), task.rungs[1].size["facts"]
    half, middle = len(data.train_inputs) // 2, data.inputs.shape[1] // 2
    first = facts_in(data.train_inputs[:half], data.train_labels[:half])
    second = facts_in(data.train_inputs[half:], data.train_labels[half:])
    assert len(first) == len(second) == facts
    assert not first.keys() & second.keys()
    assert facts_in(data.inputs[:, :middle], data.labels[:, :middle]) == first
    assert facts_in(data.inputs[:, middle:], data.labels[:, middle:]) == second
    for rung in task.rungs:
        assert rung.in_order
        assert rung.train_items == rung.steps * rung.batch_size, "each item is seen once"


def test_training_items_that_are_to_be_taken_in_order_are(executor):
    job = small_job(network(forward="print([int(row[0]) for row in x] if self.training else '', flush=True)"))
    ascending = np.tile(np.arange(16)[:, None] % 6, (1, 8)).astype(np.int16)
    recipe = dict(job.settings["recipe"]) | {"in_order": True, "steps": 3}
    arrays = {"train_inputs": ascending, "train_labels": ascending}
    result = executor.run(replace(job, arrays=arrays, settings=dict(job.settings) | {"recipe": recipe}))
    seen = [line for line in result.output.splitlines() if line.startswith("[")]
    first, second = ([int(row) % 6 for row in rows] for rows in (range(8), range(8, 16)))
    assert seen == [str(first), str(second), str(first)]


def test_continual_forgetting_is_how_much_less_is_known_of_the_first_table():
    task = find_task("continual", "network")
    data, spec = data_of("continual", 1, 7), task.spec(1)
    middle = data.labels.shape[1] // 2
    forgot = data.labels.copy()
    forgot[:, :middle] = (forgot[:, :middle] + 1) % 16
    graded = task.grade(logits_for(forgot, spec), data.labels)
    assert (graded["forgetting"] == 1).all()
    assert (graded["accuracy"] == 0.5).all()
    assert (task.grade(logits_for(data.labels, spec), data.labels)["forgetting"] == 0).all()


def test_digits_of_one_split_are_not_in_another_and_scored_ones_not_in_training(monkeypatch):
    task = find_task("digits", "network")
    monkeypatch.setattr(sys.modules[type(task).__module__], "NOISE", 0.0)
    digits = load_digits()
    source = {image.tobytes(): number for number, image in enumerate(digits.images.astype(np.float32) / 16)}
    seen = []
    for split in SPLITS:
        data = task.data(split, 1, 7)
        for inputs, labels in ((data.inputs, data.labels), (data.train_inputs, data.train_labels)):
            numbers = [source[item.tobytes()] for item in inputs]
            assert np.array_equal(digits.target[numbers], labels)
            seen.append(set(numbers))
    assert len(set().union(*seen)) == sum(map(len, seen))


def test_digits_are_not_to_be_found_in_a_box(executor):
    looks = network(
        top="""
        found = []
        for name in ("sklearn", "scipy", "mnist1d"):
            try:
                import_(name)
                found.append(name)
            except ImportError:
                pass
        print(f"found {found}", flush=True)
        """
    )
    result = executor.run(small_job(looks))
    assert "found []" in result.output
    assert not any("sklearn" in path or "scikit" in path for path in needed_files("network").shown)


def test_a_shuffled_series_is_the_series_in_one_other_order():
    plain, shuffled = (data_of(name, 1, 7) for name in ("series", "series_shuffled"))
    order = [
        int(np.flatnonzero((plain.inputs[:, :, 0] == column[:, None].T.reshape(-1, 1)).all(axis=0))[0])
        for column in shuffled.inputs[:, :, 0].T
    ]
    assert sorted(order) == list(range(40))
    assert order != sorted(order)
    assert np.array_equal(plain.train_inputs[:, order], shuffled.train_inputs)
    assert np.array_equal(plain.train_labels, shuffled.train_labels)
    assert np.array_equal(plain.labels, shuffled.labels)


def test_text_labels_are_the_characters_that_come_next():
    data = data_of("text", 1, 7)
    assert np.array_equal(data.inputs[:, 1:], data.labels[:, :-1])
    assert np.array_equal(data.train_inputs[:, 1:], data.train_labels[:, :-1])


def test_text_of_one_split_is_not_in_another():
    task = find_task("text", "network")
    pieces = {split: {item.tobytes() for item in window_of_all(task.data(split, 1, 7))} for split in SPLITS}
    for one, other in pairwise((*SPLITS, SPLITS[0])):
        assert len(pieces[one] & pieces[other]) < 0.01 * len(pieces[one])


def window_of_all(data):
    return np.concatenate([data.train_inputs[:2000], data.inputs])


@pytest.mark.parametrize("sureness", [0, 3, 1000])
def test_a_language_model_that_has_learnt_nothing_is_at_chance_however_sure_it_is(sureness):
    task = find_task("text", "network")
    data, spec = data_of("text", 1, 7), task.spec(1)
    logits = np.random.default_rng(0).normal(0, 1, (*data.labels.shape, spec.n_outputs)) * sureness
    graded = score(task, logits.astype(np.float32), data.labels)
    assert abs(graded.value) <= 0.05
    assert 3.5 < task.chance < 5.5


def test_text_bits_are_those_of_the_probability_given_to_the_next_character():
    task = find_task("text", "network")
    data, spec = data_of("text", 1, 7), task.spec(1)
    logits = np.zeros((*data.labels.shape, spec.n_outputs))
    np.put_along_axis(logits, data.labels[..., None].astype(np.int64), np.log(spec.n_outputs - 1), axis=-1)
    graded = task.grade(logits.astype(np.float32), data.labels)["bits_per_character"]
    assert graded == pytest.approx(np.ones(len(graded)), abs=1e-3)  # half of the probability, so one bit


def test_a_language_model_takes_a_users_file(tmp_path):
    letters = np.random.default_rng(0).choice(list("aaab"), 60_000)
    (tmp_path / "mine.txt").write_text("".join(letters))
    task = find_task(f"text:{tmp_path / 'mine.txt'}", "network")
    assert task.name == f"text:{tmp_path / 'mine.txt'}"
    assert task.chance == pytest.approx(0.811, abs=0.01)
    data = task.data("search", 1, 0)
    assert set(np.unique(data.inputs)) == {66, 67}
    assert find_task("text", "network").chance != task.chance


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("too short", "text:{}", "needs at least 50,000"),
        (None, "text:{}", "cannot read the text"),
        ("x" * 60_000, "recall:{}", "takes nothing after a colon"),
    ],
)
def test_a_text_that_will_not_do_is_refused_with_the_reason(tmp_path, text, name, said):
    file = tmp_path / "mine.txt"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UsageError, match=said):
        find_task(name.format(file), "network")


@pytest.mark.parametrize("name", ["digits", "table", "series_shuffled", "text"])
def test_splits_of_real_data_and_of_made_data_differ(name):
    task = find_task(name, "network")
    one, other = (task.data(split, 0, 5 + number) for number, split in enumerate(("search", "confirm")))
    assert not np.array_equal(one.inputs, other.inputs)


def test_table_labels_are_those_of_a_tree_and_as_frequent_as_one_another():
    task = find_task("table", "network")
    for seed in (7, 8):
        data, depth = data_of("table", 3, seed), task.rungs[3].size["depth"]
        tree = DecisionTreeClassifier(max_depth=None, random_state=0).fit(
            data.train_inputs, data.train_labels
        )
        assert tree.score(data.inputs, data.labels) > 0.97
        used = np.count_nonzero(tree.feature_importances_ > 0.005)
        assert depth / 3 <= used <= task.rungs[3].size["informative"]
        assert np.bincount(data.labels).min() > 0.2 * len(data.labels)


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
