"""`agentarch doctor`: what works on this machine, what does not, and how to mend it."""

from __future__ import annotations

import platform
import shutil
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from agentarch.cli.output import OUT, plain, print_json
from agentarch.config import available_cores
from agentarch.errors import AgentarchError
from agentarch.execution.contract import GIB

NEEDED_DISK_BYTES = GIB


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what.
        works: whether a search can rely on it.
        detail: what was seen.
        mend: what to do about it; empty when it works.
    """

    name: str
    works: bool
    detail: str
    mend: str = ""


def examine(as_json: bool) -> int:
    """Look at everything and print it; return the exit code."""
    looks: tuple[Callable[[], Finding], ...] = (_python, _system, _sqlite, _disk, _content, _box)
    findings = [look() for look in looks]
    works = all(finding.works for finding in findings)
    if as_json:
        print_json({"works": works, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            mark = "[green]works[/green]" if finding.works else "[red]fails[/red]"
            OUT.print(f"{mark}  {finding.name}: {plain(finding.detail, 400)}", soft_wrap=True)
            if finding.mend:
                OUT.print(f"       {plain(finding.mend, 400)}", soft_wrap=True)
    return 0 if works else 1


def _python() -> Finding:
    return Finding("python", sys.version_info >= (3, 11), platform.python_version())


def _system() -> Finding:
    is_linux = sys.platform == "linux"
    mend = "" if is_linux else "Boxes need Linux: use a Linux machine, a virtual machine or a container."
    return Finding(
        "system", is_linux, f"{platform.system()} {platform.release()}, {available_cores()} cores", mend
    )


def _sqlite() -> Finding:
    works = sqlite3.sqlite_version_info >= (3, 37)
    mend = "" if works else "Use a Python built with SQLite 3.37 or newer."
    return Finding("sqlite", works, sqlite3.sqlite_version, mend)


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free
    works = free >= NEEDED_DISK_BYTES
    mend = "" if works else "Free some space: a night's run writes tens to hundreds of megabytes."
    return Finding("disk", works, f"{free / GIB:.1f} GiB free here", mend)


def _content() -> Finding:
    from agentarch.catalogue import find_tasks, seed_designs
    from agentarch.kinds.network import CONTRACT

    try:
        detail = f"{len(find_tasks('network'))} tasks, {len(seed_designs(CONTRACT))} seed designs"
    except AgentarchError as error:
        return Finding("content", False, str(error), "Install agentarch again.")
    return Finding("content", True, detail)


def _box() -> Finding:
    """Train the first seed design at the smoke rung, in a real box."""
    from agentarch.catalogue import find_task, seed_designs
    from agentarch.evaluation import Outcome, Request
    from agentarch.execution import LocalExecutor
    from agentarch.kinds import make_kind

    executor = LocalExecutor()
    mend = "Install torch with: pip install -c constraints.txt torch"
    try:
        kind = make_kind("network", secret="", memory_mib=2048)
        design, task = seed_designs(kind.contract)[0], find_task("recall", "network")
        executor.start()
        evaluation = kind.evaluate(design, task, Request(design.id, task.name, 0, 0), executor)
    except AgentarchError as error:
        return Finding("local box", False, str(error), mend)
    finally:
        executor.close()
    if evaluation.outcome is not Outcome.SCORED:
        return Finding("local box", False, f"{evaluation.outcome.value}: {evaluation.reason}", mend)
    seconds = evaluation.cost.wall_seconds
    return Finding("local box", True, f"trained {design.name} at the smoke rung in {seconds:.2f} s")
