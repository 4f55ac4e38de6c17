"""What the broker promises to designs: a turn for everybody, a budget that holds, and an answer to every call."""

import threading
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pipelines import Scripted
from support.processes import wait_until

from agentarch.broker import Allowance, Answer, Broker, BrokerDesk, Call
from agentarch.broker.broker import Closed, Miscounted
from agentarch.broker.provider import ProviderBackend
from agentarch.models import NoAnswer, Reply, Unavailable, Usage


class Gate:
    """A backend that answers only when it is let, one batch at a time, and notes whom it served."""

    def __init__(self, batch: int, workers: int = 1) -> None:
        self.batch, self.workers = batch, workers
        self.served: list[str] = []
        self.begun, self.let = threading.Semaphore(0), threading.Semaphore(0)
        self.is_closed = False

    def answer(self, calls):
        self.begun.release()
        self.let.acquire()
        self.served += [call.prompt for call in calls]
        return [Answer(call.prompt, 1, 1) for call in calls]

    def close(self):
        self.is_closed = True
        for _ in range(1000):
            self.let.release()


def call(prompt: str, model: str = "m") -> Call:
    return Call(model, prompt, "", None, 16, 0)


def test_lines_are_served_in_turn_however_long_one_is():
    gate = Gate(batch=1)
    broker = Broker({"m": gate})
    done = threading.Semaphore(0)
    for line, count in (("first", 100), ("second", 10), ("third", 10)):
        for _ in range(count):
            broker.submit(line, 0, call(line), lambda answer: done.release())
    for _ in range(31):
        gate.let.release()
    for _ in range(31):
        assert done.acquire(timeout=5)
    counts = Counter(gate.served[:31])
    assert all(counts[line] >= 10 for line in ("first", "second", "third")), counts
    broker.close()


def test_of_64_calls_in_flight_from_two_boxes_the_slower_gets_what_it_asks_for():
    at_once, held = Counter(), []
    lock = threading.Lock()

    def answer(prompt: str, sample: int) -> str:
        with lock:
            at_once[prompt] += 1
            held.append((at_once["slow"], at_once["fast"]))
        time.sleep(0.02)
        with lock:
            at_once[prompt] -= 1
        return prompt

    broker = Broker({"m": Scripted(answer, batch=1, workers=64)})
    stop = threading.Event()

    def keep(line: str, in_flight: int) -> None:
        slots = threading.Semaphore(in_flight)
        while not stop.is_set():
            slots.acquire()
            broker.submit(line, 0, call(line), lambda _: slots.release())

    boxes = [
        threading.Thread(target=keep, args=(line, flight)) for line, flight in (("fast", 200), ("slow", 32))
    ]
    for box in boxes:
        box.start()
    time.sleep(1.5)
    stop.set()
    for box in boxes:
        box.join()
    broker.close()
    assert max(map(sum, held)) == 64
    slots = [slow for slow, _ in held[len(held) // 2 :]]
    assert sum(slots) / len(slots) >= 0.4 * 32


def test_a_call_that_nobody_waits_for_any_more_is_dropped_and_others_are_not():
    gate = Gate(batch=1)
    broker = Broker({"m": gate})
    done = threading.Semaphore(0)
    for question in (1, 2, 1, 2):
        broker.submit("line", question, call(f"question {question}"), lambda answer: done.release())
    assert gate.begun.acquire(timeout=5)  # the first is taken
    broker.forget("line", 1)
    for _ in range(3):
        gate.let.release()
    assert all(done.acquire(timeout=5) for _ in range(3))
    assert gate.served == ["question 1", "question 2", "question 2"]
    broker.close()


def test_closing_tells_everybody_who_waits():
    gate = Gate(batch=1)
    broker = Broker({"m": gate})
    told = []
    for _ in range(5):
        broker.submit("line", 0, call("a"), told.append)
    broker.close()
    broker.submit("line", 0, call("late"), told.append)
    assert len(told) == 6
    assert sum(isinstance(one, Closed) for one in told) >= 5
    assert gate.is_closed


def test_a_backend_that_breaks_tells_each_who_waits():
    def broken(prompt: str, sample: int) -> str:
        raise ZeroDivisionError("no")

    class Breaks(Scripted):
        def answer(self, calls):
            raise OSError("gone")

    for backend in (Scripted(broken), Breaks(broken)):
        broker = Broker({"m": backend})
        told, done = [], threading.Event()
        broker.submit(
            "line", 0, call("a"), lambda answer, told=told, done=done: (told.append(answer), done.set())
        )
        assert done.wait(5)
        assert isinstance(told[0], ZeroDivisionError | OSError)
        broker.close()


def test_a_burst_uses_every_worker_although_one_was_idle():
    together = threading.Barrier(5)

    def answer(prompt: str, sample: int) -> str:
        if prompt == "burst":
            together.wait(timeout=5)
        return prompt

    broker = Broker({"m": Scripted(answer, batch=1, workers=4)})
    told, done = [], threading.Semaphore(0)

    def hear(answer) -> None:
        told.append(answer)
        done.release()

    broker.submit("line", 0, call("first"), hear)
    assert done.acquire(timeout=5)
    for _ in range(4):
        broker.submit("line", 0, call("burst"), hear)
    together.wait(timeout=5)  # all four are at it, or this breaks
    assert all(done.acquire(timeout=5) for _ in range(4))
    assert all(isinstance(one, Answer) for one in told), told
    broker.close()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_backend_that_miscounts_its_answers_is_our_fault_and_serves_on(count):
    class Miscounts(Gate):
        def answer(self, calls):
            answers = super().answer(calls)
            return (answers * 3)[:count] if calls[0].prompt == "bad" else answers

    gate = Miscounts(batch=2)
    broker = Broker({"m": gate})
    told, done = [], threading.Semaphore(0)

    def hear(answer) -> None:
        told.append(answer)
        done.release()

    broker.submit("line", 0, call("hold"), hear)
    assert gate.begun.acquire(timeout=5)  # so that the next two are a batch
    for prompt in ("bad", "bad", "good"):
        broker.submit("line", 0, call(prompt), hear)
    for _ in range(4):
        gate.let.release()
    assert all(done.acquire(timeout=5) for _ in range(4))
    assert [type(one) for one in told[1:]] == [Miscounted, Miscounted, Answer]
    broker.close()


def test_who_hears_an_answer_badly_is_told_so_and_harms_no_other():
    broker = Broker({"m": Scripted(lambda prompt, sample: prompt)})
    told, done = [], threading.Semaphore(0)

    def badly(answer) -> None:
        told.append(answer)
        done.release()
        raise ZeroDivisionError("no")

    broker.submit("line", 0, call("a"), badly)
    assert all(done.acquire(timeout=5) for _ in range(2))
    assert [type(one) for one in told] == [Answer, ZeroDivisionError]
    broker.submit("line", 0, call("b"), lambda answer: done.release())
    assert done.acquire(timeout=5)
    broker.close()


# One evaluation's desk.


class Heard:
    """Takes answers, and waits for them."""

    def __init__(self) -> None:
        self.told: list[dict] = []
        self._changed = threading.Condition()

    def __call__(self, answer) -> None:
        with self._changed:
            self.told.append(dict(answer))
            self._changed.notify_all()

    def wait(self, count: int) -> list[dict]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.told) >= count, 5)
            return self.told


@pytest.fixture
def desk():
    broker = Broker(
        {"one": Scripted(lambda prompt, sample: f"{prompt} {sample}"), "two": Scripted(lambda *_: "2")}
    )
    yield BrokerDesk(broker, Allowance(calls=10, tokens=1000), "", (), [b"k"] * 3)
    broker.close()


def test_a_repeated_call_gets_another_sample_and_each_question_counts_for_itself(desk):
    heard = Heard()
    for question in (0, 0, 1):
        desk.ask(question, {"id": 1, "prompt": "a", "after": 0}, heard)
    assert sorted(one["texts"][0] for one in heard.wait(3)) == ["a 0", "a 0", "a 1"]
    assert len(desk.calls(0)) == 2
    assert len(desk.calls(1)) == 1


def test_a_question_that_is_asked_again_starts_afresh(desk):
    heard = Heard()
    desk.ask(0, {"id": 1, "prompt": "a", "n": 9}, heard)
    heard.wait(1)
    desk.again(0)
    assert desk.calls(0) == ()
    desk.ask(0, {"id": 1, "prompt": "a", "n": 2}, heard)
    told = heard.wait(2)[-1]
    assert (told["texts"], told["calls"]) == (["a 0", "a 1"], 8)


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"prompt": 7}, "argument"),
        ({"prompt": "a", "system": ["s"]}, "argument"),
        ({"prompt": "a", "n": 0}, "argument"),
        ({"prompt": "a", "n": True}, "argument"),
        ({"prompt": "a", "n": 11}, "budget"),
        ({"prompt": "a", "temperature": 3}, "argument"),
        ({"prompt": "a", "temperature": "hot"}, "argument"),
        ({"prompt": "a", "max_tokens": 0}, "argument"),
        ({"prompt": "a", "model": "three"}, "model"),
        ({"prompt": "a", "model": 3}, "model"),
        ({"prompt": "x" * 300_000}, "argument"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused_and_costs_nothing(desk, wish, why):
    heard = Heard()
    desk.ask(0, {"id": 5, **wish}, heard)
    (told,) = heard.wait(1)
    assert (told["type"], told["id"], told["why"], told["calls"]) == ("refused", 5, why, 10)
    assert desk.calls(0) == ()


def test_a_model_that_is_gone_is_our_fault_and_what_was_answered_is_written_down():
    def answer(prompt: str, sample: int) -> str:
        if sample == 1:
            raise Unavailable("down", 1.0)
        return f"{prompt} {sample}"

    broker = Broker({"m": Scripted(answer)})
    desk = BrokerDesk(broker, Allowance(10, 10_000), "", (), [b"k"])
    heard = Heard()
    desk.ask(0, {"id": 1, "prompt": "a", "n": 3}, heard)
    assert heard.wait(1)[0]["type"] == "gone"
    assert isinstance(desk.fault, Unavailable)
    wait_until(lambda: len(desk.calls(0)) == 2, "the answered samples")
    assert [(one.number, one.text, one.told) for one in desk.calls(0)] == [(1, "a 0", 1), (3, "a 2", 1)]
    broker.close()


class Provider:
    """A client that declines some samples, and is paid for every one."""

    def __init__(self, declined: int) -> None:
        self.declined = declined

    def ask(self, ask):
        usage = Usage(7, 100 + ask.sample)
        if ask.sample == self.declined:
            raise NoAnswer("declined", usage)
        return Reply(f"text {ask.sample}", usage, ask.model)

    def close(self) -> None:
        pass


def test_a_sample_that_comes_to_nothing_is_empty_and_counts_what_it_cost():
    backend = ProviderBackend(
        "openai/m", Provider(1), lambda _, usage: usage.output_tokens / 100, threading.Event()
    )
    broker = Broker({"m": backend})
    desk = BrokerDesk(broker, Allowance(10, 10_000), "", (), [b"k"])
    heard = Heard()
    desk.ask(0, {"id": 1, "prompt": "a", "n": 3}, heard)
    (told,) = heard.wait(1)
    assert told["texts"] == ["text 0", "", "text 2"]
    assert told["tokens"] == 10_000 - 3 * 7 - 303
    calls = desk.calls(0)
    assert [(one.ask, one.number) for one in calls] == [(1, 1), (1, 2), (1, 3)]
    assert [one.text for one in calls] == ["text 0", "", "text 2"]
    assert [one.output_tokens for one in calls] == [100, 101, 102]
    assert [one.dollars for one in calls] == [1.0, 1.01, 1.02]
    assert desk.fault is None
    broker.close()


def test_the_samples_of_a_call_are_asked_side_by_side():
    together = threading.Barrier(6)

    def answer(prompt: str, sample: int) -> str:
        together.wait(timeout=5)
        return f"{prompt} {sample}"

    broker = Broker({"m": Scripted(answer, batch=1, workers=6)})
    desk = BrokerDesk(broker, Allowance(10, 10_000), "", (), [b"k"])
    heard = Heard()
    desk.ask(0, {"id": 1, "prompt": "a", "n": 6}, heard)
    assert heard.wait(1)[0]["texts"] == [f"a {sample}" for sample in range(6)]
    broker.close()


# The budget of tokens.


def words(prompt: str, sample: int) -> str:
    """Answer with as many words as a prompt says."""
    return f"w{sample} " * int(prompt.split()[0])


def outcomes(wishes, tokens: int, at_once: bool, answer_tokens: int = 1024, workers: int = 8):
    """Return what is told of each wish of a question, and the calls that were made."""
    broker = Broker({"m": Scripted(words, batch=1, workers=workers)})
    desk = BrokerDesk(broker, Allowance(1000, tokens, answer_tokens), "", (), [b"k"])
    heard = Heard()
    for number, wish in enumerate(wishes, 1):
        desk.ask(0, {"id": number, **wish}, heard)
        if not at_once:
            heard.wait(number)
    told = {one["id"]: (one["type"], one.get("texts"), one.get("reason")) for one in heard.wait(len(wishes))}
    broker.close()
    return told, desk.calls(0)


def test_calls_made_at_once_do_not_pass_the_tokens_of_a_question():
    told, calls = outcomes([{"prompt": "2000"}] * 30, tokens=1000, at_once=True)
    assert sum(one.tokens for one in calls) <= 1000
    assert calls
    kinds = [told[number][0] for number in sorted(told)]
    assert kinds == ["told"] * len(calls) + ["refused"] * (30 - len(calls))


def test_calls_made_at_once_are_not_refused_for_what_they_might_have_used():
    told, calls = outcomes([{"prompt": f"40 {number}"} for number in range(200)], tokens=20_000, at_once=True)
    assert {kind for kind, *_ in told.values()} == {"told"}
    assert len(calls) == 200
    told, calls = outcomes([{"prompt": "40", "n": 200}], tokens=20_000, at_once=True)
    assert len(calls) == 200


@settings(max_examples=25, deadline=None)
@given(
    wishes=st.lists(
        st.fixed_dictionaries(
            {"prompt": st.sampled_from(["1", "20", "300 of them", "90"])},
            optional={"n": st.integers(1, 4), "max_tokens": st.integers(1, 400)},
        ),
        min_size=1,
        max_size=20,
    ),
    tokens=st.integers(1, 3000),
)
def test_calls_made_at_once_come_to_what_they_would_one_after_the_other(wishes, tokens):
    first, one_by_one = outcomes(wishes, tokens, at_once=False, answer_tokens=100)
    second, together = outcomes(wishes, tokens, at_once=True, answer_tokens=100)
    assert first == second
    assert [(one.number, one.ask, one.text) for one in one_by_one] == [
        (one.number, one.ask, one.text) for one in together
    ]
    assert sum(one.tokens for one in together) <= tokens


def test_samples_that_there_is_no_room_for_are_empty_and_the_next_call_is_refused():
    told, calls = outcomes([{"prompt": "100", "n": 3}, {"prompt": "100"}], tokens=220, at_once=True)
    assert [len(text.split()) for text in told[1][1]] == [100, 100, 0]
    assert len(calls) == 2
    assert told[2] == (
        "refused",
        None,
        "a question has 220 tokens, and they are used but for 18, too few for this prompt and an answer",
    )
