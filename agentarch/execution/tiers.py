"""Which sandbox runs the designs: each tier is tried by its self-test before it is believed.

`auto` takes the strongest local tier that passes. Nothing is chosen in silence: what was passed over, and why, goes
with the choice.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from agentarch.content import content_folder
from agentarch.errors import unknown_name
from agentarch.evaluation import Outcome
from agentarch.execution.contract import Executor, ExecutorUnavailable, Limits, Program
from agentarch.execution.docker import DockerExecutor
from agentarch.execution.local import LocalExecutor
from agentarch.execution.sample import small_interview, small_job
from agentarch.text import one_line

AUTO, UNSAFE = "auto", "unsafe"
LOCAL_TIERS = ("jail", "landlock")
"""Those that `auto` chooses from, strongest first."""

SANDBOXES = (AUTO, *LOCAL_TIERS, "docker", UNSAFE)
SELF_TEST_SECONDS = 60.0
TRIED = (
    *("files", "processes", "network", "system_calls", "privileges"),
    *("descriptors", "environment", "limits", "libraries"),
)
"""What `sandbox/probe.py` looks at."""


@dataclass(frozen=True)
class Wall:
    """One wall of a box, as its self-test found it.

    Attributes:
        name: e.g. `"network"`.
        holds: whether every attempt on it was refused.
        found: what was not refused; empty when it holds.
    """

    name: str
    holds: bool
    found: str = ""


@dataclass(frozen=True)
class SelfTest:
    """What a tier's self-test found.

    Attributes:
        tier: its name.
        works: whether boxes start, designs train, and every wall holds.
        reason: why not; empty when it works.
        mend: what to do about it; empty when it works, or nothing is known.
        walls: each wall; empty when no box could be started.
    """

    tier: str
    works: bool
    reason: str = ""
    mend: str = ""
    walls: tuple[Wall, ...] = ()

    def told(self) -> str:
        """Return what failed and what to do about it, in sentences."""
        return " ".join(part for part in (f"{self.tier}: {self.reason.rstrip('.')}.", self.mend) if part)


def check_sandbox(sandbox: str) -> None:
    """Make sure that a name is one of `SANDBOXES`.

    Raises:
        UsageError: it is not.
    """
    if sandbox not in SANDBOXES:
        raise unknown_name("sandbox", sandbox, SANDBOXES, never_meant=(UNSAFE,))


def make_executor(sandbox: str, ready_boxes: int = 2, program: Program = "network") -> Executor:
    """Return an executor of a named tier, whose boxes run one program; nothing is started or tested yet.

    Raises:
        UsageError: there is no such tier, or it is `auto`, which `choose_executor` is for.
    """
    if sandbox == "docker":
        return DockerExecutor(program=program)
    if sandbox in (*LOCAL_TIERS, UNSAFE):
        return LocalExecutor(sandbox, ready_boxes=ready_boxes, program=program)
    raise unknown_name("sandbox", sandbox, SANDBOXES, never_meant=(UNSAFE,))


def choose_executor(
    sandbox: str, ready_boxes: int = 2, program: Program = "network"
) -> tuple[Executor, tuple[SelfTest, ...]]:
    """Start the executor of a tier that passes its self-test.

    Args:
        sandbox: one of `SANDBOXES`.
        ready_boxes: to keep ready ahead of need.
        program: what its boxes run.

    Returns:
        The started executor, and the self-tests of the tiers that were passed over because they failed.

    Raises:
        ExecutorUnavailable: the tier, or with `auto` every one, fails; the message says why and what to do.
        ExecutionStopped: it was closed meanwhile.
    """
    check_sandbox(sandbox)
    failed: list[SelfTest] = []
    for tier in LOCAL_TIERS if sandbox == AUTO else (sandbox,):
        executor = make_executor(tier, ready_boxes, program)
        try:
            tested = self_test(executor, tier, program)
        except BaseException:
            executor.close()
            raise
        if tested.works:
            return executor, tuple(failed)
        executor.close()
        failed.append(tested)
    raise ExecutorUnavailable(_refusal(sandbox, failed))


def self_test(executor: Executor, tier: str, program: Program = "network") -> SelfTest:
    """Start an executor and try the walls of one of its boxes from within.

    The unsafe tier has no walls to try; it works when a design trains, or asks and answers.

    Raises:
        ExecutionStopped: the executor was closed meanwhile.
    """
    try:
        executor.start()
    except ExecutorUnavailable as error:
        return SelfTest(tier, False, str(error), _how_to_mend(str(error)))
    outcome, reason, output = _tried(executor, program, _self_test_source(tries_walls=tier != UNSAFE))
    walls = _walls_found(output) if tier != UNSAFE else ()
    if outcome is not Outcome.SCORED:
        return SelfTest(tier, False, reason, _how_to_mend(reason), walls)
    broken = [wall for wall in walls if not wall.holds]
    if broken:
        reason = "; ".join(f"the wall {wall.name!r} does not hold: {wall.found}" for wall in broken)
        return SelfTest(tier, False, reason, _how_to_mend(reason), walls)
    if tier != UNSAFE and {wall.name for wall in walls} != set(TRIED):
        return SelfTest(
            tier, False, "the self-test did not try every wall", "Report this as a fault of agentarch.", walls
        )
    return SelfTest(tier, True, walls=walls)


def _refusal(sandbox: str, failed: list[SelfTest]) -> str:
    told = " ".join(one.told() for one in failed)
    if sandbox != AUTO:
        return f"the sandbox that was asked for does not work here. {told} `agentarch doctor` tells which do."
    return (
        f"no sandbox works here, and designs are not run without one. {told} `agentarch doctor` tells more; "
        "`--sandbox unsafe` runs designs with no walls at all, and its scores are never elites."
    )


def _tried(executor: Executor, program: Program, source: str) -> tuple[Outcome, str, str]:
    """Run the self-test; return its outcome, the reason, and what it printed."""
    limits = Limits(SELF_TEST_SECONDS)
    if program == "network":
        result = executor.run(small_job(source, limits=limits))
        return result.outcome, result.reason, result.output
    asked = executor.interview(small_interview(source, limits))
    return asked.endings[0].outcome, asked.endings[0].reason, asked.output


def _self_test_source(tries_walls: bool) -> str:
    source = (content_folder("sandbox") / "probe.py").read_text()
    outside = {"file": str(Path(__file__).resolve()), "process": os.getpid()} if tries_walls else None
    return "\n".join(
        f"OUTSIDE = {outside!r}" if line.startswith("OUTSIDE = ") else line for line in source.splitlines()
    )


def _walls_found(output: str) -> tuple[Wall, ...]:
    """Read the lines that `sandbox/probe.py` printed in every box; a wall holds that held in all."""
    walls: dict[str, Wall] = {}
    for line in output.splitlines():
        try:
            found = json.loads(line)
            wall = Wall(found["wall"], not found["open"], one_line(found["open"]))
        except (ValueError, KeyError, TypeError):
            continue
        if wall.name not in walls or not wall.holds:
            walls[wall.name] = wall
    return tuple(walls.values())


_MENDS = (
    (
        ("No module named 'torch'", "No module named 'numpy'"),
        "Install torch: pip install -c constraints.txt torch",
    ),
    (("seccomp",), "Use a kernel with CONFIG_SECCOMP_FILTER; every distribution's own has it."),
    (
        ("Landlock",),
        "Use Linux 6.2 or newer with `landlock` among the `lsm=` modules of the kernel's command line.",
    ),
    (("hidepid",), "Mount /proc without hidepid, or let this user see it all with the mount's option gid=."),
    (("Resource temporarily unavailable",), "Raise the limit on processes of this user (ulimit -u)."),
    (("ulimit -t",), "Raise the limit on processor time (ulimit -t), or lift it."),
    (("Too many open files",), "Raise the limit on open files (ulimit -n)."),
    (("no container engine answers",), "Start Docker or Podman."),
    (
        ("does not hold",),
        "Do not rely on this sandbox here; please report what `agentarch doctor --json` prints.",
    ),
)
"""What can be done, by what a reason has in it."""

_NEEDS_NAMESPACES = ("unshare", "mount", "pivot_root", "_map", "user namespace")


def _how_to_mend(reason: str) -> str:
    """Return what a person can do about a tier that does not work here; empty when nothing is known."""
    for parts, mend in _MENDS:
        if any(part in reason for part in parts):
            return mend
    if any(part in reason for part in _NEEDS_NAMESPACES):
        return _why_no_namespaces() or (
            "In a container, allow namespaces (docker run --security-opt seccomp=unconfined), "
            "or run agentarch outside it."
        )
    return ""


def _why_no_namespaces() -> str:
    """Return the kernel setting that refuses namespaces to this user, with the command that allows them."""
    for name, refusing in (
        ("user.max_user_namespaces", "0"),
        ("user.max_mnt_namespaces", "0"),
        ("user.max_pid_namespaces", "0"),
        ("user.max_net_namespaces", "0"),
        ("kernel.unprivileged_userns_clone", "0"),
        ("kernel.apparmor_restrict_unprivileged_userns", "1"),
    ):
        try:
            value = Path("/proc/sys", name.replace(".", "/")).read_text().strip()
        except OSError:
            continue
        if value == refusing:
            allowing = "0" if refusing == "1" else "1" if name.startswith("kernel") else "10000"
            command = f"sudo sysctl -w {name}={allowing}"
            return f"This kernel refuses namespaces ({name} = {value}); allow them with: {command}"
    return ""
