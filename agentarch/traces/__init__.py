"""What a pipeline did, call by call: the trace is its graph, with measures of its shape and of who was wrong first."""

from agentarch.traces.graph import Graph, Shape, graph_of, shape_of
from agentarch.traces.record import CallRecord, Trace, read_trace, write_trace

__all__ = ["CallRecord", "Graph", "Shape", "Trace", "graph_of", "read_trace", "shape_of", "write_trace"]
