"""Runs designs in boxes. What comes back is raw arrays, claims that nobody believes, and a measured cost."""

from agentarch.execution.contract import (
    ExecutionStopped,
    Executor,
    ExecutorUnavailable,
    Interview,
    Interviewed,
    Job,
    Limits,
    Program,
    Question,
    Result,
)
from agentarch.execution.local import LocalExecutor

__all__ = [
    "ExecutionStopped",
    "Executor",
    "ExecutorUnavailable",
    "Interview",
    "Interviewed",
    "Job",
    "Limits",
    "LocalExecutor",
    "Program",
    "Question",
    "Result",
]
