"""`agentarch doctor`: what works on this machine, what does not, and how to mend it."""

from __future__ import annotations

import platform
import shutil
import sqlite3
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from agentarch.cli.output import ERR, OUT, plain, print_json
from agentarch.config import available_cores
from agentarch.errors import AgentarchError
from agentarch.execution.contract import GIB
from agentarch.execution.tiers import LOCAL_TIERS, UNSAFE, SelfTest, make_executor, self_test

NEEDED_DISK_BYTES = GIB
TIERS = (*LOCAL_TIERS, "docker", UNSAFE)


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
    looks: tuple[Callable[[], Finding], ...] = (_python, _system, _sqlite, _disk, _content)
    tiers = _tiers()
    findings = [*(look() for look in looks), _sandbox(tiers), _agents(tiers)]
    works = all(finding.works for finding in findings)
    if as_json:
        told = {
            "works": works,
            "findings": [asdict(finding) for finding in findings],
            "sandboxes": [asdict(tested) for tested in tiers],
        }
        print_json(told)
    else:
        for finding in findings:
            mark = "[green]works[/green]" if finding.works else "[red]fails[/red]"
            OUT.print(f"{mark}  {finding.name}: {plain(finding.detail, 400)}", soft_wrap=True)
            if finding.mend:
                OUT.print(f"       {plain(finding.mend, 400)}", soft_wrap=True)
        OUT.print("\nSandboxes, each tried from within:")
        for tested in tiers:
            _tell_tier(tested)
    return 0 if works else 1


def _tell_tier(tested: SelfTest) -> None:
    mark = "[green]works[/green]" if tested.works else "[red]fails[/red]"
    held = [wall.name.replace("_", " ") for wall in tested.walls if wall.holds]
    walls = f"walls that hold: {', '.join(held)}" if held else "no walls" if tested.works else ""
    OUT.print(
        f"{mark}  {tested.tier}: {'; '.join(plain(part, 400) for part in (tested.reason, walls) if part)}",
        soft_wrap=True,
    )
    if tested.mend:
        OUT.print(f"       {plain(tested.mend, 400)}", soft_wrap=True)


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
    from agentarch.embedded import EmbeddedModel, worlds
    from agentarch.kinds import KINDS, make_kind

    told = []
    try:
        for name in KINDS:
            seeds = seed_designs(make_kind(name, "", 512).contract)
            told.append(f"{len(find_tasks(name))} tasks and {len(seeds)} seed designs for {name}s")
        for world in worlds():
            EmbeddedModel.load(world)
        told.append(f"embedded worlds {', '.join(worlds())}")
    except AgentarchError as error:
        return Finding("content", False, str(error), "Install agentarch again.")
    return Finding("content", True, "; ".join(told))


def _tiers() -> list[SelfTest]:
    """Try the walls of every sandbox."""
    found = []
    for tier in TIERS:
        with ERR.status(f"testing the {tier} sandbox"):
            executor = make_executor(tier)
            try:
                found.append(self_test(executor, tier))
            finally:
                executor.close()
    return found


def _agents(tiers: Sequence[SelfTest]) -> Finding:
    """Say whether boxes for agents work in the sandbox that `auto` takes."""
    tier = next((tested.tier for tested in tiers if tested.tier in LOCAL_TIERS and tested.works), None)
    if tier is None:
        return Finding("agents", False, "no sandbox works", "See above.")
    with ERR.status("testing a box for agents"):
        executor = make_executor(tier, program="agent")
        try:
            tested = self_test(executor, tier, "agent")
        finally:
            executor.close()
    return Finding("agents", tested.works, tested.reason or f"every wall of the {tier} holds", tested.mend)


def _sandbox(tiers: Sequence[SelfTest]) -> Finding:
    """Say which sandbox `auto` takes."""
    for tested in tiers:
        if tested.tier in LOCAL_TIERS and tested.works:
            return Finding("sandbox", True, f"auto takes the {tested.tier}")
    first = tiers[0]
    return Finding("sandbox", False, f"auto finds none; the {first.tier} fails: {first.reason}", first.mend)
