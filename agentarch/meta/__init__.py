"""The text side of a meta-agent: what a language model is told, and what is made of its answer.

Pure functions on plain records. Reads the prompt pack and nothing else; knows no store, no run and no provider.
"""

from agentarch.meta.answers import read_answer, read_reflection
from agentarch.meta.briefing import (
    Briefing,
    DecisionTold,
    DesignTold,
    EffectTold,
    FailureTold,
    LessonTold,
    TaskTold,
    target_in_words,
)
from agentarch.meta.draft import AnswerFault, Draft, Form, Hole, Reflection
from agentarch.meta.pack import MAX_TOKENS, Pack, Prompt, load_pack
from agentarch.meta.packfiles import Operator
from agentarch.meta.schemas import answer_schema, reflection_schema
from agentarch.meta.tokens import estimate_tokens

__all__ = [
    "MAX_TOKENS",
    "AnswerFault",
    "Briefing",
    "DecisionTold",
    "DesignTold",
    "Draft",
    "EffectTold",
    "FailureTold",
    "Form",
    "Hole",
    "LessonTold",
    "Operator",
    "Pack",
    "Prompt",
    "Reflection",
    "TaskTold",
    "answer_schema",
    "estimate_tokens",
    "load_pack",
    "read_answer",
    "read_reflection",
    "reflection_schema",
    "target_in_words",
]
