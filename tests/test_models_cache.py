"""What was answered is not paid for twice, and a broken cache breaks nothing."""

import pickle
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import diskcache
import pytest
from support.model_server import ModelServer
from support.models import SCHEMA, asking, question

MODEL = "openai/small"


@pytest.fixture
def server():
    with ModelServer() as server:
        yield server


def keeping(folder, server, **settings):
    return asking(folder, MODEL, server=server, keeps_replies=True, **settings)


def test_a_question_asked_again_costs_no_request(server, tmp_path):
    for _ in range(2):  # also in a later process
        with keeping(tmp_path, server) as asker:
            first, again = asker.ask(question(MODEL)), asker.ask(question(MODEL))
            assert again.text == first.text
            assert again.usage == first.usage
            assert again.is_cached
            assert [reply for _, reply in asker.books.hits][-1] == again
    assert server.count.requests == 1


@pytest.mark.parametrize(
    "change",
    [
        {"sample": 1},
        {"prompt": "another"},
        {"system": "another"},
        {"model": "openai/large"},
        {"schema": None},
        {"schema": {**SCHEMA, "title": "another"}},
        {"max_output_tokens": 9},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_differs_in_a_question_is_asked(server, tmp_path, change):
    with keeping(tmp_path, server) as asker:
        asker.ask(question(MODEL))
        assert not asker.ask(question(**{"model": MODEL, **change})).is_cached
        assert server.count.requests == 2
        assert asker.ask(question(**{"model": MODEL, **change})).is_cached


def test_who_asks_makes_no_difference(server, tmp_path):
    with keeping(tmp_path, server) as asker:
        asker.ask(question(MODEL))
        assert asker.ask(question(MODEL, role="judge", proposal="p-9")).is_cached


def test_an_answer_that_was_cut_is_not_kept(tmp_path):
    with ModelServer(faults=["huge"]) as server, keeping(tmp_path, server) as asker:
        assert asker.ask(question(MODEL)).finish == "length"
        assert not asker.ask(question(MODEL)).is_cached


def test_a_reply_is_on_disk_as_json_and_never_read_as_a_pickle(server, tmp_path):
    with keeping(tmp_path, server) as asker:
        asker.ask(question(MODEL))
    database = tmp_path / "replies" / "cache.db"
    sprung = tmp_path / "sprung"
    with sqlite3.connect(database) as connection:
        [(mode,)] = connection.execute("SELECT mode FROM Cache").fetchall()
        assert mode != diskcache.core.MODE_PICKLE
        trap = pickle.dumps(Trap(str(sprung)))
        connection.execute("UPDATE Cache SET mode = ?, value = ?", (diskcache.core.MODE_PICKLE, trap))
    with keeping(tmp_path, server) as asker:
        assert asker.ask(question(MODEL)).text
    assert not sprung.exists()
    assert server.count.requests == 2


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return (open, (self.file, "w"))


def test_a_damaged_cache_costs_money_and_not_the_run(server, tmp_path, caplog):
    folder = tmp_path / "replies"
    folder.mkdir()
    (folder / "cache.db").write_bytes(b"this is no database" * 500)
    with keeping(tmp_path, server) as asker:
        for number in range(3):
            assert asker.ask(question(MODEL, f"number {number}")).text
    assert server.count.requests == 3
    assert len([r for r in caplog.records if "not kept" in r.getMessage()]) == 1


def test_a_cache_that_cannot_be_made_costs_money_and_not_the_run(server, tmp_path, caplog):
    (tmp_path / "replies").write_text("a file is in the way")
    with keeping(tmp_path, server) as asker:
        assert asker.ask(question(MODEL)).text
    assert "not kept" in caplog.text


NO_REPLIES = ["text", {}, {"text": 3, "model": "m", "usage": []}, [], None, {"text": "x", "usage": 3}]


@pytest.mark.parametrize("kept", NO_REPLIES)
def test_an_entry_that_is_no_reply_is_asked_anew(server, tmp_path, kept):
    with keeping(tmp_path, server) as asker:
        asker.ask(question(MODEL))
    with diskcache.Cache(str(tmp_path / "replies"), disk=diskcache.JSONDisk) as cache:
        for key in list(cache):
            cache[key] = kept
    with keeping(tmp_path, server) as asker:
        assert asker.ask(question(MODEL)).text == '{"text": "answer to What comes next?"}'


def test_threads_and_processes_share_a_cache(server, tmp_path):
    program = (
        "from pathlib import Path\nfrom support.models import asking, question\n"
        f"with asking(Path({str(tmp_path)!r}), {MODEL!r}, base_url={server.base_url!r}, keeps_replies=True) as asker:\n"
        f"    for number in range(40):\n        asker.ask(question({MODEL!r}, f'number {{number}}'))\n"
    )
    path = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)}
    other = subprocess.Popen([sys.executable, "-c", program], env=path, stderr=subprocess.PIPE, text=True)
    with keeping(tmp_path, server) as asker, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: asker.ask(question(MODEL, f"number {n % 40}")), range(200)))
        _, complaints = other.communicate(timeout=120)
        assert (other.returncode, complaints) == (0, "")
        before = server.count.requests
        assert before <= 200
        assert all(asker.ask(question(MODEL, f"number {n}")).is_cached for n in range(40))
        assert server.count.requests == before
