"""Which walls stand around the boxes of one warm process, and how a process puts up the last of them."""

from dataclasses import dataclass

import jail


@dataclass(frozen=True)
class Walls:
    """What stands around every box of this warm process.

    Attributes:
        program: what is run in it, `network` or `agent`.
        names: of the walls, as in `policy.TIERS`.
        lifted_syscalls: groups of refused system calls that are allowed after all.
        readable: paths that a design may read.
    """

    program: str
    names: frozenset[str]
    lifted_syscalls: frozenset[str]
    readable: list[str]

    def prepare(self) -> None:
        """Make ready what processes forked from this one need to be shut in."""
        jail.prepare(self.names, self.lifted_syscalls)

    def shut_in(self) -> None:
        """Put up the last of them around this process."""
        jail.shut(self.names, self.lifted_syscalls, self.readable)
