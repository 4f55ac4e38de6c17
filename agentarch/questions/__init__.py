"""A head start for tasks that ask agents questions: items from a user's file, or made afresh. Knows no engine.

`agentarch.task.AgentTask` says what any such task owes; `agentarch.answers` has the metrics.
"""

from agentarch.questions.files import Record, json_array, json_document, json_lines, json_members, tab_lines
from agentarch.questions.items import Item, split_of
from agentarch.questions.loaded import LoadedTask
from agentarch.questions.made import MadeTask

__all__ = [
    "Item",
    "LoadedTask",
    "MadeTask",
    "Record",
    "json_array",
    "json_document",
    "json_lines",
    "json_members",
    "split_of",
    "tab_lines",
]
