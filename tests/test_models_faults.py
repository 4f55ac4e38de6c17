"""Whatever a provider does, each request is booked once, and the question is answered or says why not."""

import json
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from support.background import in_background
from support.model_server import FAULTS, ModelServer
from support.models import MODELS, NATIVE, RecordingBooks, asking, question
from support.processes import wait_until

from agentarch.errors import UsageError
from agentarch.models import (
    BudgetSpent,
    ModelSettings,
    NoAnswer,
    Refused,
    Stopped,
    Unavailable,
    check_servers,
    make_client,
)

PASSING = {
    "429": "failed",
    "500": "failed",
    "529": "failed",
    "reset": "unknown",
    "wrong_json": "unknown",
    "html": "unknown",
    "empty": "answered",
}
"""What goes away when one asks again, and what is known of what it cost."""
PASSING_IN_STREAMS = {"cut": "unknown", "error_event": "unknown"}


@pytest.fixture(params=MODELS)
def model(request):
    return request.param


@pytest.mark.parametrize("fault", PASSING)
def test_a_passing_fault_costs_one_more_request_and_no_answer(model, fault, tmp_path):
    with ModelServer(faults=[fault]) as server, asking(tmp_path, model, server=server) as asker:
        assert asker.ask(question(model)).text
        assert asker.books.outcomes == [PASSING[fault], "answered"]
        assert [intent.attempt for intent in asker.books.intents] == [1, 2]
        assert asker.books.usage.output_tokens == server.count.output_tokens
        assert server.count.requests == 2


@pytest.mark.parametrize("model", NATIVE)
@pytest.mark.parametrize("fault", PASSING_IN_STREAMS)
def test_a_stream_that_breaks_is_asked_for_again_and_what_it_told_is_booked(model, fault, tmp_path):
    with ModelServer(faults=[fault]) as server, asking(tmp_path, model, server=server) as asker:
        assert asker.ask(question(model)).text
        assert asker.books.outcomes == [PASSING_IN_STREAMS[fault], "answered"]
        assert asker.books.usage.input_tokens == server.count.input_tokens
        assert asker.books.usage.output_tokens == server.count.output_tokens
        assert server.count.unfinished == 1


def test_a_body_that_is_cut_is_asked_for_again(model, tmp_path):
    server = ModelServer(faults=["cut"], streams=False)
    with server, asking(tmp_path, model, server=server) as asker:
        assert asker.ask(question(model)).text
        assert asker.books.outcomes == ["unknown", "answered"]


@pytest.mark.parametrize("model", NATIVE)
def test_a_stream_that_is_cut_after_all_was_said_is_an_answer(model, tmp_path):
    with ModelServer(faults=["cut_after_usage"]) as server, asking(tmp_path, model, server=server) as asker:
        assert json.loads(asker.ask(question(model)).text)
        assert asker.books.outcomes == ["answered"]
        assert asker.books.usage.output_tokens == server.count.output_tokens


@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
def test_an_answer_whose_cost_nobody_told_is_used_and_booked_as_unknown(model, streams, tmp_path):
    server = ModelServer(faults=["no_usage"], streams=streams)
    with server, asking(tmp_path, model, server=server) as asker:
        assert json.loads(asker.ask(question(model)).text)
        assert asker.books.outcomes == ["unknown"]


@pytest.mark.parametrize("model", NATIVE)
@pytest.mark.parametrize("fault", ["hang", "slow_drip"])
def test_a_server_that_holds_the_line_is_left_and_asked_again(model, fault, tmp_path):
    limit = {"stall_seconds": 0.5, "deadline_seconds": 30.0} if fault == "hang" else {"deadline_seconds": 1.5}
    with ModelServer(faults=[fault]) as server, asking(tmp_path, model, server=server, **limit) as asker:
        assert asker.ask(question(model)).text
        assert asker.books.outcomes == ["unknown", "answered"]


@pytest.mark.parametrize("model", NATIVE)
def test_an_answer_of_megabytes_is_cut_and_not_read_on(model, tmp_path):
    with ModelServer(faults=["huge"]) as server, asking(tmp_path, model, server=server) as asker:
        reply = asker.ask(question(model))
        assert len(reply.text) <= 1_000_000
        assert reply.finish == "length"
        assert asker.books.outcomes == ["unknown"]
        assert server.count.output_tokens <= 1, "it was read to its end"


@pytest.mark.parametrize("text", ["\\ud800 alone", "null \\u0000 byte", "[" * 100_000])
def test_hostile_text_is_passed_on_as_text_that_a_file_can_hold(model, text, tmp_path):
    hostile = json.loads(f'"{text}"')
    with ModelServer(lambda _: hostile) as server, asking(tmp_path, model, server=server) as asker:
        reply = asker.ask(question(model, schema=None))
        assert len(reply.text) == len(hostile)
        (tmp_path / "kept").write_text(reply.text, encoding="utf-8")


def test_a_model_that_says_nothing_is_no_answer_after_three_times(model, tmp_path):
    with ModelServer(faults=["empty"] * 9) as server, asking(tmp_path, model, server=server) as asker:
        with pytest.raises(NoAnswer, match="nothing") as none:
            asker.ask(question(model))
        assert asker.books.outcomes == ["answered"] * 3
        assert asker.books.usage.input_tokens == server.count.input_tokens
        assert none.value.usage == asker.books.usage
        assert none.value.usage.input_tokens > 0


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), ("2.5", 2.5)])
def test_a_wait_that_the_provider_asks_for_is_kept(model, header, seconds, tmp_path):
    server = ModelServer(faults=["429"], retry_after=header)
    with server, asking(tmp_path, model, server=server) as asker:
        asker.ask(question(model))
        assert seconds <= asker.clock.slept[0] < seconds + 1


def test_a_wait_may_be_asked_for_as_a_date(model, tmp_path):
    in_a_while = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    server = ModelServer(faults=["429"], retry_after=in_a_while)
    with server, asking(tmp_path, model, server=server) as asker:
        asker.ask(question(model))
        assert 50 <= asker.clock.slept[0] <= 102


def test_a_wait_past_the_deadline_is_left_to_the_caller(model, tmp_path):
    server = ModelServer(faults=["429"] * 9, retry_after="1000")
    with server, asking(tmp_path, model, server=server) as asker:
        with pytest.raises(Unavailable) as caught:
            asker.ask(question(model))
        assert caught.value.seconds == pytest.approx(1000)
        assert server.count.requests == 1
        assert asker.clock.slept == []


def test_waiting_for_room_in_the_books_costs_no_patience(tmp_path):
    class FullBooks(RecordingBooks):
        def open(self, intent):
            asker.clock.now += 500.0
            return super().open(intent)

    with (
        ModelServer(faults=["500"], latency_seconds=1.5) as server,
        asking(tmp_path, "openai/small", server=server, books=FullBooks(), deadline_seconds=120.0) as asker,
    ):
        assert asker.ask(question("openai/small")).text
        assert asker.books.outcomes == ["failed", "answered"]


def test_pauses_grow_and_end_with_the_deadline(tmp_path):
    server = ModelServer(fault_for=lambda _: "429")
    with server, asking(tmp_path, "openai/small", server=server, deadline_seconds=120.0) as asker:
        with pytest.raises(Unavailable):
            asker.ask(question("openai/small"))
        assert asker.clock.slept[0] < asker.clock.slept[3] < asker.clock.slept[5]
        assert asker.clock.now <= 120
        assert server.count.requests == len(asker.clock.slept) + 1


def test_a_pause_ends_when_the_run_is_stopped(tmp_path):
    server = ModelServer(fault_for=lambda _: "429", retry_after="200")
    books, stop = RecordingBooks(), threading.Event()
    settings = ModelSettings(("openai/small",), base_url=server.base_url)
    with server:
        client = make_client(settings, books, tmp_path, stop)
        thread, outcome = in_background(client.ask, question("openai/small"))
        wait_until(lambda: len(books.settlements) == 1, "nothing was asked")
        stop.set()
        thread.join(60)
        client.close()
    assert isinstance(outcome[0], Stopped)


def test_nothing_is_asked_once_the_run_is_stopped(tmp_path):
    with ModelServer() as server, asking(tmp_path, "openai/small", server=server) as asker:
        asker.stop.set()
        with pytest.raises(Stopped):
            asker.ask(question("openai/small"))
        assert server.count.requests == 0


@pytest.mark.parametrize("model", NATIVE)
def test_closing_frees_whoever_waits_for_an_answer(model, tmp_path):
    server = ModelServer(fault_for=lambda _: "hang")
    with server, asking(tmp_path, model, server=server, stall_seconds=250.0) as asker:
        thread, outcome = in_background(asker.ask, question(model))
        wait_until(lambda: server.count.requests == 1, "nothing was asked")
        asker.stop.set()
        asker.client.close()
        thread.join(60)
        assert isinstance(outcome[0], Stopped)
        assert asker.books.outcomes == ["unknown"]


def test_a_wrong_key_names_the_variable_and_is_not_tried_again(model, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "wrong-key-of-openai")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "wrong-key-of-anthropic")
    with ModelServer(keys=["right-key"]) as server, asking(tmp_path, model, server=server) as asker:
        for _ in range(2):
            with pytest.raises(Refused, match="agentarch resume") as caught:
                asker.ask(question(model))
        assert server.count.requests == 1
        provider = model.partition("/")[0].upper()
        if model in NATIVE:
            assert f"{provider}_API_KEY" in str(caught.value)
        assert "wrong-key" not in str(caught.value)
        assert asker.books.outcomes == ["failed"]


def test_the_right_key_is_taken_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "right-key")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "right-key")
    with ModelServer(keys=["right-key"]) as server:
        for model in NATIVE:
            with asking(tmp_path, model, server=server) as asker:
                assert asker.ask(question(model)).text


def test_an_unknown_model_names_the_flag_and_is_not_tried_again(model, tmp_path):
    with ModelServer(models=["large"]) as server, asking(tmp_path, model, server=server) as asker:
        for _ in range(2):
            with pytest.raises(Refused, match="--model"):
                asker.ask(question(model))
        assert server.count.requests == 1


def test_a_model_that_accepts_no_question_at_all_is_given_up(tmp_path):
    server = ModelServer(fault_for=lambda _: "400")
    with server, asking(tmp_path, "openai/small", server=server) as asker:
        for _ in range(2):
            with pytest.raises(NoAnswer):
                asker.ask(question("openai/small", schema=None))
        for _ in range(2):
            with pytest.raises(Refused):
                asker.ask(question("openai/small", schema=None))
        assert server.count.requests == 3


def test_a_refused_model_gives_way_to_a_fallback(tmp_path):
    models = ("openai/gone", "anthropic/small")
    server = ModelServer(models=["small"])
    with server, asking(tmp_path, models[0], server=server, fallbacks=models[1:]) as asker:
        for number in range(2):
            assert asker.ask(question(models[0], f"number {number}")).model == "anthropic/small"
        assert [intent.model for intent in asker.books.intents] == ["openai/gone", *["anthropic/small"] * 2]


def test_a_model_that_is_down_gives_way_to_a_fallback(tmp_path):
    server = ModelServer(fault_for=lambda request: "500" if request.model == "down" else None)
    with server, asking(tmp_path, "openai/down", server=server, fallbacks=("openai/up",)) as asker:
        for number in range(5):
            assert asker.ask(question("openai/down", f"number {number}")).model == "openai/up"
        asked = Counter(request.model for request in server.log)
        assert asked["up"] == 5
        assert asked["down"] < 12, "the breaker did not open"


def test_when_no_model_can_be_reached_the_caller_is_told_when_to_ask_again(tmp_path):
    server = ModelServer(fault_for=lambda _: "500")
    with server, asking(tmp_path, "openai/a", server=server, fallbacks=("anthropic/b",)) as asker:
        with pytest.raises(Unavailable, match="fault 500") as caught:
            asker.ask(question("openai/a"))
        assert 0 < caught.value.seconds <= 60
        before = server.count.requests
        with pytest.raises(Unavailable):
            asker.ask(question("openai/a"))
        assert server.count.requests <= before + 2, "one to find out for each, at most"


def test_a_person_is_no_fallback():
    with pytest.raises(
        UsageError, match=r"--fallback-model manual: a person is no fallback, for .*--model manual"
    ):
        check_servers(ModelSettings(("openai/a",), fallbacks=("manual",)))


def test_a_base_url_where_nothing_answers_is_an_outage_that_names_it(model, tmp_path):
    with ModelServer() as server:
        url = server.base_url
    with asking(tmp_path, model, base_url=url) as asker:
        with pytest.raises(Unavailable, match=f"nothing answers at {url[:20]}.*; start the server again"):
            asker.ask(question(model))
        assert set(asker.books.outcomes) == {"failed"}


@pytest.mark.parametrize("model", NATIVE)
def test_an_outage_of_thirty_minutes_costs_few_requests_and_ends_with_an_answer(model, tmp_path):
    server = ModelServer(fault_for=lambda _: "529" if asker.clock.now < 1800 else None)
    with server, asking(tmp_path, model, server=server) as asker:
        while True:
            try:
                assert asker.ask(question(model)).text
                break
            except Unavailable as error:
                asker.clock.sleep(error.seconds, asker.stop)
        assert 1800 <= asker.clock.now < 1800 + 120
        assert server.count.requests < 100
        assert asker.books.outcomes[:-1] == ["failed"] * (server.count.requests - 1)


def test_one_request_at_a_time_finds_out_whether_a_model_is_up_again(tmp_path):
    is_down = threading.Event()
    is_down.set()
    server = ModelServer(fault_for=lambda _: "500" if is_down.is_set() else None)
    with server, asking(tmp_path, "openai/small", server=server) as asker:
        with pytest.raises(Unavailable) as caught:
            asker.ask(question("openai/small"))
        asker.clock.now += caught.value.seconds
        before = server.count.requests
        server.latency_seconds = 1.0
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(asker.ask, question("openai/small")) for _ in range(8)]
            assert all(isinstance(future.exception(), Unavailable) for future in asked)
        assert server.count.requests == before + 1


@pytest.mark.parametrize("model", MODELS)
def test_the_books_equal_the_servers_own_count_with_one_fault_in_ten(model, tmp_path):
    server = ModelServer(fault_rate=0.1, fault_kinds=FAULTS, seed=random.randrange(1000))
    limits = {"stall_seconds": 4.0, "deadline_seconds": 4.0 if model not in NATIVE else 300.0}
    asked = 320
    with server, asking(tmp_path, model, server=server, first_pause_seconds=0.01, **limits) as asker:

        def ask(number):
            for _ in range(5):
                try:
                    return asker.ask(question(model, f"number {number}")).text
                except (Unavailable, NoAnswer):
                    pass
            raise AssertionError("no answer")

        with ThreadPoolExecutor(16) as pool:
            texts = list(pool.map(ask, range(asked)))
        assert [json.loads(text)["text"] for text in texts] == [f"answer to number {n}" for n in range(asked)]
        assert len(set(server.count.faults) & set(FAULTS)) >= 5
        assert len(asker.books.outcomes) == server.count.requests > asked
        assert asker.books.usage.input_tokens == server.count.input_tokens
        assert asker.books.usage.output_tokens == server.count.output_tokens


def test_no_request_is_sent_once_the_budget_is_spent(model, tmp_path):
    books = RecordingBooks(most_requests=2)
    server = ModelServer(fault_for=lambda _: "500")
    with server, asking(tmp_path, model, server=server, books=books) as asker:
        with pytest.raises(BudgetSpent):
            asker.ask(question(model))
        assert server.count.requests == 2


def test_a_server_that_is_slow_but_steady_is_heard_out(tmp_path):
    with ModelServer(latency_seconds=0.5) as server:
        begun = time.monotonic()
        with asking(tmp_path, "openai/small", server=server, stall_seconds=20.0) as asker:
            assert asker.ask(question("openai/small")).text
        assert time.monotonic() - begun >= 0.5
