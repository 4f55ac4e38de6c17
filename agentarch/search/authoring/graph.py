"""The steps of a proposal as a graph (LangGraph): what follows what, and where it may wait for a person.

Its checkpoints hold a proposal's id and nothing else; all that is known of it is in the run's log, so a step that was
killed runs again without harm.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, interrupt

from agentarch.search.proposals import Step

DECISION_SCHEMA = {
    "type": "object",
    "properties": {
        "decision": {"enum": ["approve", "reject", "edit"]},
        "reason": {"type": "string"},
        "source": {"type": "string", "description": "the edited design, for `edit`"},
    },
    "required": ["decision"],
    "additionalProperties": False,
}
"""What a decision holds, for whoever shows the graph's interrupt; it is written to the run's log, and found there."""

FOLLOWS = {
    Step.CHOOSE: (Step.PROPOSE, Step.REFLECT, Step.CHECK),
    Step.PROPOSE: (Step.REFLECT, Step.CHECK, Step.REPAIR),
    Step.REFLECT: (Step.CHECK, Step.REPAIR),
    Step.REPAIR: (Step.REFLECT, Step.CHECK, Step.REPAIR),
    Step.CHECK: (Step.GATE, Step.QUEUE, Step.REPAIR),
    Step.GATE: (Step.QUEUE, Step.CHECK),
    Step.QUEUE: (),
}
"""Which steps may follow a step; any may be the last."""


class GraphState(TypedDict):
    """What a checkpoint holds."""

    proposal: str


class Steps(Protocol):
    """What is done at each step of a proposal, by its id. A step that was done is not done again."""

    def take(self, step: Step, proposal: str) -> None:
        """Do it; called from several threads at once for different proposals."""
        ...

    def waits_for_a_person(self, proposal: str) -> bool:
        """Whether it must not go on before it has been reviewed; asked at the gate."""
        ...

    def next_step(self, proposal: str) -> Step | None:
        """Return what the log says comes next; None when nothing does."""
        ...


Graph = CompiledStateGraph[GraphState, None, GraphState, GraphState]


def build_graph(steps: Steps, checkpoints: SqliteSaver | None = None) -> Graph:
    """Return the graph over some steps."""
    graph = StateGraph(GraphState)
    for step, after in FOLLOWS.items():
        graph.add_node(step.value, _Node(steps, step))
        graph.add_conditional_edges(
            step.value, _route(steps, step), {**{one.value: one.value for one in after}, END: END}
        )
    graph.add_edge(START, Step.CHOOSE.value)
    return graph.compile(checkpointer=checkpoints)


def open_checkpoints(file: Path) -> SqliteSaver:
    """Open or make the file of checkpoints; close it with `.conn.close()`."""
    connection = sqlite3.connect(file, check_same_thread=False, timeout=30)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(
        "PRAGMA synchronous = NORMAL"
    )  # a lost checkpoint is a step looked at again, and no more
    saver = SqliteSaver(connection)
    saver.setup()
    return saver


def drive(graph: Graph, proposal: str, checkpoints: SqliteSaver) -> None:
    """Take a proposal as far as it goes now: to its end, or to where it waits for a person.

    Raises whatever a step raises; called again, it goes on with that step.
    """
    config: Any = {"configurable": {"thread_id": proposal}, "recursion_limit": 50}
    known = graph.get_state(config)
    given: Any = None if known.next else {"proposal": proposal}
    if any(task.interrupts for task in known.tasks):
        given = Command(resume=True)
    result = graph.invoke(given, config, durability="sync")
    if "__interrupt__" not in result:
        checkpoints.delete_thread(proposal)  # the log has all of it


def as_mermaid() -> str:
    """Return the graph as the text of a Mermaid figure."""
    return build_graph(_Nothing()).get_graph().draw_mermaid()


class _Node:
    """A step as a node of the graph."""

    def __init__(self, steps: Steps, step: Step) -> None:
        self._steps, self._step = steps, step

    def __call__(self, state: GraphState) -> GraphState:
        proposal = state["proposal"]
        self._steps.take(self._step, proposal)
        if self._step is Step.GATE and self._steps.waits_for_a_person(proposal):
            interrupt({"proposal": proposal}, response_schema=DECISION_SCHEMA)
        return state


def _route(steps: Steps, step: Step) -> Callable[[GraphState], str]:
    def route(state: GraphState) -> str:
        following = steps.next_step(state["proposal"])
        return END if following is None else _towards(following, step).value

    return route


def _towards(wanted: Step, step: Step) -> Step:
    """Return the step to go to on the shortest way from one to another.

    The log may be steps ahead of a checkpoint that was lost; those between, which were taken, do nothing then.
    """
    ways, known = [(one, one) for one in FOLLOWS[step]], set(FOLLOWS[step])
    for first, last in ways:
        if last is wanted:
            return first
        ways += [(first, one) for one in FOLLOWS[last] if one not in known]
        known.update(FOLLOWS[last])
    raise ValueError(f"{wanted} does not follow {step}")


class _Nothing:
    """Does nothing, for a graph that is only drawn."""

    def take(self, step: Step, proposal: str) -> None:
        """Do nothing."""

    def waits_for_a_person(self, proposal: str) -> bool:
        """Return False."""
        return False

    def next_step(self, proposal: str) -> Step | None:
        """Return None."""
        return None
