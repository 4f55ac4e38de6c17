"""What a pipeline did, call by call: the trace is its graph, with measures of its shape and of who was wrong first."""

from agentarch.traces.account import question_account, typical_account
from agentarch.traces.blame import MEANINGS, Blame, Fault, blame_of, is_checkable
from agentarch.traces.graph import Graph, Shape, graph_of, shape_of
from agentarch.traces.record import CallRecord, Trace, TraceLost, read_trace, write_trace
from agentarch.traces.typical import Link, Question, Step, Typical, typical_of

__all__ = [
    "MEANINGS",
    "Blame",
    "CallRecord",
    "Fault",
    "Graph",
    "Link",
    "Question",
    "Shape",
    "Step",
    "Trace",
    "TraceLost",
    "Typical",
    "blame_of",
    "graph_of",
    "is_checkable",
    "question_account",
    "read_trace",
    "shape_of",
    "typical_account",
    "typical_of",
    "write_trace",
]
