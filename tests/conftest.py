"""What tests share: executors, a search that has ended, and an eye on what processes leave behind."""

import contextlib
import ctypes
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import commands
from support.commands import Said
from support.processes import descendants, wait_until, warm_processes

from agentarch.execution import LocalExecutor

PR_SET_CHILD_SUBREAPER = 36
LONGEST_FIRST = (
    "test_attacks_as_ordinary_user.py",
    "test_attacks.py",
    "test_promises.py",
    "test_audits.py",
    "test_many_boxes.py",
    "test_cli.py",
    "test_hosts.py",
)
"""Files that take minutes; begun last, one of them would be left alone with one worker while the others wait."""
EVALUATIONS = 14
CONFIRMED_EVALUATIONS = 70


def pytest_configure() -> None:
    """Set what tests, and the commands that they start, are not to spend their time on."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # each command would compile the whole checkout once more
    os.environ["OMP_NUM_THREADS"] = (
        "1"  # for tiny networks the threads of torch only wait for one another, aloud
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files; all others, and the tests in each, stay in their random order."""
    rank = {name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(rank)))


@pytest.fixture(scope="session", autouse=True)
def _orphans_come_to_us() -> None:
    """Make this process the parent of whatever outlives a process it started, so that it can be found."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard() -> None:
    """Let what we start be interrupted, although a shell that put us in the background made us deaf to it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def executor() -> Iterator[LocalExecutor]:
    """A started executor that all tests share."""
    shared = LocalExecutor()
    shared.start()
    yield shared
    shared.close()


FORKING = ("syscalls.processes", "syscalls.identity")
"""What is lifted so that designs may start processes and sessions, to see that the other walls hold those, too."""


@pytest.fixture(scope="session")
def forking_executor() -> Iterator[LocalExecutor]:
    """A started executor that all tests share, whose designs may start processes."""
    shared = LocalExecutor(lifted=FORKING)
    shared.start()
    yield shared
    shared.close()


@pytest.fixture
def other_warm_processes() -> set[int]:
    """The warm processes that ran before the test started its own."""
    return warm_processes()


@pytest.fixture
def own_executor(other_warm_processes: set[int]) -> Iterator[LocalExecutor]:
    """A started executor that a test may break, whose designs may start processes."""
    own = LocalExecutor(lifted=FORKING)
    own.start()
    yield own
    own.close()


@pytest.fixture
def own_warm(own_executor: LocalExecutor, other_warm_processes: set[int]) -> Callable[[], int]:
    """Return a function that finds the warm process of the executor that the test may break."""
    return lambda: min(warm_processes() - other_warm_processes)


@pytest.fixture
def nothing_left() -> Iterator[Callable[[], None]]:
    """A function that waits until every process that the test started has ended."""
    before = descendants()

    def check() -> None:
        wait_until(lambda: descendants() <= before, "processes of the test are left")

    yield check
    for pid in descendants() - before:  # so that one test that fails does not fail others
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@dataclass(frozen=True)
class FinishedRun:
    """A search that has ended: its folder, how many evaluations it was given, and what it said."""

    folder: Path
    evaluations: int
    said: Said


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """A small search that ran to its end. Tests read it; one that changes it makes a copy."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    said = commands.run(*commands.search(folder, EVALUATIONS), folder=folder.parent)
    assert said.exit_code == 0, said.err
    return FinishedRun(folder, EVALUATIONS, said)


@pytest.fixture(scope="session")
def confirmed_run(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """A search with a budget that has room for a finish. Tests read it; one that changes it makes a copy."""
    folder = tmp_path_factory.mktemp("confirmed") / "run"
    said = commands.run(*commands.search(folder, CONFIRMED_EVALUATIONS), folder=folder.parent)
    assert said.exit_code == 0, said.err
    return FinishedRun(folder, CONFIRMED_EVALUATIONS, said)


@pytest.fixture
def agentarch(tmp_path: Path) -> Callable[..., Said]:
    """Return a function that runs a command in an empty folder and returns what it said."""

    def run(*arguments: object, **environment: str) -> Said:
        return commands.run(*arguments, folder=tmp_path, **environment)

    return run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many attacks of each class were tried, held, and shown to get through without their wall."""
    tried = {
        outcome: [
            report.nodeid for report in terminalreporter.stats.get(outcome, ()) if report.when == "call"
        ]
        for outcome in ("passed", "failed")
    }
    if not any("test_attacks.py" in name for names in tried.values() for name in names):
        return
    from attacks import CLASSES

    terminalreporter.section("attacks")
    for what, attacks in CLASSES.items():
        names = {f"[{attack.number}_{attack.name}]" for attack in attacks}
        counts = []
        for test, meaning in (
            ("fails_and_disturbs_nobody", "held"),
            ("gets_through", "got through without their wall"),
        ):
            passed, failed = (
                sum(test in name and any(one in name for one in names) for name in tried[outcome])
                for outcome in ("passed", "failed")
            )
            counts.append(f"{passed} of {passed + failed} {meaning}")
        numbers = len({attack.number for attack in attacks})
        terminalreporter.write_line(f"{what}: {numbers} numbers of the list; {'; '.join(counts)}")
