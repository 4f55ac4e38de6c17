"""What the engine's end of an interview takes from a box, and what it makes of one that fails or lies."""

import contextlib
import json
import os
import resource
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from support.pipelines import Quiz, agent_executor, kind_with, solve

from agentarch.design import Proposal, read_design
from agentarch.evaluation import Outcome, Request
from agentarch.execution import interviewing
from agentarch.execution.contract import Interview, Limits
from agentarch.execution.interviewing import MOST_LOST_BOXES, interview_in_boxes

ASKS = "async def solve(question, model):\n    return await model.ask(question)\n"
SEEN = {"ended": "exited", "wall_seconds": 1.0, "cpu_seconds": 0.5, "peak_memory_bytes": 2**20, "output": ""}
ENDED = {"type": "ended", "began": True, "exit_code": 0, "signal": None, "cpu_seconds": 0.1}


class Desk:
    """A desk at which no call is ever answered; notes who takes the answers."""

    terms = {"models": ["m"], "calls": 1, "tokens": 1}  # noqa: RUF012 (read only)

    def __init__(self):
        self.tellers = []

    def ask(self, question, wish, tell):
        self.tellers.append(tell)

    def leave(self, question):
        pass

    def again(self, question):
        pass


class Porter:
    """A box's end of the channel: hears what it is asked, and says what a test wants it to."""

    def __init__(self, connection):
        self.connection = connection

    def hear(self):
        return json.loads(self._read(struct.unpack(">I", self._read(4))[0]))

    def say(self, frame, payload=b""):
        encoded = json.dumps(frame).encode()
        self.connection.sendall(struct.pack(">I", len(encoded)) + encoded + payload)

    def pass_on(self, number, message):
        """Say what the process of a question says."""
        encoded = json.dumps(message).encode()
        piece = struct.pack(">I", len(encoded)) + encoded
        self.say({"type": "piece", "number": number, "bytes": len(piece)}, piece)

    def _read(self, size):
        data = b""
        while len(data) < size:
            piece = self.connection.recv(size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data


def interviewed(work, questions=1, report=lambda: SEEN, desk=None):
    """Ask so many questions of boxes whose porter does what `work` says, and whose supervisor reports so."""

    def in_a_box(limits, talk):
        ours, theirs = socket.socketpair()
        thread = threading.Thread(target=box, args=(theirs,))
        thread.start()
        talk(ours)
        thread.join()
        return report()

    def box(connection):
        with connection, contextlib.suppress(EOFError, OSError):  # the engine hung up
            work(Porter(connection))

    asked = tuple(f"question {number}" for number in range(questions))
    interview = Interview(ASKS, asked, (questions,), 8, 20.0, Limits(60.0), desk or Desk())
    return interview_in_boxes(interview, in_a_box)


def test_what_was_answered_is_kept_when_the_report_of_the_box_never_comes():
    boxes = []

    def work(porter):
        boxes.append(porter)
        if len(boxes) == 1:
            numbers = [porter.hear()["number"] for _ in range(2)]
            porter.pass_on(numbers[0], {"type": "answer", "text": "kept"})
            porter.say({**ENDED, "number": numbers[0]})
            return
        number = porter.hear()["number"]
        porter.pass_on(number, {"type": "answer", "text": "asked again"})
        porter.say({**ENDED, "number": number})

    def report():
        if len(boxes) == 1:
            raise TimeoutError("timed out")
        return SEEN

    found = interviewed(work, questions=2, report=report)
    assert [ending.answer for ending in found.endings] == ["kept", "asked again"]


def test_a_report_that_never_comes_although_all_is_answered_loses_nothing():
    def work(porter):
        number = porter.hear()["number"]
        porter.pass_on(number, {"type": "answer", "text": "kept"})
        porter.say({**ENDED, "number": number})

    def report():
        raise TimeoutError("timed out")

    assert [ending.answer for ending in interviewed(work, report=report).endings] == ["kept"]


@pytest.mark.parametrize(
    "lie",
    [
        {"cpu_seconds": "x"},
        {"cpu_seconds": None},
        {"signal": "\x1b[31m"},
        {"exit_code": ["\x1b[31m"]},
        {"began": "no"},
        {"number": "0"},
    ],
)
def test_an_end_that_is_told_in_any_other_form_loses_the_box_and_raises_nothing(lie):
    lost = []

    def work(porter):
        lost.append(porter)
        porter.say({**ENDED, "number": porter.hear()["number"], **lie})
        porter.hear()

    (ending,) = interviewed(work).endings
    assert (ending.outcome, ending.reason) == (Outcome.INFRASTRUCTURE, "the box ended before it was done")
    assert len(lost) == MOST_LOST_BOXES + 1


@pytest.mark.parametrize(("began", "outcome"), [(True, Outcome.INVALID), (False, Outcome.INFRASTRUCTURE)])
def test_a_process_that_ends_before_any_line_of_the_design_has_run_is_our_fault(began, outcome):
    def work(porter):
        killed = {"exit_code": None, "signal": 9, "began": began}
        porter.say({**ENDED, "number": porter.hear()["number"], **killed})

    (ending,) = interviewed(work).endings
    assert ending.outcome is outcome


def test_an_answer_that_comes_while_the_talk_ends_is_written_into_no_other_file(monkeypatch):
    desk, written = Desk(), []

    def work(porter):
        porter.pass_on(porter.hear()["number"], {"type": "ask", "id": 1, "prompt": "a"})
        while not desk.tellers:
            time.sleep(0.001)
        threads.append(threading.Thread(target=desk.tellers[-1], args=({"type": "told", "id": 1},)))
        threads[-1].start()
        assert has_begun.wait(10)

    def write(descriptor, data):
        before = os.fstat(descriptor).st_ino
        has_begun.set()
        time.sleep(0.3)  # as if another thread had been given its turn here
        try:
            written.append(os.fstat(descriptor).st_ino == before)
        except OSError:
            written.append(False)
        return len(data)

    threads, has_begun, real = [], threading.Event(), os.write
    monkeypatch.setattr(
        interviewing.os, "write", lambda fd, data: (write if data == b"1" else real)(fd, data)
    )
    interviewed(work, desk=desk)
    for thread in threads:
        thread.join()
    assert all(written), written


@pytest.fixture(scope="module")
def executor():
    with agent_executor() as started:
        yield started


def test_an_engine_with_more_than_a_thousand_files_open_can_interview(executor):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    held = []
    try:
        held += [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
        ending, _ = solve(executor, ASKS, "why", lambda prompt, sample: "because")
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (ending.outcome, ending.answer) == (Outcome.SCORED, "because")


class Hampered:
    """An executor whose processes cannot be limited, so that none can be shut in."""

    def __init__(self, executor):
        self.name, self._executor = executor.name, executor

    def interview(self, interview):
        return self._executor.interview(replace(interview, question_bytes=None))


def test_an_evaluation_whose_cells_cannot_be_made_is_our_fault_and_no_zero(executor):
    kind, items = kind_with(lambda prompt, sample: prompt), [("a", "a"), ("b", "b")]
    design = read_design(Proposal(ASKS, "design"), kind.contract)
    try:
        done = kind.evaluate(design, Quiz(items), Request(design.id, "quiz", 1, 0), Hampered(executor))
    finally:
        kind.close()
    assert (done.outcome, done.score) == (Outcome.INFRASTRUCTURE, None)
    assert "no process could be made ready" in done.reason
    assert "TypeError" in done.output


NO_CELL = """
import json, socket, sys
sys.path.insert(0, sys.argv[1])
import cells, jail
from walls import Walls
jail.WORKSPACE = "/no/such/folder"
nursery = cells.start_nursery(Walls("agent", frozenset({"mount"}), frozenset(), []))
ours, theirs = socket.socketpair()
socket.send_fds(nursery, [b"start 7"], [theirs.fileno()])
print(nursery.recv(4096).decode())
"""


def test_a_cell_whose_walls_cannot_be_built_is_told_as_an_end_before_the_beginning():
    sandbox = Path(__file__).parents[1] / "sandbox"
    done = subprocess.run(
        [sys.executable, "-c", NO_CELL, str(sandbox)], capture_output=True, text=True, timeout=60, check=True
    )
    told = json.loads(done.stdout)
    assert (told["number"], told["began"]) == (7, False)
    assert "a cell could not be made" in done.stderr
