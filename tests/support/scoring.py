"""Scores a source in a real box, the way the engine does."""

from typing import Any

from agentarch.design import Proposal, read_design
from agentarch.evaluation import Evaluation, Request
from agentarch.execution import Executor
from agentarch.execution.contract import MIB
from agentarch.kinds.network import CONTRACT, NetworkKind
from support.tiny import Tiny


def evaluate(
    source: str,
    executor: Executor,
    wall_seconds: float = 60.0,
    memory_mib: int = 2048,
    rung: int = 0,
    task: Any = None,
    seed: int = 0,
    learning_rate: float = 1.0,
) -> Evaluation:
    """Score a source on the tiny task, or another, with public seeds."""
    task = task or Tiny(wall_seconds)
    design = read_design(Proposal(source, name="design"), CONTRACT)
    kind = NetworkKind("", memory_mib * MIB)
    request = Request(design.id, task.name, rung, seed, learning_rate=learning_rate)
    return kind.evaluate(design, task, request, executor)


def came_of(evaluation: Evaluation) -> tuple[Any, ...]:
    """Return everything about an evaluation that must not depend on what else the machine does."""
    return (
        evaluation.outcome,
        evaluation.reason,
        evaluation.score,
        evaluation.metrics,
        evaluation.descriptors,
        evaluation.behaviour,
        evaluation.report,
    )
