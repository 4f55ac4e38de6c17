"""Chooses the sandbox for a command, and says aloud whatever is not as strong as it should be."""

from __future__ import annotations

from collections.abc import Collection

from agentarch.cli.output import ERR
from agentarch.execution import Executor, ExecutorUnavailable
from agentarch.execution.contract import Program
from agentarch.execution.tiers import AUTO, UNSAFE, choose_executor


def started_executor(
    sandbox: str,
    ready_boxes: int,
    used_before: Collection[str] = (),
    run: str = "RUN",
    program: Program = "network",
) -> Executor:
    """Return a started executor whose self-test passed.

    Args:
        sandbox: one of `agentarch.execution.tiers.SANDBOXES`.
        ready_boxes: to keep ready ahead of need.
        used_before: tiers behind the scores that a run has already; `auto` leaves them for no other.
        run: that run, as one would type it.
        program: what its boxes run: the kind of design.

    Raises:
        ExecutorUnavailable: there is none; the message says why and what to do.
    """
    with ERR.status("testing the sandbox"):
        executor, failed = choose_executor(sandbox, ready_boxes, program)
    told = " ".join(one.told() for one in failed)
    if sandbox == AUTO and used_before and executor.name not in used_before:
        executor.close()
        before = sorted(used_before)
        here = f"auto takes {executor.name} here now. {told}".rstrip()
        raise ExecutorUnavailable(
            f"this run's scores were made in {' and '.join(before)}, and {here} Go on as before with: agentarch resume "
            f"{run} --sandbox {before[0]}; or accept the other with: agentarch resume {run} --sandbox {executor.name}"
        )
    if failed:
        _warn(f"Designs run in the {executor.name} sandbox, which is weaker than it could be: {told}")
    others = sorted(set(used_before) - {executor.name})
    if others:
        _warn(
            f"This run has scores from {' and '.join(others)}; they keep that stamp, and what is made now gets "
            f"{executor.name}."
        )
    if executor.name == UNSAFE:
        _warn(
            "THE SANDBOX IS UNSAFE: designs can read your files, your keys and the network. Every score is "
            "stamped so, and none of these designs becomes an elite."
        )
    return executor


def _warn(text: str) -> None:
    ERR.print(text, style="bold yellow", soft_wrap=True, markup=False)
