"""Every attack of the threat list fails, leaves nothing, and disturbs nobody; and gets through once its wall is lifted.

Nothing here touches an outside address: an attack that needs a target gets a listener of the test's own.
"""

import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from attacks import ASKS, CLASSES, ELSEWHERE, Attack
from support.designs import ON_THE_CHANNEL, SOUND, network
from support.processes import open_descriptors, wait_until, warm_processes, zombies
from support.scoring import came_of, evaluate

from agentarch.evaluation import Outcome
from agentarch.execution import LocalExecutor

ATTACKS = [attack for attacks in CLASSES.values() for attack in attacks]
WATCHED_FOLDERS = ("/tmp", "/dev/shm", "/var/tmp", "/")


def named(attack: Attack) -> str:
    return f"{attack.number}_{attack.name}"


@pytest.fixture(scope="module")
def calm(executor):
    """What comes of the sound design when nothing else happens."""
    evaluation = evaluate(SOUND, executor)
    assert evaluation.outcome is Outcome.SCORED, evaluation.reason
    return came_of(evaluation)


@contextmanager
def _listener() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield str(server.getsockname()[1])


@contextmanager
def _abstract_socket() -> Iterator[str]:
    name = f"agentarch-attack-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0" + name)
        server.listen()
        yield name


@contextmanager
def _secret_file() -> Iterator[str]:
    path = Path(tempfile.gettempdir()) / f"attack-secret-{os.getpid()}"
    path.write_text("the-secret")
    path.chmod(0o644)
    yield str(path)
    path.unlink()


@contextmanager
def _engine_pid() -> Iterator[str]:
    yield str(os.getpid())


@contextmanager
def _shared_folder() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="attack-", dir="/var/tmp") as folder:
        Path(folder, "labels").write_text("the labels")
        Path(folder).chmod(0o777)
        yield folder


NEEDS = {
    "shared_folder": _shared_folder,
    "listener": _listener,
    "abstract_socket": _abstract_socket,
    "secret_file": _secret_file,
    "engine_pid": _engine_pid,
}


def attempt(attack: Attack, executor):
    """Run an attack's design, with what it needs outside."""
    with ExitStack() as stack:
        source = attack.source
        for name in attack.needs:
            source = source.replace("{" + name + "}", stack.enter_context(NEEDS[name]()))
        return evaluate(source, executor, attack.wall_seconds, attack.memory_mib)


def traces() -> dict[str, object]:
    """Return what an attack might leave behind in this process and its warm processes."""
    watched = [os.getpid(), *sorted(warm_processes())]
    return {
        "descriptors": {pid: open_descriptors(pid) for pid in watched},
        "mounts": len(Path("/proc/self/mountinfo").read_text().splitlines()),
        "zombies": zombies(),
        "threads": threading.active_count(),
    }


def settled_traces() -> dict[str, object]:
    """Return the traces once the warm processes have made the boxes ready that they keep."""
    found: list[dict[str, object]] = []
    wait_until(
        lambda: found.append(traces()) or (len(found) > 3 and found[-1] == found[-2] == found[-3]),
        "nothing is being made ready",
    )
    return found[-1]


def files() -> set[Path]:
    """Return the files and folders that an attack might leave behind; another test may be at it, too."""
    return {path for folder in WATCHED_FOLDERS for path in Path(folder).glob("attack*")}


@pytest.fixture
def guarded(attack: Attack, executor, calm):
    """The executor that an attack must fail in; it has run a design before anybody counts processes."""
    if attack.only():
        pytest.skip(attack.only())
    if not attack.also_lifted:
        return executor  # ran one for what comes of it in calm
    opened = open_executor(attack.also_lifted)
    evaluate(SOUND, opened)
    return opened


@pytest.mark.parametrize("attack", ATTACKS, ids=named)
def test_an_attack_fails_and_disturbs_nobody(attack, guarded, executor, calm, nothing_left):
    before, files_before = settled_traces(), files()
    with ThreadPoolExecutor(1) as threads:
        neighbour = threads.submit(evaluate, SOUND, executor)
        evaluation = attempt(attack, guarded)
        beside = came_of(neighbour.result())
    assert not attack.succeeded(evaluation), evaluation.output
    assert evaluation.outcome in attack.outcomes, (evaluation.outcome, evaluation.reason, evaluation.output)
    nothing_left()
    wait_until(lambda: traces() == before and files() <= files_before, "traces of the attack are gone", 20)
    assert beside == calm
    assert came_of(evaluate(SOUND, executor)) == calm


@pytest.mark.parametrize("attack", [one for one in ATTACKS if one.lifted], ids=named)
def test_an_attack_gets_through_without_its_wall(attack):
    if attack.only():
        pytest.skip(attack.only())
    executor = open_executor((*attack.also_lifted, *attack.lifted))
    evaluation = attempt(attack, executor)
    assert attack.succeeded(evaluation), (evaluation.outcome, evaluation.reason, evaluation.output)


@pytest.mark.parametrize("attack", [one for one in ATTACKS if one.unguarded], ids=named)
def test_an_attack_gets_through_without_our_check(attack, executor):
    attack.unguarded(executor)


def test_every_attack_of_the_list_is_here_with_its_wall():
    numbers = {attack.number for attack in ATTACKS}
    assert numbers == set(range(1, 78)) - ELSEWHERE.keys()
    assert all(attack.lifted or attack.unguarded for attack in ATTACKS)


@pytest.mark.parametrize("number", ASKS)
def test_no_model_can_be_asked_from_the_box_of_a_network(number, executor):
    evaluation = evaluate(network(top=ON_THE_CHANNEL, build=f"say({ASKS[number]})"), executor)
    assert evaluation.outcome is Outcome.INVALID
    assert f"an unexpected message of type '{ASKS[number]['type']}'" in evaluation.reason


_open: dict[tuple[str, ...], LocalExecutor] = {}


def open_executor(names: tuple[str, ...]) -> LocalExecutor:
    """Return the shared executor without some walls."""
    lifted = tuple(sorted(names))
    if lifted not in _open:
        _open[lifted] = LocalExecutor(lifted=lifted, ready_boxes=0)
        _open[lifted].start()
    return _open[lifted]


@pytest.fixture(scope="module", autouse=True)
def _close_them():
    yield
    for executor in _open.values():
        executor.close()
    _open.clear()
