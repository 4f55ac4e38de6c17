"""The kinds of design, one small file each; the loop knows only the `Kind` contract."""

from __future__ import annotations

from agentarch.errors import unknown_name
from agentarch.execution.contract import MIB
from agentarch.kinds.contract import Asking, Kind

KINDS = ("network", "agent")

__all__ = ["KINDS", "Asking", "Kind", "make_kind"]


def make_kind(name: str, secret: str, memory_mib: int) -> Kind:
    """Return a kind of design by name.

    Raises:
        agentarch.errors.UsageError: there is no such kind.
    """
    if name == "network":
        from agentarch.kinds.network import NetworkKind

        return NetworkKind(secret, memory_mib * MIB)
    if name == "agent":
        from agentarch.kinds.agent import AgentKind

        return AgentKind(secret, memory_bytes=memory_mib * MIB)
    raise unknown_name("kind of design", name, KINDS)
