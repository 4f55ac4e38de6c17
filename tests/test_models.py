"""Every adapter keeps the same promises, against a server that talks its provider's format."""

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.model_server import ModelServer
from support.models import MODELS, NATIVE, SCHEMA, asking, question

from agentarch.models import ModelSettings, NoAnswer, most_input_tokens


@pytest.fixture(params=MODELS)
def model(request):
    return request.param


@pytest.fixture(params=[True, False], ids=["streamed", "whole"])
def streams(request):
    return request.param


def test_an_answer_comes_with_what_it_cost_and_who_gave_it(model, streams, tmp_path):
    with ModelServer(streams=streams) as server, asking(tmp_path, model, server=server) as asker:
        reply = asker.ask(question(model))
        assert json.loads(reply.text) == {"text": "answer to What comes next?"}
        assert (reply.model, reply.finish, reply.is_cached) == (model, "stop", False)
        assert reply.usage.input_tokens == server.count.input_tokens > 0
        assert reply.usage.output_tokens == server.count.output_tokens > 0
        assert asker.books.outcomes == ["answered"]
        assert asker.books.usage == reply.usage


def test_the_server_is_sent_the_system_the_prompt_the_schema_and_the_limit(model, tmp_path):
    with ModelServer() as server, asking(tmp_path, model, server=server) as asker:
        asker.ask(question(model, "Grüße, 世界?", max_output_tokens=77))
        [request] = server.log
        assert (request.system, request.prompt) == ("You design networks.", "Grüße, 世界?")
        assert (request.form, request.schema) == ("schema", SCHEMA)
        assert request.body["max_tokens"] == 77
        assert "temperature" not in request.body


def test_a_question_without_a_schema_is_answered_in_plain_text(model, streams, tmp_path):
    with ModelServer(streams=streams) as server, asking(tmp_path, model, server=server) as asker:
        assert asker.ask(question(model, schema=None)).text == "answer to What comes next?"
        assert server.log[0].form == "plain"


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_model_without_strict_schemas_is_asked_by_a_tool_from_then_on(model, streams, status, tmp_path):
    server = ModelServer(streams=streams, forms=("plain", "tool"), form_status=status)
    with server, asking(tmp_path, model, server=server) as asker:
        for number in range(3):
            reply = asker.ask(question(model, f"number {number}"))
            assert json.loads(reply.text) == {"text": f"answer to number {number}"}
        assert [request.form for request in server.log] == ["schema", "tool", "tool", "tool"]
        assert asker.books.outcomes == ["failed", "answered", "answered", "answered"]


def test_a_model_without_tools_is_asked_for_a_fenced_block_from_then_on(model, tmp_path):
    with ModelServer(forms=("plain",)) as server, asking(tmp_path, model, server=server) as asker:
        for _ in range(2):
            asker.ask(question(model))
        assert [request.form for request in server.log] == ["schema", "tool", "plain", "plain"]
        assert "```json" in server.log[-1].prompt
        assert json.dumps(SCHEMA) in server.log[-1].prompt


def test_a_question_that_fails_in_every_form_says_nothing_about_the_model(model, tmp_path):
    server = ModelServer(fault_for=lambda request: "400" if "too long" in request.prompt else None)
    with server, asking(tmp_path, model, server=server) as asker:
        with pytest.raises(NoAnswer, match="not accepted"):
            asker.ask(question(model, "too long"))
        asker.ask(question(model))
        assert [request.form for request in server.log] == ["schema", "tool", "plain", "schema"]


@pytest.mark.parametrize("model", NATIVE)
def test_native_models_are_asked_for_a_stream_with_its_usage(model, tmp_path):
    with ModelServer() as server, asking(tmp_path, model, server=server) as asker:
        asker.ask(question(model))
        body = server.log[0].body
        assert body["stream"] is True
        if model.startswith("openai"):
            assert body["stream_options"] == {"include_usage": True}


def test_the_instructions_are_marked_for_anthropics_cache(tmp_path):
    with ModelServer() as server, asking(tmp_path, "anthropic/small", server=server) as asker:
        asker.ask(question("anthropic/small"))
        assert server.log[0].body["system"][0]["cache_control"] == {"type": "ephemeral"}


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/"])
def test_anthropics_base_url_may_end_in_v1_or_not(ending, tmp_path):
    with ModelServer() as server:
        url = server.base_url.removesuffix("/v1") + ending
        with asking(tmp_path, "anthropic/small", base_url=url) as asker:
            assert asker.ask(question("anthropic/small")).text


def test_tokens_read_from_a_providers_cache_are_told_apart(model, streams, tmp_path):
    with ModelServer(streams=streams, cached_tokens=1000) as server:
        with asking(tmp_path, model, server=server) as asker:
            usage = asker.ask(question(model)).usage
        assert usage.cached_tokens == 1000
        assert usage.input_tokens == server.count.input_tokens > 1000


def test_tokens_written_to_anthropics_cache_are_counted_as_input_and_told_apart(streams, tmp_path):
    with ModelServer(streams=streams, cache_written_tokens=5) as server:
        with asking(tmp_path, "anthropic/small", server=server) as asker:
            usage = asker.ask(question("anthropic/small")).usage
        assert usage.cache_written_tokens == 5
        assert usage.input_tokens == server.count.input_tokens


def test_the_bound_of_input_tokens_is_never_passed(model, tmp_path):
    prompts = ["", "x", "世界" * 500, "\x00" * 300, "🦊" * 200, "\ud800"]
    with ModelServer(forms=("plain",)) as server, asking(tmp_path, model, server=server) as asker:
        for prompt in prompts:
            asker.ask(question(model, prompt))
        for request, intent in zip(
            server.log[-len(prompts) :], asker.books.intents[-len(prompts) :], strict=True
        ):
            assert len((request.system + request.prompt).encode()) <= intent.most_input_tokens
        assert asker.books.intents[-1].most_input_tokens == most_input_tokens(question(model, "?"))


def test_sixty_four_questions_are_under_way_at_once(model, tmp_path):
    all_are_there = threading.Barrier(64, timeout=100)
    server = ModelServer(lambda _: json.dumps({"text": str(all_are_there.wait())}))
    with server, asking(tmp_path, model, server=server, stall_seconds=110.0) as asker:
        with ThreadPoolExecutor(64) as pool:
            list(pool.map(lambda number: asker.ask(question(model, f"number {number}")), range(64)))
        assert server.count.most_in_flight == 64
        assert asker.books.outcomes == ["answered"] * 64


def test_every_request_is_in_the_books_before_it_is_sent(model, tmp_path):
    seen = []
    server = ModelServer(lambda request: seen.append(len(asker.books.intents)) or "{}")
    with server, asking(tmp_path, model, server=server) as asker:
        for number in range(3):
            asker.ask(question(model, f"number {number}"))
    assert seen == [1, 2, 3]
    assert [intent.attempt for intent in asker.books.intents] == [1, 1, 1]
    assert {(i.model, i.role, i.proposal) for i in asker.books.intents} == {(model, "propose", "p-1")}


def test_what_was_asked_and_answered_is_kept_as_plain_json(model, tmp_path):
    with ModelServer() as server, asking(tmp_path, model, server=server) as asker:
        reply = asker.ask(question(model))
        kept = json.loads(json.dumps(asker.books.settlements[0].transcript))
        assert kept["prompt"] == "What comes next?"
        assert kept["answer"] == reply.text


@pytest.mark.parametrize("code", ["import agentarch.models", "import runpy; runpy.run_module('agentarch')"])
def test_no_sdk_is_loaded_before_a_model_is_asked(code):
    heavy = "{'openai', 'anthropic', 'litellm', 'httpx', 'httpx2', 'diskcache', 'tenacity'}"
    program = (
        f"import sys, atexit\nsys.argv = ['agentarch', '--help']\n"
        f"atexit.register(lambda: print('loaded:', sorted({heavy} & set(sys.modules)), file=sys.stderr))\n{code}"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stderr.strip() == "loaded: []"


def test_making_a_client_loads_no_sdk_either(tmp_path):
    program = (
        "import sys, threading, pathlib\nfrom agentarch.models import *\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "make_client(ModelSettings(('openai/a', 'anthropic/b', 'c')), None, folder, threading.Event())\n"
        "print(sorted({'openai', 'anthropic', 'litellm', 'httpx', 'httpx2'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_settings_know_where_every_model_is():
    settings = ModelSettings(
        ("openai/a", "anthropic/b"),
        ("c",),
        base_url="http://127.0.0.1:1/v1/",
        base_urls={"c": "http://[::1]:2"},
    )
    assert [(place.provider, place.base_url) for place in settings.places] == [
        ("openai", "http://127.0.0.1:1/v1"),
        ("anthropic", "http://127.0.0.1:1"),
        ("litellm", "http://[::1]:2"),
    ]
