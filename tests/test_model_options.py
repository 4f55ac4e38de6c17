"""What is wrong with a model, its key, its place, its price or its prompts is said at once, and loses nothing."""

import gzip
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support import author, commands, logs
from support.model_runs import NO_KEYS, begun, search, told
from support.model_server import ModelServer
from support.processes import below, wait_until, warm_processes

from agentarch.cli.searching import with_keys
from agentarch.config import make_config
from agentarch.content import content_folder
from agentarch.errors import UsageError

EVALUATIONS = 38
WRONG, RIGHT = "wrong-key-1f0c93d2a7", "right-key-8b61e04c55"
"""Keys that look like no provider's, so that only knowing them hides them."""

OFFLINE = ["--tasks", commands.TINY_FILE, "--evaluations", 1, "--seed", 1, "--workers", 1]
NOWHERE = "http://127.0.0.1:9/v1"
"""The discard port, where nobody listens."""


def environment_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # it ended meanwhile
        return b""


@pytest.fixture(scope="module")
def troubled(tmp_path_factory):
    """A run that met a wrong key, an unknown model and a server that was down, one after the other, and ended well."""
    home = tmp_path_factory.mktemp("troubled")
    run, said, rows = home / "run", {}, {}
    server = ModelServer(author.write, keys=[RIGHT])
    arguments = search(run, server, EVALUATIONS, "--proposals-in-flight", 2)
    with server:
        with begun(*arguments, folder=home, OPENAI_API_KEY=WRONG) as process:
            wait_until(lambda: told(run, "evaluated") or process.poll() is not None, "a box is at work")
            boxes = {pid: environment_of(pid) for pid in warm_processes(process.pid) | below(process.pid)}
            said["wrong key"] = commands.finish(process)
        rows["wrong key"] = logs.rows(run)
        server.models = {"another-model"}
        said["unknown model"] = commands.run("resume", run, "--json", folder=home, OPENAI_API_KEY=RIGHT)
        rows["unknown model"] = logs.rows(run)
    said["no server"] = commands.run("resume", run, "--json", folder=home, OPENAI_API_KEY=RIGHT)
    rows["no server"] = logs.rows(run)
    with ModelServer(author.write, keys=[RIGHT], port=server.port) as again:
        said["end"] = commands.run("resume", run, "--json", folder=home, OPENAI_API_KEY=RIGHT)
        counts = [server.as_json(), again.as_json()]
    return {"folder": run, "said": said, "rows": rows, "boxes": boxes, "counts": counts}


@pytest.mark.slow
def test_a_wrong_key_names_the_variable_to_set(troubled):
    said = troubled["said"]["wrong key"]
    assert said.exit_code == 1
    assert "OPENAI_API_KEY" in said.err
    assert "agentarch resume" in said.err
    assert said.json["exit_code"] == 1


@pytest.mark.slow
def test_an_unknown_model_says_which_flag_to_correct(troubled):
    said = troubled["said"]["unknown model"]
    assert said.exit_code == 1
    assert "test-model" in said.err
    assert "--model" in said.err
    assert "agentarch resume" in said.err


@pytest.mark.slow
def test_a_server_that_does_not_answer_is_said_before_a_box_is_started(troubled):
    said = troubled["said"]["no server"]
    assert said.exit_code == 2
    assert "nothing answers at http://127.0.0.1:" in said.err
    assert troubled["rows"]["no server"] == troubled["rows"]["unknown model"]


@pytest.mark.slow
def test_nothing_is_lost_by_a_key_or_a_model_that_is_wrong(troubled):
    rows = logs.rows(troubled["folder"])
    for before in troubled["rows"].values():
        assert rows[: len(before)] == before
    assert troubled["said"]["end"].exit_code == 0, troubled["said"]["end"].err
    assert troubled["said"]["end"].json["proposals"]["queued"] > 0
    logs.check_consistent(troubled["folder"], troubled["said"]["end"].json["evaluations"])


@pytest.mark.slow
def test_requests_that_were_refused_are_in_the_ledger_too(troubled):
    ledger, counts = troubled["said"]["end"].json["ledger"], troubled["counts"]
    for name in ("requests", "input_tokens", "output_tokens", "cached_tokens"):
        assert ledger[name] == sum(count[name] for count in counts)
    assert ledger["failed"] == counts[0]["requests"] > 0


@pytest.mark.slow
def test_no_key_is_in_anything_that_was_said_or_kept(troubled):
    for said in troubled["said"].values():
        for key in (WRONG, RIGHT):
            assert key not in said.out + said.err
    searched = 0
    for file in troubled["folder"].rglob("*"):
        if file.is_file():
            held = file.read_bytes()
            held += gzip.decompress(held) if file.suffix == ".gz" else b""
            searched += 1
            for key in (WRONG, RIGHT):
                assert key.encode() not in held, file
    assert searched > 5
    for file in troubled["folder"].rglob("*"):
        if file.suffix in (".sqlite", ".db"):
            with closing(sqlite3.connect(file)) as connection:
                dump = "\n".join(connection.iterdump())
            assert WRONG not in dump
            assert RIGHT not in dump


@pytest.mark.slow
def test_no_key_is_in_a_box(troubled):
    assert troubled["boxes"]
    assert any(b"PATH=" in one or one == b"" for one in troubled["boxes"].values())
    for held in troubled["boxes"].values():
        assert WRONG.encode() not in held


# Before anything is started.


def refused(tmp_path, *arguments, **environment):
    """Return what a search said that could not be begun; make sure that it left nothing."""
    said = commands.run(
        "search",
        *OFFLINE,
        "--run-dir",
        tmp_path / "run",
        "--json",
        *arguments,
        folder=tmp_path,
        **(NO_KEYS | environment),
    )
    assert said.exit_code == 2, said.err
    assert said.json["exit_code"] == 2
    assert "Traceback" not in said.err
    assert not (tmp_path / "run").exists()
    return said.json["error"]


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--review", "nonsense"], ["off, gate, or sample:SHARE", "'nonsense'"]),
        (["--review", "sample:2"], ["off, gate, or sample:SHARE", "'sample:2'"]),
        (["--on-timeout", "maybe"], ["on_timeout", "'approve' or 'reject'"]),
        (["--review-timeout", "soon"], ["review_timeout", "90s, 30m, 8h"]),
        (["--base-url", NOWHERE], [f"nothing answers at {NOWHERE}", "--base-url"]),
        (["--base-url", "nonsense"], ["--base-url 'nonsense' is no URL", "http://"]),
        (["--base-url", NOWHERE, "--price", "cheap"], ["--price 'cheap'", "IN,OUT", "dollars per million"]),
        (["--base-url", NOWHERE, "--price", "openai/y=1,2"], ["--price", "did you mean 'openai/x'?"]),
        (["--base-url", NOWHERE, "--max-usd", "1"], ["--max-usd", "--price openai/x=IN,OUT"]),
        (
            ["--base-url", NOWHERE, "--role-model", "propse=openai/y"],
            ["'propse' is no role", "propose, reflect"],
        ),
        (["--base-url", NOWHERE, "--role-model", "reflect"], ["--role-model 'reflect'", "NAME=VALUE"]),
        (["--proposer", "random"], ["--model", "--proposer random", "give one of them"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and value[0].startswith("--") else "",
)
def test_a_setting_that_is_wrong_is_exit_2_and_says_what_is_right(tmp_path, options, parts):
    error = refused(tmp_path, "--model", "openai/x", *options)
    assert all(part in error for part in parts), error


def test_a_password_in_a_url_is_refused_and_not_repeated(tmp_path):
    error = refused(tmp_path, "--model", "openai/x", "--base-url", "http://me:pass-9174@127.0.0.1:9/v1")
    assert "OPENAI_BASE_URL" in error
    assert "pass-9174" not in error


@pytest.mark.parametrize(
    "url",
    [
        "http://me:pass-9174@127.0.0.1:9/v1",
        "openai/x=https://me:pass-9174@host/v1",
        "me:pass-9174@host/v1",
        "http://me:pass-9174@host/v1?to=http://other",
        ["http://me:pass-9174@host", 3],
    ],
)
def test_a_password_in_a_url_is_not_kept_either_where_no_model_is_asked(url):
    with pytest.raises(UsageError) as caught:
        make_config({"tasks": "tiny", "base_url": url})
    assert "pass-9174" not in str(caught.value)


def test_an_at_sign_elsewhere_in_a_url_is_no_password():
    url = "vertex_ai/claude@20240620=http://127.0.0.1:9/a@b"
    settings = {"tasks": "tiny", "base_url": url, "model": "vertex_ai/claude@20240620"}
    assert make_config(settings).base_url == (url,)


@pytest.mark.parametrize(
    "given", [{"review": "gate"}, {"placebo": "none"}, {"max_usd": 5}, {"fallback_model": "openai/x"}]
)
def test_what_would_be_passed_over_without_a_model_is_refused(given):
    with pytest.raises(UsageError, match=r"no model is named; add --model"):
        make_config({"tasks": "tiny", **given})


def test_the_proposer_of_models_needs_a_model(tmp_path):
    assert "--model manual" in refused(tmp_path, "--proposer", "meta")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('modle = "openai/x"', ["'modle'", "did you mean 'model'?"]),
        ('model = "openai/x"\nproposer = "evolve"', ["--proposer evolve", "give one of them"]),
        ('model = "openai/x"\nreviews = "gate"', ["'reviews'", "did you mean 'review'?"]),
    ],
    ids=["unknown key", "two proposers", "another unknown key"],
)
def test_a_file_of_settings_that_is_wrong_names_the_key(tmp_path, text, parts):
    (tmp_path / "run.toml").write_text(text)
    error = refused(tmp_path, "--config", tmp_path / "run.toml")
    assert all(part in error for part in parts), error


def test_a_template_with_an_unknown_variable_names_file_line_and_the_nearest(tmp_path):
    shutil.copytree(content_folder("prompts"), tmp_path / "mine")
    file = next((tmp_path / "mine").rglob("invent.jinja"))
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines, "{{ lesons }}"]))
    folder = file.parent.parent
    error = refused(tmp_path, "--model", "manual", "--prompts", folder)
    assert "invent.jinja" in error
    assert str(len(lines) + 1) in error
    assert "lesons" in error
    assert "lessons" in error.replace("lesons", "")


# Without a model.


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--model", "openai/x", "--review", "gate"],
            "OPENAI_API_KEY is not set, so no language model is asked: evolve, which needs none, writes the "
            "designs, and nothing waits for a review.",
        ),
        ([], "No --model is named, so evolve, which needs none, writes the designs."),
    ],
    ids=["without a key", "without a model"],
)
def test_without_a_model_one_line_says_so_and_the_search_goes_on(tmp_path, options, sentence):
    said = commands.run(
        "search", *OFFLINE, "--run-dir", tmp_path / "run", "--json", *options, folder=tmp_path, **NO_KEYS
    )
    assert said.exit_code in (0, 3), said.err
    assert said.err.splitlines()[0] == sentence
    assert sum("language model" in line or "--model" in line for line in said.err.splitlines()) == 1
    assert said.json["evaluations"] == 1
    assert said.json["ledger"]["requests"] == 0


def test_what_is_said_of_a_model_whose_key_lacks_is_dropped_with_it(monkeypatch, capsys):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    config = make_config(
        {
            "tasks": "tiny",
            "model": "openai/a,anthropic/b,anthropic/c",
            "base_url": f"anthropic/b={NOWHERE}",
            "price": ("openai/a=1,5", "anthropic/b=2,6", "3,15"),
        }
    )
    left = with_keys(config)
    assert left.model == ("anthropic/b",)
    assert left.price == ("anthropic/b=2,6", "3,15")
    assert left.base_url == config.base_url
    assert (
        "OPENAI_API_KEY, ANTHROPIC_API_KEY is not set: only anthropic/b is asked." in capsys.readouterr().err
    )


def test_models_whose_key_is_there_are_asked_without_the_others(tmp_path):
    environment = NO_KEYS | {"ANTHROPIC_API_KEY": "", "ANTHROPIC_AUTH_TOKEN": ""}
    options = ["--model", "manual", "--model", "anthropic/x", "--prompts", tmp_path / "nowhere"]
    said = commands.run(
        "search", *OFFLINE, "--run-dir", tmp_path / "run", *options, folder=tmp_path, **environment
    )
    assert "ANTHROPIC_API_KEY is not set: only manual is asked." in said.err
    assert said.exit_code == 2


def test_a_run_whose_model_was_misnamed_goes_on_with_another(tmp_path):
    run_dir = tmp_path / "run"
    with ModelServer(author.write, models=["right"]) as server:
        wrong = search(
            run_dir, None, 50, "--model", "openai/wrong", "--base-url", server.base_url, "--price", "1,5"
        )
        said = commands.run(*wrong, folder=tmp_path)
        assert said.exit_code == 1
        assert "does not exist" in said.err
        said = commands.run(
            "resume", run_dir, "--model", "openai/right", "--max-usd", "2", "--json", folder=tmp_path
        )
        assert said.exit_code == 0, said.err
        assert said.json["evaluations"] == 50
        assert said.json["proposals"]["queued"] > 0
        assert said.json["ledger"]["requests"] == server.count.requests


def test_what_is_said_of_models_on_a_run_without_any_is_exit_2(tmp_path):
    run_dir = tmp_path / "run"
    assert commands.run(*commands.search(run_dir, 1), folder=tmp_path).exit_code == 0
    said = commands.run("resume", run_dir, "--max-usd", "2", folder=tmp_path)
    assert said.exit_code == 2
    assert "asks no model" in said.err
