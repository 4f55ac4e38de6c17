"""Every command with its options and help. Imports nothing heavy, so that `--help` answers at once."""

from agentarch.cli.commands import answering, looking, measuring, searching
from agentarch.cli.commands.base import app

__all__ = ["answering", "app", "looking", "measuring", "searching"]

_ORDER = (
    *("search", "resume", "status", "show", "review", "report", "evaluate", "tasks", "simulate"),
    *("test", "knockout", "route", "transfer", "doctor"),
)
"""As people meet them, whatever the order in which their files are imported."""

app.registered_commands.sort(key=lambda one: _ORDER.index(one.name or getattr(one.callback, "__name__", "")))
