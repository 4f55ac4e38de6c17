"""Runs each design in a container of its own. Being built."""

from __future__ import annotations

from agentarch.execution.contract import ExecutorUnavailable, Job, Result


class DockerExecutor:
    """Containers."""

    name = "docker"

    def start(self) -> None:
        """Not yet."""
        raise ExecutorUnavailable("no container engine")

    def run(self, job: Job) -> Result:
        """Not yet."""
        raise ExecutorUnavailable("no container engine")

    def close(self) -> None:
        """Nothing to close."""
