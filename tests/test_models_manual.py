"""Any person or program can be the model, through two folders."""

import os
import threading
import time

import pytest
from support.background import in_background
from support.models import RecordingBooks, asking, question
from support.processes import wait_until

from agentarch.models import ModelSettings, Stopped, make_client


@pytest.fixture
def asker(tmp_path):
    with asking(tmp_path, "manual") as asker:
        asker.clock.sleep = None
        yield asker


@pytest.fixture
def real(tmp_path):
    """A client on a real clock."""
    books, stop = RecordingBooks(), threading.Event()
    client = make_client(ModelSettings(("manual",)), books, tmp_path, stop)
    client.books, client.stop = books, stop
    yield client
    stop.set()


def asked(folder, number=1):
    """Wait for prompts and return them."""
    prompts = folder / "prompts"
    wait_until(lambda: len(list(prompts.glob("*.md"))) >= number, "no prompt was written")
    return sorted(prompts.glob("*.md"))


def test_a_prompt_is_a_readable_file_and_its_answer_another_one(real, tmp_path):
    thread, outcome = in_background(real.ask, question("manual", sample=2))
    [prompt] = asked(tmp_path)
    page = prompt.read_text()
    assert "You design networks." in page
    assert "What comes next?" in page
    assert '"required"' in page
    assert f"answers/{prompt.name}" in page
    assert prompt.name.startswith("p-1-propose-")
    (tmp_path / "answers" / prompt.name).write_text('{"text": "by hand"}')
    thread.join(60)
    [reply] = outcome
    assert (reply.text, reply.model) == ('{"text": "by hand"}', "manual")
    assert real.books.outcomes == ["answered"]
    assert real.books.intents[0].sample == 2
    assert real.books.settlements[0].transcript["finish"] == "stop"
    assert real.books.usage.input_tokens == real.books.usage.output_tokens == 0


def test_an_answer_that_is_still_being_written_is_not_taken(real, tmp_path):
    thread, outcome = in_background(real.ask, question("manual"))
    [prompt] = asked(tmp_path)
    answer = tmp_path / "answers" / prompt.name
    for end in range(8):
        answer.write_text("whole"[: end + 1] if end < 4 else "almost whole" if end < 7 else "whole at last")
        time.sleep(0.3)
        assert not outcome
    thread.join(60)
    assert outcome[0].text == "whole at last"


def test_an_answer_that_is_there_already_is_taken_at_once(asker, tmp_path):
    name = _name_of(tmp_path, question("manual"))
    old = time.time() - 60
    (tmp_path / "answers").mkdir()
    answer = tmp_path / "answers" / name
    answer.write_text("from before")
    os.utime(answer, (old, old))
    assert asker.ask(question("manual")).text == "from before"


def _name_of(tmp_path, ask):
    other = tmp_path / "elsewhere"
    other.mkdir()
    with asking(other, "manual") as asker:
        asker.stop.set()
        with pytest.raises(Stopped):
            asker.ask(ask)
    [prompt] = (other / "prompts").glob("*.md")
    return prompt.name


def test_waiting_ends_when_the_run_is_stopped_and_the_prompt_stays(real, tmp_path):
    thread, outcome = in_background(real.ask, question("manual"))
    [prompt] = asked(tmp_path)
    real.stop.set()
    thread.join(60)
    assert isinstance(outcome[0], Stopped)
    assert prompt.exists()
    assert real.books.outcomes == ["failed"]


def test_every_sample_and_question_has_a_prompt_of_its_own(real, tmp_path):
    questions = [
        question("manual"),
        question("manual", sample=1),
        question("manual", "another", proposal=""),
        question("manual", "yet another", proposal=""),
        question("manual", proposal="../../etc/passwd"),
    ]
    threads = [in_background(real.ask, one)[0] for one in questions]
    names = {prompt.name for prompt in asked(tmp_path, 5)}
    assert len(names) == 5
    assert not any("/" in name or ".." in name for name in names)
    real.stop.set()
    for thread in threads:
        thread.join(60)


@pytest.mark.parametrize("in_the_way", ["empty", "folder", "blank", "link"])
def test_something_that_is_no_answer_is_waited_out(real, tmp_path, in_the_way):
    thread, outcome = in_background(real.ask, question("manual"))
    [prompt] = asked(tmp_path)
    answer = tmp_path / "answers" / prompt.name
    if in_the_way == "folder":
        answer.mkdir()
    elif in_the_way == "link":
        (tmp_path / "elsewhere").write_text("a secret")
        answer.symlink_to(tmp_path / "elsewhere")
    else:
        answer.write_text("" if in_the_way == "empty" else " \n")
    time.sleep(1.5)
    assert not outcome
    answer.rmdir() if in_the_way == "folder" else answer.unlink()
    partial = answer.with_suffix(".partial")
    partial.write_bytes(b"renamed \xff in")
    partial.rename(answer)
    thread.join(60)
    assert outcome[0].text == "renamed \ufffd in"
