"""The trace is the graph: what fed what is seen from texts alone, and who was wrong first from what they say."""

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.traced import QUESTION, call, calls, pipeline, trace

from agentarch.traces import (
    Fault,
    TraceLost,
    blame_of,
    graph_of,
    is_checkable,
    read_trace,
    shape_of,
    typical_of,
    write_trace,
)
from agentarch.traces.evidence import edges_of
from agentarch.traces.graph import rounds_of
from agentarch.traces.templates import wording_of
from agentarch.traces.words import folded, words_in


def edges(*said: tuple[str, str], question: str = QUESTION) -> set[tuple[int, int]]:
    """Edges among calls that were made one after the other, given as prompt and answer."""
    return set(graph_of(question, calls(*said)).edges)


# What is an edge.


@pytest.mark.parametrize(
    ("answer", "later"),
    [
        ("Zoe", "Is it Zoe?"),
        ("Let me think. The answer is Zoe.", "Others say zoe. What do you say?"),
        ("The boss is Zoe.\nThe answer is Kim.", "The boss is Zoe. Go on."),
        ("It is New Delhi", "Check New Delhi."),
        ("6 * 7 = 42", "Is 42 right?"),
        ("It comes to 1,042.50 dollars.", "Is it 1042.5?"),
        ("-3", "Half of -3?"),
        ("das Café MÜLLER", "Ist es Café Müller?"),
        ("答えは東京です。", "東京についてどう思いますか"),
        ('{"name": "Zoe", "sure": 3}', 'You said {"name": "Zoe", "sure": 3}. Sure?'),
        ("Plan:\n1. Find the boss.\n2. Find the pet.", "Do this: Find the pet."),
    ],
)
def test_an_answer_found_again_in_a_later_prompt_is_an_edge(answer, later):
    assert edges((QUESTION, answer), (later, "Fine")) == {(1, 2)}


@pytest.mark.parametrize(
    ("answer", "later"),
    [
        ("Yes", "Say yes or no."),
        ("No.", "There is no time."),
        ("Zoe", "Zoeller is a name."),
        ("42", "Is 142 right? Or 42.5, or -42?"),
        ("A", "A dog or a cat?"),
        ("The answer is correct.", "Is this the correct answer?"),
        ("", "Anything?"),
        ("...", "Anything?"),
        ("Mira", "Who is Mira?"),  # stands in the question
    ],
)
def test_words_that_tell_nothing_are_no_edge(answer, later):
    assert edges((QUESTION, answer), (later, "Fine")) == set()


def test_what_a_call_was_told_and_only_mentions_is_not_its_own():
    said = [("Plan it", "First Xab then Yod"), ("Do this: First Xab then Yod", "Xab is hard. Done: 17")]
    assert edges(*said, ("Do this: First Xab then Yod. More?", "18")) == {(1, 2), (1, 3)}


def test_a_call_that_comes_to_what_it_was_told_takes_it_over():
    said = [
        (QUESTION, "Zoe"),
        ("Someone says Zoe. Who?", "I agree. The answer is Zoe."),
        ("Zoe? Who?", "Zoe"),
    ]
    assert edges(*said) == {(1, 2), (2, 3)}
    assert graph_of(QUESTION, calls(*said)).depth == 3


def test_of_two_who_found_the_same_apart_both_count():
    made = [
        call(1, QUESTION, "Zoe", after=0),
        call(2, QUESTION, "Zoe", after=0),
        call(3, "Zoe?", "Yes", after=2),
    ]
    assert set(graph_of(QUESTION, made).edges) == {(1, 3), (2, 3)}


def test_an_answer_that_had_not_been_read_feeds_nothing():
    made = [call(1, QUESTION, "Zoe", after=0), call(2, "Zoe?", "Yes", after=0)]
    assert graph_of(QUESTION, made).edges == ()


def test_answers_that_came_in_another_order_than_they_were_asked_for_still_feed():
    made = [
        call(1, QUESTION, "slow", after=0, told=3),
        call(2, QUESTION, "Zoe", after=0, told=1),
        call(3, "Zoe?", "Quux", after=1, told=2),
        call(4, "Quux?", "Fine", after=2, told=4),
    ]
    assert set(graph_of(QUESTION, made).edges) == {(2, 3), (3, 4)}
    assert rounds_of(made) == 3


def test_words_that_a_designs_code_writes_are_no_evidence():
    questions = [f"Where is thing{number}?" for number in range(8)]
    where = ["garden", *(f"place{number}" for number in range(7))]
    then = "The place may be the garden or a house."
    made = [calls((q, f"in the {one}"), (then, "ok")) for q, one in zip(questions, where, strict=True)]
    assert graph_of(questions[0], made[0]).depth == 2
    assert shape_of(questions, made).depth == 1


WORDS = st.lists(
    st.sampled_from(("Zoe", "Kim", "yes", "the", "17", "東", "é", ".", "\n", "answer is")), max_size=8
)
TEXTS = WORDS.map(" ".join) | st.text(max_size=30)


@settings(deadline=None, max_examples=40)
@given(TEXTS, st.lists(st.tuples(TEXTS, TEXTS, st.integers(0, 6)), max_size=6))
def test_a_graph_of_whatever_text_runs_forward_and_its_measures_hold_together(question, made):
    found = [call(n, told, said, after=min(n - 1, after)) for n, (told, said, after) in enumerate(made, 1)]
    graph = graph_of(question, found, made[-1][1] if made else "")
    assert all(start < to and found[start - 1].place <= found[to - 1].after for start, to in graph.edges)
    assert len(set(graph.edges)) == len(graph.edges)
    assert graph.depth <= rounds_of(found) <= len(found)
    assert graph.width <= len(found) <= graph.depth * graph.width
    assert 0 <= graph.revision_share <= 1
    longest = max((one.seconds for one in found), default=0)
    assert longest <= graph.critical_seconds <= sum(one.seconds for one in found) + 1e-9
    assert graph == graph_of(question, found, made[-1][1] if made else "")
    blame = blame_of(question, graph, "Kim", "Zoe")
    assert blame.call is None or blame.call in graph.levels


@settings(deadline=None, max_examples=40)
@given(TEXTS)
def test_a_text_folded_twice_is_the_same(text):
    assert folded(folded(text)) == folded(text)
    assert all(word == " ".join(words_in(word)) for word in words_in(text))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(("Zoe", "Kim", "Ada", "Bo")), min_size=1, max_size=5, unique=True))
def test_a_chain_of_new_answers_is_as_deep_as_it_is_long(names):
    told = [QUESTION, *(f"Someone says {name}. {QUESTION}" for name in names[:-1])]
    graph = graph_of(QUESTION, calls(*zip(told, names, strict=True)), names[-1])
    assert (graph.depth, graph.width, graph.finals) == (len(names), 1, (len(names),))


def test_the_slowest_chain_is_what_a_question_takes():
    made = [
        call(1, QUESTION, "Zoe", after=0, seconds=2.0),
        call(2, QUESTION, "Kim", after=0, seconds=5.0),
        call(3, "Zoe?", "Fine", after=2, seconds=4.0),
    ]
    assert graph_of(QUESTION, made).critical_seconds == 6.0


def test_six_hundred_questions_of_sixty_calls_are_measured_in_moments():
    questions = [f"{QUESTION} number {number}?" for number in range(600)]
    made = [pipeline(question, samples=20, names=f"n{at}x") for at, question in enumerate(questions)]
    began = time.process_time()
    shape = shape_of(questions, made)
    assert time.process_time() - began < 1.5
    assert (shape.calls, shape.depth, shape.width) == (60, 3, 20)


# Who was wrong first.


def blamed(*said, answer, label="Zoe", outcome="scored", question=QUESTION):
    return blame_of(question, graph_of(question, calls(*said), answer), answer, label, outcome)


def test_the_first_call_that_brings_the_wrong_answer_in_is_blamed():
    said = [(QUESTION, "Zoe"), (QUESTION, "The answer is Kim."), (QUESTION, "Kim")]
    found = blamed(*said, answer="Kim")
    assert (found.fault, found.call) == (Fault.INTRODUCED, 2)


def test_a_call_that_was_told_the_right_answer_and_gave_another_lost_it():
    said = [(QUESTION, "Kim"), (QUESTION, "Zoe"), ("Others say Kim and Zoe. Who?", "The answer is Kim.")]
    found = blamed(*said, answer="Kim")
    assert (found.fault, found.call) == (Fault.LOST, 3)


def test_where_the_right_answer_never_came_up_the_first_to_be_wrong_is_named():
    found = blamed((QUESTION, "Ada"), ("Ada's pet?", "The answer is Kim."), answer="Kim")
    assert (found.fault, found.call) == (Fault.NEVER, 2)


@pytest.mark.parametrize("answer", ["Kim", "Nobody"])
def test_code_that_drops_a_right_answer_is_to_blame_itself(answer):
    found = blamed((QUESTION, "Kim"), ("Kim? Think again.", "The answer is Zoe."), answer=answer)
    assert (found.fault, found.call) == (Fault.MANGLED, None)


@pytest.mark.parametrize(("answer", "outcome"), [("", "scored"), ("", "timeout"), ("Kim", "invalid")])
def test_a_question_without_an_answer_is_no_calls_doing(answer, outcome):
    assert blamed((QUESTION, "Zoe"), answer=answer, outcome=outcome).fault is Fault.FAILED


def test_a_choice_between_what_the_question_offers_is_judged_by_what_calls_say():
    question = "Is it Zoe or Kim?"
    said = [(question, "Kim"), (f"Think. {question}", "Zoe")]
    assert blamed(*said, answer="Kim", question=question).fault is Fault.INTRODUCED


def test_labels_that_no_answer_has_blame_nobody():
    made = trace([("q", "def f(): pass", 1.0, "assert f() is None", [("q", "def f(): pass")])] * 3)
    assert not is_checkable(made)
    assert typical_of([made]).faults == {}


# The typical graph.


def test_calls_of_different_questions_are_one_step_when_the_design_words_them_alike():
    graph = typical_of([trace(solved=12, failed=8)])
    told = [(step.level, step.calls, step.share) for step in graph.steps]
    assert told == [(0, 3.0, 1.0), (1, 3.0, 1.0), (2, 1.0, 1.0)]
    assert "step by step" in graph.steps[0].label
    assert "yes or no" in graph.steps[1].label.lower()
    assert {(link.start, link.to) for link in graph.links} >= {(0, 1), (1, 2), (2, 3), (3, 0)}
    assert graph.wrong == 8
    assert sum(graph.faults.values()) == 8
    assert sum(step.first_errors for step in graph.steps) == 8


def test_a_step_whose_prompt_is_the_question_alone_says_so():
    made = trace(
        [
            (f"Who is the boss of A{n}?", f"b{n}", 1.0, f"b{n}", [(f"Who is the boss of A{n}?", f"b{n}")])
            for n in range(5)
        ]
    )
    (step,) = typical_of([made]).steps
    assert (step.label, step.calls, step.right) == ("the question", 1.0, 1.0)


def test_names_and_numbers_of_one_question_are_not_in_the_words_of_a_design():
    made = trace(solved=9, failed=3)
    own = wording_of(made.questions, made.calls).own
    assert own >= {"think", "step", "weigh", "choose", "accept"}
    assert not any(word.startswith(("zoe", "bad", "mira", "boss")) for word in own)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(TEXTS, TEXTS, st.lists(st.tuples(TEXTS, TEXTS), max_size=4)), max_size=5))
def test_a_typical_graph_of_whatever_text_counts_every_call_once(rows):
    made = trace([(q, answer, 0.0, "Zoe", said) for q, answer, said in rows])
    graph = typical_of([made])
    counted = sum(step.share * step.calls * len(rows) for step in graph.steps)
    total = sum(len(said) for _, _, said in rows)
    assert counted == pytest.approx(total * (1 - graph.rare_calls))
    assert all(0 < link.share <= 1 for link in graph.links)


# How it is kept.


def test_a_trace_is_read_as_it_was_written_and_a_changed_one_is_refused(tmp_path):
    made = trace(solved=2, failed=1)
    name = write_trace(made, tmp_path)
    assert read_trace(name, tmp_path) == made
    (tmp_path / f"{name}.json.gz").write_bytes(b"x")
    with pytest.raises(TraceLost, match="evaluate the design again"):
        read_trace(name, tmp_path)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_trace_of_damaged_bytes_is_lost_and_breaks_nothing(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("traces")
    name = write_trace(trace(solved=2, failed=1), folder)
    path = folder / f"{name}.json.gz"
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = data.draw(
        st.sampled_from(
            [
                whole[:at],
                whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :],
                whole[:at] + b"\xff" * (len(whole) - at),
                whole[:at] + whole[:at],
            ]
        )
    )
    path.write_bytes(damaged)
    with contextlib.suppress(TraceLost):
        assert read_trace(name, folder) == trace(solved=2, failed=1)  # a bit that means nothing


def test_edges_of_no_calls_are_none():
    assert edges_of(QUESTION, ()) == ()
    assert graph_of(QUESTION, ()).depth == graph_of(QUESTION, ()).width == 0
