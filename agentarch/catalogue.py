"""Finds tasks and seed designs by name: shipped ones, a user's file, and plug-ins.

Tasks are trusted code and are imported; designs are untrusted and are read as text.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, overload

from agentarch.content import content_folder
from agentarch.design import MAX_SOURCE_BYTES, Contract, Design, Proposal, read_design
from agentarch.errors import UsageError, unknown_name
from agentarch.task import AgentTask, AnyTask, Task

ENTRY_POINT_GROUP = "agentarch.tasks"
MAX_FILE_BYTES = 10 * MAX_SOURCE_BYTES
CONTRACTS: Mapping[str, type] = {"network": Task, "agent": AgentTask}
"""What a task for each kind of design owes."""


@overload
def find_tasks(kind: Literal["network"]) -> dict[str, Task]: ...
@overload
def find_tasks(kind: Literal["agent"]) -> dict[str, AgentTask]: ...
@overload
def find_tasks(kind: str) -> dict[str, AnyTask]: ...
def find_tasks(kind: str) -> dict[str, Any]:
    """Return every task for a kind of design, by name: shipped ones first, then those of plug-ins.

    Raises:
        UsageError: a plug-in's entry point does not give a task, or takes a name that is taken.
    """
    tasks = {name: _shipped_task(kind, name) for name in _shipped_names(kind)}
    for point in entry_points(group=ENTRY_POINT_GROUP):
        where = f"entry point {point.name!r}"
        try:
            loaded = point.load()
        except Exception as error:
            raise UsageError(
                f"{where} does not load: {type(error).__name__}: {error}; uninstall or mend it"
            ) from error
        task = _as_task(loaded, where)
        if task.kind == kind:
            if task.name in tasks:
                raise UsageError(
                    f"two tasks are called {task.name!r}; rename the one of entry point {point.name!r}"
                )
            tasks[task.name] = task
    return tasks


@overload
def find_task(name: str, kind: Literal["network"]) -> Task: ...
@overload
def find_task(name: str, kind: Literal["agent"]) -> AgentTask: ...
@overload
def find_task(name: str, kind: str) -> AnyTask: ...
def find_task(name: str, kind: str) -> Any:
    """Return one task: by name, or from a Python file when `name` ends in `.py`.

    A shipped task whose class has `made_from` also takes what follows a colon, e.g. `text:PATH`. One that has `load`
    reads what it needs now.

    Raises:
        UsageError: no such task or file, the file defines no task, it is for another kind of design, or what
            follows the colon, or the data that it needs, is of no use to it.
    """
    base, colon, given = name.partition(":")
    if base in _shipped_names(kind):  # a broken plug-in is no reason to refuse these
        task = _shipped_task(kind, base)
        if not colon:
            return _loaded(task)
        make = getattr(task, "made_from", None)
        if make is None:
            raise UsageError(f"the task {base!r} takes nothing after a colon, and was given {given!r}")
        return _as_task(make(given), repr(name))
    if not name.endswith(".py"):
        tasks = find_tasks(kind)
        if name not in tasks:
            other = kind_of_task(name)
            if other is not None and other != kind:
                raise UsageError(f"the task {name!r} is for designs of kind {other!r}; add --kind {other}")
            raise unknown_name("task", name, tasks)
        return _loaded(tasks[name])
    path = Path(name)
    if not path.is_file():
        raise UsageError(f"there is no task file {name!r}")
    return _loaded(_task_in(path, kind))


def lasting_name(name: str) -> str:
    """Return a task's name so that it means the same in every folder: files in it are given by absolute paths.

    What follows a colon may be no file, as in `world:alder`; options of a file stand after a `?`.
    """
    base, colon, given = name.partition(":")
    if name.endswith(".py") and (not colon or Path(name).is_file()):
        return str(Path(name).resolve())
    is_file = any(Path(one).is_file() for one in (given.partition("?")[0], given))
    return f"{base}:{Path(given).resolve()}" if is_file else name


def seed_designs(contract: Contract) -> tuple[Design, ...]:
    """Return the shipped seed designs of a kind, in the order of their names."""
    folder = content_folder("archive") / f"{contract.kind}s"
    return tuple(
        read_design(proposal_from_file(path, proposer="seeds", operator="seed"), contract)
        for path in sorted(folder.glob("*.py"))
    )


def proposal_from_file(path: Path, proposer: str = "person", operator: str = "written") -> Proposal:
    """Read a design's file as a proposal named after it.

    Raises:
        UsageError: the file is missing, is far too long or is not UTF-8 text.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)  # it may have no end
        if len(data) > MAX_FILE_BYTES:
            raise UsageError(f"the design {str(path)!r} is longer than {MAX_FILE_BYTES:,} bytes")
        source = data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read the design {str(path)!r}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"the design {str(path)!r} is not UTF-8 text") from None
    return Proposal(source, name=path.stem, proposer=proposer, operator=operator)


def kind_of_task(name: str) -> str | None:
    """Return the kind of design that a shipped task is for, whatever follows a colon; None for no task of ours."""
    base = name.partition(":")[0]
    return next((kind for kind in CONTRACTS if base in _shipped_names(kind)), None)


def _shipped_names(kind: str) -> tuple[str, ...]:
    """Return the names of the shipped tasks, which are those of their files: one can be had without the rest."""
    return tuple(sorted(path.stem for path in (content_folder("evals") / f"{kind}s").glob("*.py")))


@cache
def _shipped_task(kind: str, name: str) -> AnyTask:
    return _task_in(content_folder("evals") / f"{kind}s" / f"{name}.py", kind)


def _task_in(path: Path, kind: str) -> AnyTask:
    module = _import_file(path)
    own = [c for _, c in inspect.getmembers(module, inspect.isclass) if c.__module__ == module.__name__]
    classes = [c for c in own if callable(getattr(c, "grade", None)) and not c.__name__.startswith("_")]
    if len(classes) != 1:
        found = ", ".join(c.__name__ for c in classes) or "none"
        raise UsageError(
            f"{str(path)!r} must define exactly one task class (one with `grade`); found: {found}"
        )
    return _as_task(classes[0], str(path), kind)


def _as_task(thing: object, where: str, kind: str | None = None) -> AnyTask:
    """Return a task, made of its class if need be, if it is one, and for designs of a kind, if one is named."""
    try:
        task = thing() if inspect.isclass(thing) else thing
    except Exception as error:
        raise UsageError(f"{where} cannot be made: {type(error).__name__}: {error}") from error
    own_kind = str(getattr(task, "kind", kind))
    if kind is not None and own_kind != kind:
        raise UsageError(f"the task in {where!r} is for designs of kind {own_kind!r}, not {kind!r}")
    if own_kind not in CONTRACTS:
        raise UsageError(
            f"{where} is for designs of kind {own_kind!r}, of which there is none; known: {', '.join(CONTRACTS)}"
        )
    contract = CONTRACTS[own_kind]
    if not isinstance(task, contract):
        members = sorted({*contract.__annotations__, *_methods(contract)})
        missing = [name for name in members if not hasattr(task, name)]
        raise UsageError(
            f"{where} is not a task: it lacks {', '.join(missing)}; see agentarch.task.{contract.__name__}"
        )
    assert isinstance(task, AnyTask)
    if len(task.rungs) < 2:
        raise UsageError(f"{where} needs at least two rungs: a smoke run, and one that ranks")
    return task


def _methods(contract: type) -> set[str]:
    return {name for name in vars(contract) if not name.startswith("_") and callable(getattr(contract, name))}


def _loaded(task: AnyTask) -> AnyTask:
    """Have a task read what it needs, if it has something to read."""
    if load := getattr(task, "load", None):
        load()
    return task


def _import_file(path: Path) -> ModuleType:
    """Import a trusted task file under a name of its own."""
    unique = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    name = f"agentarch_task_{path.stem}_{unique}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise UsageError(
            f"the task file {str(path)!r} does not load: {type(error).__name__}: {error}"
        ) from error
    return module
