"""What an attack is, as data."""

from collections.abc import Callable
from dataclasses import dataclass

from agentarch.evaluation import Evaluation, Outcome

BREACH = "BREACH"
"""What a design prints when its attack succeeded."""


@dataclass(frozen=True)
class Attack:
    """One design of the threat list.

    Attributes:
        number: in the threat list, 1 to 77.
        name: a few words, for the test's name.
        source: the design; prints `BREACH` and what it got when it got through. `{name}` is filled in for every name
            in `needs`.
        outcomes: those that are right for it.
        lifted: walls without which it gets through; see `sandbox/policy.py`. Empty where `unguarded` shows it.
        also_lifted: walls that are lifted both times, to see that another one behind them holds as well.
        unguarded: shows, without the check of ours that holds it, that it would succeed; called with an executor.
        succeeded: whether it got through, from its evaluation; by default whether it printed `BREACH`.
        needs: what the test sets up outside for it: `secret_file`, `listener`, `abstract_socket`, `engine_pid`,
            `shared_folder`.
        wall_seconds: limit.
        memory_mib: limit.
        only: why it cannot run here, or empty; called when the test starts.
    """

    number: int
    name: str
    source: str
    outcomes: tuple[Outcome, ...]
    lifted: tuple[str, ...] = ()
    also_lifted: tuple[str, ...] = ()
    unguarded: Callable[..., None] | None = None
    succeeded: Callable[[Evaluation], bool] = lambda evaluation: BREACH in evaluation.output
    needs: tuple[str, ...] = ()
    wall_seconds: float = 20.0
    memory_mib: int = 1024
    only: Callable[[], str] = lambda: ""
