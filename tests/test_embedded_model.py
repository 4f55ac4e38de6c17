"""The shipped embedded model: deterministic, quick to load, and as hard to use well as it says."""

import dataclasses
import os
import random
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from agentarch.embedded import EmbeddedModel, Request, Salt, questions, worlds
from agentarch.embedded.weights import read_weights, write_weights
from agentarch.errors import AgentarchError, UsageError

WORLDS = worlds()
FOLDER = Path(__file__).parent.parent / "evals" / "agents" / "worlds"

ANSWERS = """
import hashlib, sys
from concurrent.futures import ThreadPoolExecutor
from agentarch.embedded import EmbeddedModel, Request, questions
world, size, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
model = EmbeddedModel.load(world)
requests = [
    Request(f"{item.question} {extra}", None, temperature, 44, n, item.salt, b"key", 3)
    for item in questions(model.world, "search", 8, 0)
    for extra, n, temperature in (("", 5, 1.0), ("Think step by step.", 3, 0.8), ("Split the question.", 1, 0.0))
]
groups = [requests[first : first + size] for first in range(0, len(requests), size)]
with ThreadPoolExecutor(threads) as pool:
    found = [reply.texts for replies in pool.map(model.answer, groups) for reply in replies]
print(hashlib.sha256(repr(found).encode()).hexdigest())
"""


@pytest.fixture(scope="module", params=WORLDS)
def model(request):
    return EmbeddedModel.load(request.param)


def digest(world, size, threads, blas_threads):
    environment = {
        **os.environ,
        "OPENBLAS_NUM_THREADS": str(blas_threads),
        "OMP_NUM_THREADS": str(blas_threads),
    }
    command = [sys.executable, "-c", ANSWERS, world, str(size), str(threads)]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def test_two_worlds_are_shipped():
    assert WORLDS == ["alder", "birch"]


@pytest.mark.parametrize("world", WORLDS)
def test_texts_are_the_same_whatever_the_batch_and_the_threads(world):
    found = {digest(world, *how) for how in ((1, 1, 1), (3, 2, 2), (24, 1, 2))}
    assert len(found) == 1


def test_texts_are_the_same_with_another_kernel_of_the_blas():
    command = [sys.executable, "-c", ANSWERS, WORLDS[0], "24", "1"]
    found = {
        subprocess.run(
            command, env={**os.environ, "OPENBLAS_CORETYPE": core}, check=True, capture_output=True, text=True
        ).stdout
        for core in ("Haswell", "Prescott")
    }
    assert len(found) == 1


def test_a_request_gets_the_texts_that_its_samples_would_get_one_by_one(model):
    (item,) = questions(model.world, "search", 1, 1)
    together = model.answer([Request(item.question, n=4, salt=item.salt, key=b"k", repeat=2)])[0].texts
    apart = [
        model.answer([Request(item.question, salt=item.salt, key=b"k", repeat=2 + number)])[0].texts[0]
        for number in range(4)
    ]
    assert list(together) == apart


def test_another_key_or_prompt_brings_other_samples(model):
    items = questions(model.world, "search", 20, 2)
    ones, others, worded = (
        [model.answer([Request(prefix + item.question, salt=item.salt, key=key)])[0].texts for item in items]
        for key, prefix in ((b"a", ""), (b"b", ""), (b"a", "You are a careful expert. "))
    )
    assert ones != others
    assert ones != worded


def test_a_sentence_with_an_unknown_word_a_label_or_a_case_changes_nothing_that_is_read(model):
    (item,) = questions(model.world, "search", 1, 3)
    plain = f"{item.question} Think step by step."
    dressed = (
        f"You are a careful expert!\nQuestion: {item.question.upper()}\n**Think step-by-step.**\nAnswer:"
    )
    texts = [
        model.answer([Request(prompt, "Be brief.", 0.0, 44, salt=item.salt)])[0].texts
        for prompt in (plain, dressed)
    ]
    assert texts[0] == texts[1]


def test_every_word_and_mark_of_a_prompt_counts_and_so_does_what_is_passed_over(model):
    reply = model.answer([Request("Be careful, Watson: who is it?", "You are good.", max_tokens=8)])[0]
    assert reply.prompt_tokens == 9 + 4
    assert reply.output_tokens >= 2


def test_an_answer_has_no_more_words_than_it_may(model):
    (item,) = questions(model.world, "search", 1, 4)
    prompt = f"{item.question} Think step by step."
    short, long = (
        model.answer([Request(prompt, None, 0.0, limit, salt=item.salt)])[0].texts[0] for limit in (5, 44)
    )
    assert long.startswith(short)
    assert len(re.findall(r"'s|\w+|[.?]", short)) == 5


def test_a_prompt_of_any_length_and_kind_is_answered(model):
    for prompt in (
        "",
        "?",
        "\x00\n" * 50,
        "Name it. " * 500,
        "who is the boss of " * 100,
        "Others say " + "a, " * 99,
    ):
        assert len(model.answer([Request(prompt, n=2, max_tokens=100)])[0].texts) == 2


def test_a_silent_thought_is_not_shown(model):
    (item,) = questions(model.world, "search", 1, 9)
    for limit in (1, 2, 42):
        prompt = f"{item.question} Is the answer {item.answer}? Yes or no."
        texts = model.answer([Request(prompt, n=30, max_tokens=limit, salt=item.salt)])[0].texts
        assert {text.rstrip(".") for text in texts} <= {"Yes", "No"}


def test_no_request_is_no_reply(model):
    assert model.answer([]) == []


def test_no_more_words_than_none(model):
    assert model.answer([Request("Who is it?", max_tokens=0)])[0].texts == ("",)


def test_a_single_call_is_right_about_some_and_wrong_about_most(model):
    items = questions(model.world, "search", 600, 5)
    replies = model.answer([Request(item.question, salt=item.salt, key=item.salt) for item in items])
    right = np.mean(
        [reply.texts[0].endswith(f" {item.answer}.") for reply, item in zip(replies, items, strict=True)]
    )
    assert 0.15 <= right <= 0.40


def test_a_check_of_one_step_tells_truth_from_falsehood_and_often_errs(model):
    chance = random.Random(0)
    facts = [fact for fact in model.world.facts if fact[0] == "boss"]
    people = model.world.names["person"]
    asked = []
    for relation, subject in facts:
        truth = model.world.facts[relation, subject]
        other = chance.choice([name for name in people if name != truth])
        who = model.world.written(subject)
        asked += [
            (
                f"Who is the boss of {who}? Is the answer {model.world.written(value)}? Yes or no.",
                value == truth,
            )
            for value in (truth, other)
        ]
    replies = model.answer([Request(prompt, n=4, key=b"check") for prompt, _ in asked])
    said = {True: [], False: []}
    for (_, is_true), reply in zip(asked, replies, strict=True):
        said[is_true] += [text == "Yes." for text in reply.texts]
    assert 0.5 < np.mean(said[True]) < 0.9
    assert np.mean(said[False]) < 0.3


def test_a_designer_who_learnt_three_thousand_answers_by_heart_has_gained_little(model):
    leaked = questions(model.world, "search", 3000, 6)
    asked = questions(model.world, "search", 600, 7)
    heard = {item.question: item.answer for item in leaked}
    by_start, by_relation = defaultdict(Counter), defaultdict(Counter)
    for item in leaked:
        words = item.question.rstrip("?").split()
        by_start[words[3], words[-1]][item.answer] += 1
        by_relation[words[3]][item.answer] += 1

    def recall(question):
        words = question.rstrip("?").split()
        return (
            heard.get(question)
            or (by_start[words[3], words[-1]] or by_relation[words[3]]).most_common(1)[0][0]
        )

    assert np.mean([recall(item.question) == item.answer for item in asked]) < 0.30


def test_importing_it_needs_no_torch():
    code = "import sys, agentarch.embedded; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("suffix", [".safetensors", ".md"])
def test_weights_are_small_and_have_a_card(model, suffix):
    file = FOLDER / f"{model.name}{suffix}"
    assert file.stat().st_size <= 3_000_000


def test_the_card_says_that_errors_are_planted(model):
    assert "planted" in (FOLDER / f"{model.name}.md").read_text()


def test_a_world_that_is_not_shipped_is_an_error_that_names_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'alder'"):
        EmbeddedModel.load("adler")


def test_missing_weights_are_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(AgentarchError, match=r"missing; install agentarch again, or make it anew"):
        read_weights(tmp_path / "alder.safetensors")


@pytest.mark.parametrize("harm", ["cut", "empty", "text", "shape", "type", "infinite", "metadata", "list"])
def test_damaged_weights_are_an_error_that_says_what_to_do(tmp_path, harm):
    whole = FOLDER / "alder.safetensors"
    path = tmp_path / "alder.safetensors"
    tensors = load_file(whole)
    if harm in ("cut", "empty", "text"):
        path.write_bytes(
            {"cut": whole.read_bytes()[:-100], "empty": b"", "text": b"no weights at all" * 9}[harm]
        )
    elif harm == "metadata":
        save_file(tensors, path)
    elif harm == "list":
        save_file(tensors, path, metadata={"about": "[]"})
    else:
        weights = read_weights(whole)
        matrices = dict(weights.matrices)
        embedding = matrices["embedding"]
        matrices["embedding"] = {
            "shape": dataclasses.replace(embedding, whole=embedding.whole[1:]),
            "type": dataclasses.replace(embedding, whole=embedding.whole.astype(np.int16)),
            "infinite": dataclasses.replace(embedding, scales=embedding.scales * np.float32(np.inf)),
        }[harm]
        write_weights(path, dataclasses.replace(weights, matrices=matrices))
    with pytest.raises(AgentarchError, match=r"cannot be used: .*install agentarch again"):
        read_weights(path)


def test_weights_of_another_world_are_refused():
    weights = read_weights(FOLDER / "alder.safetensors")
    with pytest.raises(AgentarchError, match="another version"):
        EmbeddedModel(dataclasses.replace(weights, world_seed=weights.world_seed + 1))


def test_names_of_a_question_are_given_back_as_they_were_shown(model):
    (item,) = questions(model.world, "search", 1, 8)
    salted, plain = Salt(model.world, item.salt), Salt(model.world, b"")
    real = salted.real(item.question)
    assert salted.shown(real) == item.question
    assert plain.shown(real) == real
    with_salt, without = (
        model.answer([Request(prompt, temperature=0.0, salt=salt)])[0].texts[0]
        for prompt, salt in ((item.question, item.salt), (real, b""))
    )
    assert with_salt == salted.shown(without)
