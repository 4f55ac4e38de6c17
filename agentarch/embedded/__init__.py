"""A small language model of our own, which knows a closed world and errs about it: pipelines are searched over it.

On the trusted side: a design meets it through a broker and never sees the world, its words or the weights. Importing
this needs no torch; `agentarch.embedded.train` does.
"""

from agentarch.embedded.model import EmbeddedModel, Reply, Request, worlds
from agentarch.embedded.names import Salt
from agentarch.embedded.questions import Item, questions
from agentarch.embedded.world import World, make_world

__all__ = ["EmbeddedModel", "Item", "Reply", "Request", "Salt", "World", "make_world", "questions", "worlds"]
