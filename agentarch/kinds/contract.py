"""What the loop needs to know of a kind of design, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from agentarch.design import Contract, Design
from agentarch.evaluation import Evaluation, Request
from agentarch.execution.contract import Executor, Program
from agentarch.kinds.controls import Controls
from agentarch.qd.axes import Axis
from agentarch.task import AnyTask

if TYPE_CHECKING:  # models take long to load, and most commands need none
    from agentarch.broker import Broker


@runtime_checkable
class Asking(Protocol):
    """A kind of design that asks language models.

    Attributes:
        broker: answers its calls; None for that of the embedded model.
        traces: folder in which every call is kept; None to keep none.
    """

    broker: Broker | None
    traces: Path | None


class Kind(Protocol):
    """One kind of design: how it reads as text, how it is evaluated, and along which axes it is archived.

    Attributes:
        name: e.g. `"network"`.
        program: what the boxes of its designs run.
        contract: what a design must look like as text.
        axes: the dimensions of the archive; each evaluation's descriptors have these names.
    """

    name: str
    program: Program
    contract: Contract
    axes: tuple[Axis, ...]

    def limits(self, tasks: Sequence[AnyTask]) -> Mapping[str, float]:
        """Return the most a design may measure to be valid on every rung of these tasks, by descriptor."""
        ...

    def controls(self, tasks: Sequence[AnyTask]) -> Controls:
        """Return what finalists on these tasks are compared with, beside the best seed and the best random proposal."""
        ...

    def fingerprint(self, task: AnyTask, rung: int) -> str:
        """Return a hash of all that a score at a rung hangs on but the design and chance: equal ones compare.

        Raises:
            agentarch.task.TaskFailed: the task's own code raised.
        """
        ...

    def close(self) -> None:
        """Let go of what evaluations needed, and end what waits for it. May be called twice, and from any thread."""
        ...

    def evaluate(self, design: Design, task: AnyTask, request: Request, executor: Executor) -> Evaluation:
        """Run a design in a box and grade what comes out. Called from several threads at once.

        Raises:
            agentarch.execution.ExecutionStopped: the executor, or this kind, was closed meanwhile.
        """
        ...
