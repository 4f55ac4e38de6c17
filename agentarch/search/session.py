"""Starts, opens and resumes runs: puts the store, the state, the kind, the tasks and the engine together.

One engine drives a run at a time, held apart by a file lock that dies with its process. What only an engine needs is
imported when one is made, so that a command which reads a run answers at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import inspect
import json
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from agentarch import __version__
from agentarch.catalogue import find_task, lasting_name, seed_designs
from agentarch.clock import Clock
from agentarch.config import META, RunConfig
from agentarch.errors import AgentarchError, UsageError, unknown_name
from agentarch.kinds import Asking, Kind, make_kind
from agentarch.search.log import Log
from agentarch.search.race import FIRST_RANKED_RUNG
from agentarch.search.state import RunState
from agentarch.seeding import new_secret
from agentarch.store import FILE_NAME, Store, damaged
from agentarch.task import AnyTask
from agentarch.text import one_line

if TYPE_CHECKING:
    from agentarch.execution import Executor
    from agentarch.search.engine import Engine

REAL_TIME = Clock()
RUNS_FOLDER = Path("runs")
LOCK_FILE = "engine.lock"
TRACES = "traces"
"""Folder of a run in which every call of its agents is kept."""


class RunBusy(AgentarchError):
    """Another process drives the run."""


@dataclass(frozen=True)
class Run:
    """An opened run: where it lies, what it was told, and what has happened so far.

    Attributes:
        folder: the run directory.
        config: its settings.
        secret: from which its chance is derived.
        created_at: seconds since the epoch.
        kind: of its designs.
        tasks: it scores on.
        store: its log and queue.
        state: replayed from the log.
    """

    folder: Path
    config: RunConfig
    secret: str
    created_at: float
    kind: Kind
    tasks: tuple[AnyTask, ...]
    store: Store
    state: RunState


def new_run_folder() -> Path:
    """Return a fresh folder's path under `runs/`, named after the time."""
    return RUNS_FOLDER / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"


def find_run(name: str) -> Path:
    """Return a run's folder, given its path, or its name under `runs/`, or `latest`.

    Raises:
        UsageError: there is none; the message names the nearest.
    """
    for folder in (Path(name), RUNS_FOLDER / name):
        with contextlib.suppress(OSError):  # a name no file can have
            if (folder / FILE_NAME).is_file():
                return folder
    existing = {path.parent.name: path for path in RUNS_FOLDER.glob(f"*/{FILE_NAME}")}
    if name == "latest" and existing:
        return max((path.parent for path in existing.values()), key=_created_at)
    if os.path.isdir(name):  # noqa: PTH112 - says no, rather than raise, to a name no file can have
        raise UsageError(f"{name!r} is not a run directory: it has no {FILE_NAME}")
    raise unknown_name("run", name, {*existing, "latest"} if existing else ())


def create_run(config: RunConfig, folder: Path) -> None:
    """Make a run's folder and store; nothing is evaluated yet.

    Raises:
        agentarch.errors.UsageError: a name in the configuration does not exist, or the folder holds a run.
    """
    from agentarch.execution.tiers import check_sandbox

    check_sandbox(config.sandbox)
    kind, loaded = _load(config, secret="")
    highest = min(len(task.rungs) for task in loaded) - 1
    if config.top_rung is not None and config.top_rung > highest:
        raise UsageError(f"the tasks have rungs up to {highest}, and none to climb to rung {config.top_rung}")
    if config.proposer == META:
        from agentarch.search.authoring.setup import check_models

        check_models(config)
    else:
        from agentarch.proposers import make_proposer

        make_proposer(config.proposer, config.kind)
    if config.solvers:
        from agentarch.search.solving import check_solvers

        check_solvers(config)
    tasks = tuple(lasting_name(name) for name in config.tasks)
    secret = new_secret() if config.seed is None else f"seed {config.seed}"
    Store.create(
        folder,
        {
            "config": config.model_copy(update={"tasks": tasks}).model_dump_json(),
            "secret": secret,
            "created_at": repr(time.time()),
            "agentarch": __version__,
            "tasks": json.dumps(_fingerprints(kind, loaded)),
        },
    ).close()


@contextlib.contextmanager
def open_run(folder: Path, check: bool = False) -> Iterator[Run]:
    """Open a run for reading, or for an engine that holds its lock.

    Args:
        folder: the run directory.
        check: read the whole store first and make sure that it is sound.

    Raises:
        agentarch.errors.UsageError: it is no run, another version wrote it, or its tasks are gone.
        agentarch.store.StoreDamaged: the store is not a sound database.
    """
    store = Store.open(folder, check)
    try:
        yield _replayed(folder, store)
    finally:
        store.close()


def _replayed(folder: Path, store: Store) -> Run:
    try:
        settings = store.settings
        config = RunConfig.model_validate_json(settings["config"])
        kind, tasks = _load(config, settings["secret"])
        state = RunState.empty(tasks, kind.axes)
        for event in store.events():
            state.apply(event)
        created_at = float(settings["created_at"])
    except (AttributeError, LookupError, TypeError, ValueError) as error:  # lines that no engine wrote
        raise damaged(store.file, f"{type(error).__name__}: {one_line(str(error), 200)}") from error
    return Run(folder, config, settings["secret"], created_at, kind, tasks, store, state)


@contextlib.contextmanager
def only_engine(folder: Path) -> Iterator[None]:
    """Hold the run's lock, which the operating system releases when this process ends, however it ends.

    Raises:
        RunBusy: another process holds it.
    """
    try:
        lock = (folder / LOCK_FILE).open("a+")
    except OSError as error:
        raise AgentarchError(f"cannot write in the run's folder {str(folder)!r}: {error.strerror}") from None
    with lock:
        for wait_seconds in (0.2, 0.2, 0.0):  # `is_driven` of another process holds it for an instant
            if _take_lock(lock):
                break
            time.sleep(wait_seconds)
        else:
            raise RunBusy(
                f"the run in {str(folder)!r} is being driven by process {_holder(lock)}; "
                f"watch it with: agentarch status {folder}"
            )
        with contextlib.suppress(OSError):  # the number is for people; a full disk must not stop a reader
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
        yield


def is_driven(folder: Path) -> bool:
    """Whether an engine is at work on the run right now."""
    try:
        with (folder / LOCK_FILE).open() as lock:
            return not _take_lock(lock)
    except OSError:  # no engine ever was
        return False


def check_tasks(run: Run) -> None:
    """Make sure that a run's tasks are those it began with.

    Raises:
        UsageError: one is not, so that new scores would not compare with the old ones.
    """
    before = json.loads(run.store.settings["tasks"])
    for name, fingerprint in _fingerprints(run.kind, run.tasks).items():
        if before[name] != fingerprint:
            raise UsageError(
                f"the task {name!r} has changed since the run in {str(run.folder)!r} began, so that new scores would "
                "not compare with the old ones. Restore it, or begin a new run with: agentarch search"
            )


def make_engine(run: Run, executor: Executor, clock: Clock = REAL_TIME) -> Engine:
    """Return the engine that drives an opened run with an executor; models are waited for by the clock.

    Raises:
        UsageError: see `check_tasks`, and `agentarch.search.authoring.setup.check_models`.
    """
    from agentarch.proposers import make_proposer
    from agentarch.search.engine import Engine

    check_tasks(run)
    log, has_models = Log(run.store, run.state), run.config.proposer == META
    make_studio = None
    if isinstance(run.kind, Asking):
        from agentarch.search.solving import make_broker

        run.kind.broker = make_broker(log, run.folder, run.config, clock)
        run.kind.traces = run.folder / TRACES
    if has_models:
        from agentarch.search.authoring.setup import studio_maker

        make_studio = studio_maker(log, run.folder, run.config, run.secret, run.kind, run.tasks, clock)
    return Engine(
        log=log,
        config=run.config,
        secret=run.secret,
        kind=run.kind,
        tasks=run.tasks,
        proposer=make_proposer("seeds" if has_models else run.config.proposer, run.config.kind),
        seeds=seed_designs(run.kind.contract),
        executor=executor,
        make_studio=make_studio,
    )


def _load(config: RunConfig, secret: str) -> tuple[Kind, tuple[AnyTask, ...]]:
    kind = make_kind(config.kind, secret, config.memory_mib)
    tasks = tuple(find_task(name, config.kind) for name in config.tasks)
    names = [task.name for task in tasks]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"the task {name!r} is named twice")
    return kind, tasks


def _fingerprints(kind: Kind, tasks: Iterable[AnyTask]) -> dict[str, str]:
    """Return a hash of each task by its name: of its source file, its rungs, and what it makes and how it grades now.

    A file alone would not tell that another one, which it reads or imports, has changed.
    """
    hashes = {}
    for task in tasks:
        file = inspect.getsourcefile(type(task))
        source = Path(file).read_bytes() if file else b""
        made = f"{task.rungs} {kind.fingerprint(task, FIRST_RANKED_RUNG)}"
        hashes[task.name] = hashlib.sha256(source + made.encode()).hexdigest()
    return hashes


def _created_at(folder: Path) -> float:
    """Return when a run was created; 0 for one that cannot be read."""
    try:
        with contextlib.closing(Store.open(folder)) as store:
            return float(store.settings["created_at"])
    except (AgentarchError, KeyError, ValueError):
        return 0.0


def _take_lock(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(lock: IO[str]) -> str:
    lock.seek(0)
    return lock.read().strip() or "unknown"
