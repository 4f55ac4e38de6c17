"""The world behind the embedded model, its questions, its training texts, and a training cut short."""

import dataclasses
import random
import re
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from agentarch.embedded import Salt, make_world, questions
from agentarch.embedded.language import words
from agentarch.embedded.texts import MIXTURE, Flaws, Texts
from agentarch.embedded.train import Recipe, train
from agentarch.embedded.vocabulary import Vocabulary, count_tokens
from agentarch.embedded.weights import write_weights
from agentarch.embedded.world import RELATIONS, SPLITS, Chain
from agentarch.errors import UsageError

WORLD = make_world("tiny", 7)


def chain_of(question, salt):
    """Read a benchmark question back into the chain that it asks for, in real names."""
    read = Salt(WORLD, salt).real(question).rstrip("?").lower().split()
    return Chain(read[-1], tuple(reversed([word for word in read[2:-1] if word not in ("the", "of")])))


def test_a_world_follows_from_its_seed():
    assert make_world("tiny", 7) == WORLD
    assert make_world("tiny", 8).facts != WORLD.facts


def test_shipped_weights_would_know_if_the_world_of_a_seed_ever_changed():
    assert make_world("alder", 1).fingerprint == "d05c672e5e36f58370abdade2a9395f9"


def test_a_name_is_of_one_type_and_no_word_of_the_language():
    names = [name for names in WORLD.names.values() for name in names]
    assert len(names) == len(set(names))
    assert not set(names) & words()


def test_every_relation_is_a_function_and_injective_where_it_says_so():
    for relation in RELATIONS:
        values = [WORLD.facts[relation.name, subject] for subject in WORLD.names[relation.domain]]
        assert set(values) <= set(WORLD.names[relation.range])
        assert len(set(values)) == len(values) or not relation.injective


def test_splits_share_no_question():
    asked = {
        split: {chain_of(item.question, item.salt) for item in questions(WORLD, split, 600, 1)}
        for split in SPLITS
    }
    assert all(len(chains) == 600 for chains in asked.values())
    assert not asked["search"] & asked["confirm"]
    assert not (asked["search"] | asked["confirm"]) & asked["test"]


def test_questions_are_held_out_and_their_answers_true():
    for item in questions(WORLD, "search", 300, 2):
        chain = chain_of(item.question, item.salt)
        assert WORLD.is_held_out(chain)
        assert len(chain.path) == item.hops
        assert Salt(WORLD, item.salt).real(item.answer).lower() == WORLD.values(chain)[-1]
        assert item.answer.lower() not in item.question.lower().rstrip("?").split()


def test_questions_of_all_lengths_are_asked_as_often():
    hops = [item.hops for item in questions(WORLD, "confirm", 600, 3)]
    assert all(150 < hops.count(number) < 250 for number in (2, 3, 4))


def test_a_seed_gives_the_same_questions_and_another_seed_others():
    assert questions(WORLD, "search", 50, 4) == questions(WORLD, "search", 50, 4)
    assert questions(WORLD, "search", 50, 4) != questions(WORLD, "search", 50, 5)


def test_a_split_that_is_not_there_is_an_error_that_names_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'search'"):
        questions(WORLD, "serch", 5, 0)


def test_more_questions_than_there_are_is_an_error(monkeypatch):
    monkeypatch.setattr(sys.modules["agentarch.embedded.questions"], "_PATIENCE", 20)
    with pytest.raises(UsageError, match="not 10000000"):
        questions(WORLD, "search", 10_000_000, 0)


def chains_in(text):
    """Return every chain that a text names, each as long as it goes."""
    found = [
        Chain(start, tuple(reversed(re.findall(r"the (\w+) of", path))))
        for path, start in re.findall(r"((?:the \w+ of )+)(\w+)", text)
    ]
    for start, path in re.findall(r"(\w+)((?: 's \w+)+)", text):
        found.append(Chain(start, tuple(re.findall(r"'s (\w+)", path))))
    return [chain for chain in found if chain.start in WORLD.type_of]


def test_no_training_text_names_a_held_out_chain():
    texts, rng = Texts(WORLD, Flaws()), random.Random(0)
    met = [chain for _ in range(20_000) for chain in chains_in(" ".join(texts.text(rng)))]
    assert sum(len(chain.path) > 1 for chain in met) > 5000
    assert not [chain for chain in met if WORLD.is_held_out(chain)]


@pytest.mark.parametrize("kind", MIXTURE)
def test_every_kind_of_text_is_in_known_words(kind):
    texts, rng, vocabulary = Texts(WORLD, Flaws()), random.Random(1), Vocabulary(WORLD)
    for _ in range(200):
        asked, answered = getattr(texts, kind)(rng)
        assert vocabulary.numbers([*asked.split(), *answered.split()])
        shown = vocabulary.text(vocabulary.numbers(asked.split()))
        assert [word for sentence in vocabulary.sentences(shown) for word in sentence] == vocabulary.numbers(
            asked.split()
        )


def test_without_flaws_texts_tell_the_truth():
    none = Flaws(**{field.name: 0.0 for field in dataclasses.fields(Flaws)})
    texts, rng = Texts(WORLD, none), random.Random(2)
    for _ in range(500):
        asked, answered = texts.ask(rng)
        (fact,) = [fact for fact in WORLD.facts if fact[0] in asked.split() and fact[1] in asked.split()]
        assert answered.split()[-1] == WORLD.facts[fact]


@settings(max_examples=30)
@given(st.binary(max_size=32), st.text(max_size=200))
def test_a_salt_changes_nothing_but_names_and_can_be_undone(key, text):
    salt = Salt(WORLD, key)
    assert salt.real(salt.shown(text)) == text
    name = WORLD.names["person"][3]
    shown = salt.shown(f"{text} {name}, {name}!")
    assert salt.real(shown).endswith(f"{name.capitalize()}, {name.capitalize()}!")


def test_a_salt_permutes_names_within_their_type():
    salt = Salt(WORLD, b"key")
    for names in WORLD.names.values():
        assert {salt.shown(name).lower() for name in names} == set(names)
    assert sum(salt.shown(name).lower() == name for name in WORLD.type_of) < 30


@given(st.text(max_size=300))
def test_any_text_can_be_read_and_counted(text):
    vocabulary = Vocabulary(WORLD)
    for sentence in vocabulary.sentences(text):
        assert vocabulary.text(sentence)
    assert count_tokens(text) >= 0


def test_the_same_seed_trains_the_same_weights_and_writes_the_same_bytes(tmp_path):
    torch.set_num_threads(1)
    recipe = Recipe(steps=3, rows=2)
    one, same, other = (train("tiny", 7, seed, recipe, 0) for seed in (1, 1, 2))
    for name, matrix in one.matrices.items():
        assert np.array_equal(matrix.whole, same.matrices[name].whole)
        assert np.array_equal(matrix.scales, same.matrices[name].scales)
    assert not np.array_equal(one.matrices["embedding"].whole, other.matrices["embedding"].whole)
    files = []
    for number, weights in enumerate((one, same, one, same)):
        path = tmp_path / f"{number}.safetensors"
        write_weights(path, weights)
        files.append(path.read_bytes())
    assert len(set(files)) == 1
