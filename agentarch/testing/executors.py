"""The promises of an executor, one test each."""

from __future__ import annotations

import threading
import time
import unittest
from dataclasses import replace

import numpy as np

from agentarch.evaluation import Outcome
from agentarch.execution.contract import (
    MIB,
    ExecutionStopped,
    Executor,
    Limits,
    Question,
    Result,
    Survey,
)
from agentarch.execution.sample import LENGTH, SYMBOLS, small_job
from agentarch.text import one_line, printable

_SOURCE = """
import torch
from torch import nn

import_ = __import__
{top}

class Network(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.embed = nn.Embedding(spec.vocab_size, 8)
        self.mix = nn.GRU(8, 8, batch_first=True)
        self.readout = nn.Linear(8, spec.n_outputs)

    def forward(self, x):
        y = self.readout(self.mix(self.embed(x))[0])
        {forward}
        return y


def build(spec):
    {build}
    return Network(spec)
"""
_SPEAK = (
    "os, socket, stat, struct = (import_(n) for n in ('os', 'socket', 'stat', 'struct'))\n"
    "def say(data):\n"
    "    for n in range(64):\n"
    "        try:\n"
    "            if stat.S_ISSOCK(os.fstat(n).st_mode):\n"
    "                socket.socket(fileno=os.dup(n)).sendall(struct.pack('>I', len(data)) + data)\n"
    "        except OSError:\n"
    "            continue"
)
CLOSE_SECONDS = 30.0


def _design(top: str = "", build: str = "pass", forward: str = "pass") -> str:
    return _SOURCE.format(top=top, build=build, forward=forward)


SOUND = _design()
"""The source of a small honest network."""


class ExecutorConformance:
    """Tests of one executor; a subclass says which.

    Attributes:
        contains: whether its boxes keep a design from the environment, files and network of the machine; an
            executor that does not is named so in its scores.
    """

    contains = True
    _shared: Executor | None = None

    def make_executor(self) -> Executor:
        """Return a fresh executor that was not started."""
        raise NotImplementedError

    @property
    def executor(self) -> Executor:
        """An executor that is started once for all tests that do not break it."""
        cls = type(self)
        if cls._shared is None:
            started = self.make_executor()
            started.start()
            cls._shared = started
        return cls._shared

    @classmethod
    def teardown_class(cls) -> None:
        """Close what the tests shared."""
        if cls._shared is not None:
            cls._shared.close()
            cls._shared = None

    def run(self, source: str, limits: Limits | None = None) -> Result:
        """Run one design."""
        return self.executor.run(small_job(source, limits=limits))

    def test_it_has_a_name(self) -> None:
        """Every score is stamped with it."""
        name = self.make_executor().name
        assert name
        assert name == one_line(name)

    def test_each_question_is_answered_in_the_dictated_shape_with_finite_floats(self) -> None:
        """Replies are float32, in the order of the questions."""
        result = self.run(SOUND)
        assert result.outcome is Outcome.SCORED, result.reason
        assert [reply.shape for reply in result.replies] == [(5, LENGTH, SYMBOLS), (2, LENGTH, SYMBOLS)]
        assert all(reply.dtype == np.float32 and np.isfinite(reply).all() for reply in result.replies)

    def test_the_same_job_gives_the_same_bits_and_another_seed_others(self) -> None:
        """A result depends on the job alone, not on what ran before."""
        first, other, again = (self.executor.run(small_job(SOUND, seed)).replies for seed in (3, 4, 3))
        assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
        assert not np.array_equal(first[0], other[0])

    def test_jobs_at_the_same_time_do_not_mix(self) -> None:
        """`run` is called from several threads at once."""
        executor = self.executor
        alone = [executor.run(small_job(SOUND, seed)).replies[0] for seed in range(4)]
        found: dict[int, Result] = {}
        threads = [
            threading.Thread(target=lambda s=seed: found.update({s: executor.run(small_job(SOUND, s))}))
            for seed in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(np.array_equal(found[seed].replies[0], alone[seed]) for seed in range(4))

    def test_a_fault_of_the_design_is_invalid_with_one_line_that_says_what(self) -> None:
        """Nothing is raised, and nothing is scored."""
        for source, reason in (
            (_design(build="raise ValueError('no heads')"), "no heads"),
            (_design(forward="y = y[:, :1]"), "shape"),
            (_design(build="import_('os')._exit(0)"), "exit code 0"),
            (_design(build="import_('sys').exit('bye')"), "SystemExit"),
            (_design(build="import_('ctypes').string_at(0)"), "signal 11"),
            (_design(forward="y = y * float('nan')"), "nan"),
        ):
            result = self.run(source)
            assert result.outcome is Outcome.INVALID, (result, reason)
            assert reason in result.reason
            assert result.reason == one_line(result.reason)
            assert result.replies == ()

    def test_a_kind_that_it_does_not_know_is_invalid(self) -> None:
        """The reason names the kind."""
        result = self.executor.run(replace(small_job(SOUND), kind="sculpture"))
        assert result.outcome is Outcome.INVALID
        assert "sculpture" in result.reason

    def test_a_design_that_never_ends_is_timed_out(self) -> None:
        """The limit on wall time is the box's."""
        for build in ("while True: pass", "import_('time').sleep(1000)"):
            assert self.run(_design(build=build), Limits(2.0)).outcome is Outcome.TIMEOUT

    def test_a_design_that_eats_memory_is_out_of_memory(self) -> None:
        """In whichever way it eats."""
        limits = Limits(60.0, memory_bytes=600 * MIB)
        for build in ("[bytes(10**6) for _ in iter(int, 1)]", "torch.ones(2**40)"):
            assert self.run(_design(build=build), limits).outcome is Outcome.OUT_OF_MEMORY

    def test_a_design_that_floods_its_output_is_stopped(self) -> None:
        """Standard output and standard error count together."""
        result = self.run(_design(build="[print('x' * 10**6) for _ in range(1000)]"))
        assert result.outcome is Outcome.OUTPUT_LIMIT

    def test_printed_text_comes_back_bounded_and_without_control_sequences(self) -> None:
        """A person and a prompt may read it."""
        result = self.run(_design(build=r"print('\x1b[2Jhello \u202eworld\x07' + 'y' * 50_000)"))
        assert result.outcome is Outcome.SCORED, result.reason
        assert result.output == printable(result.output, len(result.output))
        assert len(result.output) <= 10_000
        assert "\x1b" not in result.output

    def test_what_the_protocol_does_not_allow_is_invalid(self) -> None:
        """The channel is the design's to write to; what it says there is taken only if it is of the protocol."""
        for data in ("b'garbage'", "b'[1]'", """b'{"type": "trained", "losses": [NaN]}'""", "b'{' * 70_000"):
            result = self.run(_design(top=_SPEAK, build=f"say({data})"), Limits(20.0))
            assert result.outcome is Outcome.INVALID, data

    def test_cost_is_measured_from_outside(self) -> None:
        """Sleeping costs time, computing costs processor, memory is seen though it was given back."""
        slept = self.run(_design(build="import_('time').sleep(1.5)")).cost
        assert slept.wall_seconds >= 1.5
        assert slept.cpu_seconds < 1.5
        burn = "[0 for _ in iter(lambda: import_('time').process_time() < 0.5, False)]"
        assert self.run(_design(build=burn)).cost.cpu_seconds >= 0.4
        peak = self.run(_design(build="b'x' * (300 * 2**20)")).cost.peak_memory_bytes
        assert peak > self.run(SOUND).cost.peak_memory_bytes + 200 * MIB

    def test_a_survey_is_answered_after_all_else_and_bears_on_nothing(self) -> None:
        """What it asks comes back with its times; a design that fails on it, however it does, keeps its result."""
        tokens = np.zeros((3, LENGTH), np.int16)
        asked = Question(tokens, (3, LENGTH, SYMBOLS))
        survey = Survey((asked, asked), {"inputs": tokens})
        alone = self.run(SOUND)
        for forward, answered, is_examined in (
            ("pass", 2, True),
            ("y = y / (len(x) != 3)", 0, True),
            ("len(x) == 3 and import_('os')._exit(1)", 0, False),
            ("len(x) == 3 and import_('time').sleep(1000)", 0, False),
        ):
            result = self.executor.run(replace(small_job(_design(forward=forward)), survey=survey))
            assert result.outcome is Outcome.SCORED, (forward, result.reason)
            assert all(np.array_equal(*pair) for pair in zip(result.replies, alone.replies, strict=True))
            replies = [reply for reply in result.surveyed.replies if reply is not None]
            assert len(replies) == answered, forward
            assert all(reply.values.shape == asked.reply_shape and reply.seconds > 0 for reply in replies)
            assert ("flops_per_item" in result.surveyed.claims) == is_examined
        assert alone.surveyed.replies == ()

    def test_nothing_passes_from_one_design_to_the_next(self) -> None:
        """Neither files, where a box can write any, nor what was changed in a module."""
        write = "open('attack-left', 'w').close()" if self.contains else "pass"
        leaves = _design(
            build=f"torch.left = 1; import_('builtins').left = 1\n    try: {write}\n    except OSError: pass"
        )
        finds = _design(
            build="assert not hasattr(torch, 'left') and not hasattr(import_('builtins'), 'left')\n"
            "    assert not import_('os').path.exists('attack-left')"
        )
        for source in (leaves, finds):
            result = self.run(source)
            assert result.outcome is Outcome.SCORED, result.reason

    def test_closing_stops_what_runs_and_it_stays_closed(self) -> None:
        """From any thread, at once, and as often as one likes."""
        executor = self.make_executor()
        executor.start()
        raised: list[BaseException] = []

        def run() -> None:
            try:
                executor.run(small_job(_design(build="import_('time').sleep(1000)"), limits=Limits(1000.0)))
            except BaseException as error:
                raised.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        time.sleep(1.0)
        executor.close()
        thread.join(CLOSE_SECONDS)
        assert [type(error) for error in raised] == [ExecutionStopped]
        executor.close()
        try:
            executor.run(small_job(SOUND))
        except ExecutionStopped:
            return
        raise AssertionError("a closed executor ran a job")

    def test_a_design_reaches_nothing_of_the_machine(self) -> None:
        """No environment, no file of the engine's, no socket, no program."""
        if not self.contains:
            raise unittest.SkipTest("its boxes contain nothing")
        reached = (
            f"""
    os, socket = import_('os'), import_('socket')
    def reach(what, action):
        try: print('REACHED', what, action())
        except (OSError, KeyError): pass
    reach('environment', lambda: os.environ['PATH'])
    reach('a file', lambda: open({__file__!r}).read(1))
    reach('a secret', lambda: open('/etc/shadow').read(1))
    reach('the network', lambda: socket.create_connection(('127.0.0.1', 9), 1))
    reach('a program', lambda: import_('subprocess').run(['true']))
    reach('a library to write to', lambda: open(torch.__file__, 'a'))
"""
        ).lstrip()
        result = self.run(_design(build=reached))
        assert result.outcome is Outcome.SCORED, result.reason
        assert "REACHED" not in result.output
