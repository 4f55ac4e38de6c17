"""No key leaves in an error, a transcript, a reply or a log, and none goes through a proxy to this machine."""

import json
import logging
import socket
import subprocess
import sys
import threading

import pytest
from support.model_server import ModelServer
from support.models import MODELS, NATIVE, asking, question

from agentarch.errors import UsageError
from agentarch.models import ModelFault, ModelSettings, check_servers, missing_key
from agentarch.models.faults import understood
from agentarch.models.places import Place
from agentarch.models.secrets import Secrets
from agentarch.models.wire import Garbled, json_object

KEY = "sk-the-one-key-that-nobody-may-read-123456"
ODD_KEY = "Zebra+crossing/77=="


@pytest.fixture(params=MODELS)
def model(request):
    return request.param


@pytest.fixture
def keys(monkeypatch):
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "HOSTED_VLLM_API_KEY"):
        monkeypatch.setenv(variable, ODD_KEY)
    monkeypatch.setenv("SOME_PROVIDER_API_KEY", KEY)


@pytest.mark.usefixtures("keys")
def test_a_key_that_the_server_says_back_is_in_no_error_and_no_row(model, tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    with ModelServer(keys=["another"]) as server, asking(tmp_path, model, server=server) as asker:
        with pytest.raises(ModelFault) as caught:
            asker.ask(question(model))
        assert server.log[0].headers, "the server answered"
        said = f"{caught.value!r} {asker.books.settlements} {caplog.text} {capfd.readouterr()}"
        assert ODD_KEY not in said
        assert "***" in str(caught.value) or model not in NATIVE


@pytest.mark.usefixtures("keys")
def test_a_key_in_an_answer_is_in_no_reply_and_no_transcript(model, tmp_path):
    leaks = f'{{"text": "{KEY} and {ODD_KEY}"}}'
    with ModelServer(lambda _: leaks) as server, asking(tmp_path, model, server=server) as asker:
        reply = asker.ask(question(model, f"my key is {KEY}"))
        assert json.loads(reply.text) == {"text": "*** and ***"}
        kept = json.dumps(asker.books.settlements[0].transcript)
        assert KEY not in kept
        assert ODD_KEY not in kept


def test_the_password_in_a_base_url_is_in_no_error_and_no_log(model, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    with ModelServer() as server:
        url = server.base_url.replace("http://", "http://user:hunter2hunter2@")
        with asking(tmp_path, model, base_url=url) as asker:
            asker.ask(question(model))
    with asking(tmp_path, model, base_url=url) as asker:
        with pytest.raises(ModelFault) as caught:
            asker.ask(question(model))
        assert "hunter2" not in f"{caught.value} {asker.books.settlements}"
    assert "hunter2" not in "".join(r.getMessage() for r in caplog.records if r.levelno >= logging.INFO)


@pytest.mark.parametrize("text", ["Bearer {key}", "?key={key}&x=1", '{{"a": "{key}"}}'])
def test_secrets_are_found_anywhere_in_a_text(text):
    secrets = Secrets([ODD_KEY], environment={})
    assert ODD_KEY not in secrets.scrub(text.format(key=ODD_KEY))
    assert secrets.scrub_all({"a": [text.format(key=ODD_KEY)]}) == {"a": [text.format(key="***")]}


def test_of_a_key_across_the_cut_of_a_long_error_nothing_is_left():
    key, place = "Qz7Xv9Kw3Jp5", Place("openai/a", "openai", "a")
    secrets = Secrets([key], environment={})
    for before in range(320):
        text = "." * before + key + "." * 500
        with pytest.raises(Garbled) as caught:
            json_object(text.encode())
        for error in (caught.value, ValueError(text)):
            said = str(understood(error, place, secrets))
            assert len(said) < 400
            assert not any(key[at : at + 2] in said for at in range(len(key) - 1)), said


@pytest.mark.parametrize(
    "name",
    [
        "WATSONX_APIKEY",
        "WATSONX_ZENAPIKEY",
        "SCW_SECRET_KEY",
        "AWS_BEARER_TOKEN_BEDROCK",
        "AWS_ACCESS_KEY_ID",
        "DB_PASSWORD",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "hf_token",
    ],
)
def test_the_variables_that_hold_keys_are_known_by_their_names(name):
    assert Secrets(environment={name: ODD_KEY}).scrub(f"x {ODD_KEY}") == "x ***"


@pytest.mark.parametrize("name", ["TOKENIZERS_PARALLELISM", "KEYBOARD", "SECRETARY_NAME", "PATH"])
def test_other_variables_hold_no_key(name):
    assert Secrets(environment={name: "ordinary"}).scrub("an ordinary text") == "an ordinary text"


def test_a_placeholder_key_tears_no_text_apart():
    assert (
        Secrets(["none", "EMPTY"], environment={"X_API_KEY": "12345678"}).scrub("an EMPTY 12345678")
        == "an EMPTY 12345678"
    )


def test_a_server_on_this_machine_is_not_reached_through_a_proxy(model, tmp_path):
    with ModelServer() as server, socket.create_server(("127.0.0.1", 0)) as proxy:
        proxied = []
        threading.Thread(target=lambda: proxied.append(proxy.accept()), daemon=True).start()
        program = (
            "from pathlib import Path\nfrom support.models import asking, question\n"
            f"with asking(Path({str(tmp_path)!r}), {model!r}, base_url={server.base_url!r}) as asker:\n"
            f"    print(asker.ask(question({model!r})).text)"
        )
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        proxies = dict.fromkeys(["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"], address)
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), **proxies}
        said = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120
        )
        assert (said.returncode, said.stderr) == (0, "")
        assert server.count.requests == 1
        assert not proxied


@pytest.mark.parametrize(
    ("model", "base_url", "environment", "missing"),
    [
        ("openai/a", "", {}, "OPENAI_API_KEY"),
        ("openai/a", "", {"OPENAI_API_KEY": "k"}, None),
        ("openai/a", "", {"OPENAI_API_KEY": ""}, "OPENAI_API_KEY"),
        ("openai/a", "http://127.0.0.1:1/v1", {}, None),
        ("openai/a", "", {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, None),
        ("anthropic/a", "", {}, "ANTHROPIC_API_KEY"),
        ("anthropic/a", "", {"ANTHROPIC_AUTH_TOKEN": "t"}, None),
        ("gemini/a", "", {}, None),
        ("manual", "", {}, None),
    ],
)
def test_the_variable_that_lacks_is_named(model, base_url, environment, missing):
    assert missing_key(model, base_url, environment) == missing


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8000/v1", "ftp://x/v1", "http://", "http://x:99999/v1", "http://[::1/v1"]
)
def test_a_base_url_that_is_none_is_named_with_an_example(url):
    with pytest.raises(UsageError, match=r"--base-url .* is no URL; expected e\.g\. http://"):
        missing_key("openai/a", url)


def test_a_password_in_a_base_url_that_is_none_is_not_said():
    with pytest.raises(UsageError) as caught:
        missing_key("openai/a", "ftp://user:hunter2@host")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("model", ["openai/", "anthropic/", "", " "])
def test_a_model_without_a_name_is_refused(model):
    with pytest.raises(UsageError, match="names no model"):
        missing_key(model)


def test_a_server_that_does_not_listen_is_found_out_without_a_request():
    with ModelServer() as server:
        check_servers(ModelSettings(("openai/a",), base_url=server.base_url))
        assert server.count.requests == 0
    with pytest.raises(UsageError, match=r"nothing answers at http://127\.0\.0\.1:\d+/v1; start the server"):
        check_servers(ModelSettings(("openai/a",), base_url=server.base_url))
    check_servers(ModelSettings(("openai/a", "manual")))  # no base URL: nothing is looked up
