"""What keeps an evaluation from a result through no doing of its design's; never a zero.

What may pass makes it an evaluation of outcome `INFRASTRUCTURE`, which is tried again. What will not is raised.
"""

from __future__ import annotations

from agentarch.broker.broker import Closed
from agentarch.errors import AgentarchError
from agentarch.execution.contract import ExecutionStopped
from agentarch.models import BudgetSpent, Refused, Stopped


class Ungraded(AgentarchError):
    """What is to be graded could not be had: a box was lost, a judge gave no answer."""


def raise_if_over(fault: Exception | None) -> None:
    """Raise where a call to a model went unanswered because no call will be answered.

    Args:
        fault: why it went unanswered; None when it did not.

    Raises:
        agentarch.models.BudgetSpent: a ceiling of the run was reached.
        agentarch.models.Refused: a provider will not answer as things are.
        agentarch.execution.ExecutionStopped: the run is being stopped.
    """
    if isinstance(fault, BudgetSpent | Refused):
        raise fault
    if isinstance(fault, Closed | Stopped):
        raise ExecutionStopped("models are not asked any more: the run is being stopped")
