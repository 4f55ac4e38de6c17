"""`agentarch evaluate`: one design, one task, one box."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from agentarch.catalogue import find_task, proposal_from_file
from agentarch.cli.output import ERR, OUT, duration_text, plain, print_json, score_text
from agentarch.cli.sandboxes import started_executor
from agentarch.design import DesignError, read_design
from agentarch.errors import UsageError
from agentarch.evaluation import Evaluation, Outcome, Request
from agentarch.execution.contract import MIB
from agentarch.kinds import make_kind
from agentarch.search.summary import evaluation_summary
from agentarch.task import Task

ATTEMPTS = 3
SECRET_VARIABLE = "AGENTARCH_SECRET"


def evaluate_file(
    file: Path,
    task_name: str,
    rung: int,
    seed: int,
    learning_rate: float,
    kind_name: str,
    memory_mib: int,
    sandbox: str,
    as_json: bool,
) -> int:
    """Evaluate a design's file and print what came of it; return the exit code."""
    kind = make_kind(kind_name, os.environ.get(SECRET_VARIABLE, ""), memory_mib)
    task = find_task(task_name, kind_name)
    assert isinstance(task, Task)  # as long as there is one kind
    if not 0 <= rung < len(task.rungs):
        raise UsageError(
            f"the task {task.name!r} has no rung {rung}; it has rungs 0 to {len(task.rungs) - 1}"
        )
    if seed < 0:
        raise UsageError(f"a seed is a whole number from 0 up, not {seed}")
    if not (math.isfinite(learning_rate) and learning_rate > 0):
        raise UsageError(f"a learning rate is a number above 0, not {learning_rate}")
    request = Request("", task.name, rung, seed, learning_rate=learning_rate)
    proposal = proposal_from_file(file)
    try:
        design = read_design(proposal, kind.contract)
    except DesignError as error:
        evaluation = Evaluation(request, Outcome.INVALID, str(error))
    else:
        request = replace(request, design_id=design.id)
        executor = started_executor(sandbox, ready_boxes=1)
        try:
            with ERR.status(f"training {plain(design.name)} on {task.name}, rung {rung}"):
                for _ in range(ATTEMPTS):
                    evaluation = kind.evaluate(design, task, request, executor)
                    if evaluation.outcome is not Outcome.INFRASTRUCTURE:
                        break
        finally:
            executor.close()
    summary = evaluation_summary(evaluation)
    if as_json:
        print_json(summary)
    else:
        _tell(file, summary)
    return {Outcome.SCORED: 0, Outcome.INFRASTRUCTURE: 1}.get(evaluation.outcome, 3)


def _tell(file: Path, summary: dict[str, Any]) -> None:
    where = f"{plain(file.name)} on {summary['task']}, rung {summary['rung']}, seed {summary['seed']}"
    if summary["learning_rate"] != 1:
        where += f", {summary['learning_rate']:g} times the learning rate"
    if summary["score"] is None:
        OUT.print(f"{where}: {summary['outcome']}: {plain(summary['reason'], 400)}", soft_wrap=True)
    else:
        metrics = ", ".join(f"{name} {value:.4f}" for name, value in summary["metrics"].items())
        measured = ", ".join(
            f"{name} {value:.3g}" for name, value in summary["descriptors"].items() if name != "parameters"
        )
        OUT.print(f"{where}: score {score_text(summary['score'], summary['interval'])}, n = {summary['n']}")
        OUT.print(f"  {metrics}; {summary['parameters']:,} parameters; {measured}", soft_wrap=True)
        if summary["measures"]:
            also = ", ".join(f"{name.replace('_', ' ')} {v:.4g}" for name, v in summary["measures"].items())
            OUT.print(f"  {also}", soft_wrap=True)
    cost = summary["cost"]
    OUT.print(
        f"  took {duration_text(cost['wall_seconds'])}, {duration_text(cost['cpu_seconds'])} of processor time, "
        f"{cost['peak_memory_bytes'] / MIB:,.0f} MiB at its peak"
        + (f", in the {summary['sandbox']} sandbox" if summary["sandbox"] else "")
    )
    if summary["output"]:
        OUT.print(f"  it printed: {plain(summary['output'], 400)}", soft_wrap=True)
