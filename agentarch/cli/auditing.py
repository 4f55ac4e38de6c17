"""`agentarch tasks --audit`: whether tasks can be trusted to tell designs apart."""

from __future__ import annotations

from dataclasses import asdict

from agentarch.catalogue import find_task, find_tasks, seed_designs
from agentarch.cli.output import ERR, OUT, plain, print_json
from agentarch.cli.sandboxes import started_executor
from agentarch.kinds.audits import Audit, audit_task
from agentarch.kinds.network import CONTRACT
from agentarch.task import check_rung

LEARNER = "gru"


def audit(name: str, rung: int, seed: int, sandbox: str, as_json: bool) -> int:
    """Audit one task, or `all`, and print what was found; return the exit code.

    Raises:
        UsageError: there is no such task or rung.
        ExecutorUnavailable: no sandbox works here.
        TaskFailed: a task's own code raised.
    """
    tasks = list(find_tasks("network").values()) if name == "all" else [find_task(name, "network")]
    for task in tasks:
        check_rung(task, rung)
    learner = next(design.source for design in seed_designs(CONTRACT) if design.name == LEARNER)
    found: dict[str, list[Audit]] = {}
    executor = started_executor(sandbox, ready_boxes=1)
    try:
        for task in tasks:
            found[task.name] = []
            if not as_json:
                OUT.print(f"{plain(task.name)}, rung {rung}")
            with ERR.status(f"auditing {plain(task.name)}"):
                for one in audit_task(task, learner, executor, rung, seed):
                    found[task.name].append(one)
                    if not as_json:
                        tell(one)
    finally:
        executor.close()
    holds = all(one.holds for audits in found.values() for one in audits)
    if as_json:
        audits = {task: [asdict(one) for one in ones] for task, ones in found.items()}
        print_json({"holds": holds, "rung": rung, "seed": seed, "audits": audits})
    return 0 if holds else 1


def tell(one: Audit) -> None:
    """Print one finding."""
    mark = "[green]holds[/green]" if one.holds else "[red]fails[/red]"
    more = "" if one.holds else f"; expected {one.expected}"
    OUT.print(f"  {mark}  {one.name}: {plain(one.found, 300)}{more}", soft_wrap=True)
