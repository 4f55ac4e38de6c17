"""Designs that break, cheat or attack: each gets its own outcome and disturbs nobody else."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from support.designs import ON_THE_CHANNEL, SOUND, network
from support.hostile import (
    BROKEN,
    ENDING,
    ENDLESS,
    GREEDY,
    HARMLESS,
    IN_PROCESSES,
    INVALID,
    LOUD,
    LYING,
    OUTPUT_LIMIT,
    Case,
)
from support.processes import open_descriptors, wait_until, warm_processes
from support.scoring import came_of, evaluate

from agentarch.design import Proposal, read_design
from agentarch.evaluation import Outcome
from agentarch.kinds.network import CONTRACT
from agentarch.store import EVALUATIONS, Store
from agentarch.text import one_line


@pytest.fixture(scope="module")
def calm(executor):
    """What comes of the sound design when nothing else happens."""
    evaluation = evaluate(SOUND, executor)
    assert evaluation.outcome is Outcome.SCORED, evaluation.reason
    return came_of(evaluation)


@pytest.fixture
def undisturbed(executor, calm, nothing_left):
    """Return a context in which a neighbour runs, and after which the next design and the machine are as before."""

    @contextmanager
    def watch():
        with ThreadPoolExecutor(1) as threads:
            neighbour = threads.submit(evaluate, SOUND, executor)
            yield
            assert came_of(neighbour.result()) == calm
        assert came_of(evaluate(SOUND, executor)) == calm
        nothing_left()

    return watch


def check(case: Case, executor) -> None:
    evaluation = evaluate(case.source, executor, case.wall_seconds, case.memory_mib)
    assert evaluation.outcome is case.outcome, evaluation.reason
    assert case.reason.lower() in evaluation.reason.lower()
    assert evaluation.reason == one_line(evaluation.reason)
    assert evaluation.score is None


def test_the_sound_design_is_scored_the_same_each_time(executor, calm):
    assert came_of(evaluate(SOUND, executor)) == calm


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_design_is_told_what_is_wrong_with_it(name, executor, undisturbed):
    with undisturbed():
        check(BROKEN[name], executor)


@pytest.mark.parametrize("name", ENDING)
def test_a_design_that_ends_its_process_is_invalid(name, executor, undisturbed):
    with undisturbed():
        check(ENDING[name], executor)


@pytest.mark.parametrize("name", ENDLESS)
def test_a_design_that_never_ends_is_timed_out(name, executor, undisturbed):
    with undisturbed():
        check(ENDLESS[name], executor)


@pytest.mark.parametrize("name", GREEDY)
def test_a_design_that_eats_memory_is_out_of_memory(name, executor, undisturbed):
    with undisturbed():
        check(GREEDY[name], executor)


@pytest.mark.parametrize("name", LOUD)
def test_a_design_that_prints_a_gigabyte_is_stopped_early(name, executor, undisturbed):
    with undisturbed():
        check(Case(LOUD[name], OUTPUT_LIMIT, "printed more than 1,024 KiB"), executor)


@pytest.mark.parametrize("name", LYING)
def test_a_design_that_sends_what_the_protocol_forbids_is_invalid(name, executor, undisturbed):
    with undisturbed():
        check(Case(network(top=ON_THE_CHANNEL, build=LYING[name]), INVALID, ""), executor)


@pytest.mark.parametrize("when", ["build", "forward"])
@pytest.mark.parametrize(
    "lines",
    [
        "say({'type': 'trained', 'losses': [], 'bytes': 0})",
        "say({'type': 'built', 'parameters': 10**12, 'recipe': None})",
        "say({'type': 'built', 'parameters': 10**12, 'recipe': None})\n"
        "say({'type': 'trained', 'losses': [], 'bytes': 0})",
        "say({'type': 'built', 'parameters': 1, 'recipe': None}); say({'type': 'predicted'})",
    ],
)
def test_a_design_that_speaks_for_the_trainer_is_never_scored_with_more_parameters_than_allowed(
    when, lines, executor, undisturbed
):
    with undisturbed():
        evaluation = evaluate(network(top=ON_THE_CHANNEL, **{when: lines}), executor)
    if evaluation.outcome is Outcome.SCORED:
        assert evaluation.parameters is not None
        assert evaluation.parameters <= 200_000
    else:
        assert evaluation.outcome is INVALID
        assert evaluation.reason


def forged(claim: str) -> str:
    """Return a design that answers for the trainer from the start, with a claim of its own, and is scored."""
    return network(
        top=ON_THE_CHANNEL,
        build=f"""
        line = channel()
        def read(size):
            data = b''
            while len(data) < size:
                piece = line.recv(size - len(data))
                if not piece: os._exit(0)
                data += piece
            return data
        if import_('sys')._getframe(1).f_locals['job']['part'] == 'train':
            {claim}
            say({{'type': 'trained', 'losses': [0.0], 'bytes': 0}})
            os._exit(0)
        while True:
            header = json.loads(read(struct.unpack('>I', read(4))[0]))
            if header['type'] == 'end': os._exit(0)
            (array,) = header['arrays']
            shape = array['shape']
            read(shape[0] * shape[1] * int(array['dtype'][2:]))
            say({{'type': 'predicted'}})
            line.sendall(bytes(4 * shape[0] * shape[1] * spec.n_outputs))
        """,
    )


def test_a_forged_run_is_worth_only_what_its_predictions_are(executor, undisturbed):
    claim = "say({'type': 'built', 'parameters': 5, 'recipe': None})"
    with undisturbed():
        evaluation = evaluate(forged(claim), executor)
    assert evaluation.outcome is Outcome.SCORED
    assert evaluation.score.value < 0.3


def test_a_run_that_never_says_what_it_built_is_not_scored(executor):
    evaluation = evaluate(forged("pass"), executor)
    assert evaluation.outcome is INVALID
    assert evaluation.score is None


def test_a_run_that_claims_more_parameters_than_allowed_is_not_scored(executor):
    claim = "say({'type': 'built', 'parameters': 200_001, 'recipe': None})"
    evaluation = evaluate(forged(claim), executor)
    assert evaluation.outcome is INVALID
    assert evaluation.score is None


def test_the_reason_of_a_hostile_exception_is_one_plain_line(executor):
    message = r"a\x1b[31mred\x1b]0;title\x07 \u202eltr\u200b\r\nb\u2028c\x00" + "z" * 5000
    evaluation = evaluate(network(build=f'raise ValueError("{message}")'), executor)
    assert evaluation.outcome is INVALID
    assert evaluation.reason.startswith("raised ValueError: ared ltr b c")
    assert evaluation.reason == one_line(evaluation.reason)
    assert len(evaluation.reason) <= 400


def test_what_a_design_prints_is_kept_in_plain_text(executor):
    evaluation = evaluate(network(build=r"print('\x1b[2Jhello \u202eworld\x07\x00')"), executor)
    assert evaluation.outcome is Outcome.SCORED
    assert evaluation.output == "hello world\n" * 3  # once in each box


def test_last_words_are_kept_however_the_process_ends(executor):
    lines = "import_('os').write(2, b'the last words'); import_('os')._exit(3)"
    evaluation = evaluate(network(build=lines), executor)
    assert evaluation.output.endswith("the last words")


@pytest.mark.parametrize(
    "lines",
    [
        "if os.fork() == 0: time.sleep(1000)",
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(1000)\n    os._exit(0)",
        "if os.fork() == 0:\n    while True:\n        if os.fork(): os._exit(0)",
        "for _ in range(5):\n    if os.fork() == 0:\n        os.setsid()\n        time.sleep(1000)",
        "import_('signal').signal(17, 1)\nif os.fork() == 0: time.sleep(1000)",
    ],
    ids=["child", "daemon", "one_that_runs_away", "five_sessions", "children_reaped_unseen"],
)
def test_children_of_a_design_end_with_it(lines, forking_executor, undisturbed):
    with undisturbed():
        design = network(top="os, time = import_('os'), import_('time')", build=lines)
        evaluation = evaluate(design, forking_executor)
        assert evaluation.outcome is Outcome.SCORED, evaluation.reason


def test_threads_of_a_design_end_with_it(executor, undisturbed):
    lines = """
    threading, time = import_('threading'), import_('time')
    for _ in range(10): threading.Thread(target=time.sleep, args=(1000,)).start()
    """
    with undisturbed():
        evaluation = evaluate(network(build=lines), executor)
        assert evaluation.outcome is Outcome.SCORED, evaluation.reason


@pytest.mark.parametrize("name", IN_PROCESSES)
def test_limits_are_those_of_the_whole_box(name, forking_executor, undisturbed):
    with undisturbed():
        check(IN_PROCESSES[name], forking_executor)


@pytest.mark.parametrize("name", HARMLESS)
def test_a_design_that_signals_itself_comes_to_no_harm(name, executor, undisturbed):
    with undisturbed():
        evaluation = evaluate(network(top="os = import_('os')", build=HARMLESS[name]), executor)
        assert evaluation.outcome is Outcome.SCORED, evaluation.reason


def test_a_design_cannot_fill_the_disk(executor, tmp_path):
    evaluation = evaluate(
        network(build=f"open({str(tmp_path / 'file')!r}, 'wb').write(bytes(10**6))"), executor
    )
    assert evaluation.outcome is INVALID
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 0


def test_no_descriptor_is_lost_over_many_boxes_of_every_kind(executor):
    sources = [
        SOUND,
        ENDING["exits_with_0"].source,
        LOUD["a_gigabyte_on_stdout"],
        BROKEN["wrong_shape"].source,
    ]
    sources += [network(top=ON_THE_CHANNEL, build=LYING["garbage"])]
    evaluate(SOUND, executor)
    watched = [os.getpid(), *warm_processes()]
    before, running = [open_descriptors(pid) for pid in watched], threading.active_count()
    with ThreadPoolExecutor(3) as threads:
        for source in sources * 6:
            threads.submit(evaluate, source, executor)
    wait_until(lambda: [open_descriptors(pid) for pid in watched] == before, "descriptors are given back", 10)
    assert threading.active_count() <= running


@pytest.mark.parametrize(
    "recipe",
    [
        """b'{"a":' * 400 + b'1' + b'}' * 400""",
        """b'{"lr": "\\\\ud800"}'""",
        """b'{"\\\\udfff": 1}'""",
        """b'{"n": ' + b'9' * 4000 + b'}'""",
        """b'{"s": "' + b'x' * 60_000 + b'"}'""",
    ],
    ids=["deep", "lone_surrogate", "lone_surrogate_key", "long_number", "long_text"],
)
def test_a_forged_recipe_does_not_stop_the_run_that_stores_it(recipe, executor, tmp_path):
    claim = f"""say(b'{{"type": "built", "parameters": 5, "recipe": ' + {recipe} + b'}}')"""
    source = forged(claim)
    evaluation, design = evaluate(source, executor), read_design(Proposal(source, "forged"), CONTRACT)
    store = Store.create(tmp_path / "run", {})
    store.add_design(design, [evaluation.request])
    assert store.settle(store.lease(100), evaluation)
    (stored,) = (event.body["evaluation"] for event in store.events() if event.kind == "evaluated")
    store.close()
    assert EVALUATIONS.validate_python(stored).outcome is evaluation.outcome
