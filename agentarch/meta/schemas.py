"""JSON schemas of what a model may answer, for models that can be held to one.

Strict: every property is required and no other is allowed, as providers ask. What an answer must hold beyond its
form is checked where it is read (`agentarch.meta.answers`).
"""

from __future__ import annotations

from typing import Any

from agentarch.meta.draft import Form

_TEXT = {"type": "string"}
_ABOUT: dict[str, Any] = {
    "name": _TEXT | {"description": "a short name: letters, digits, hyphens, underscores; at most 40"},
    "rationale": _TEXT | {"description": "why this should do well: one to four sentences"},
    "claim": _TEXT | {"description": "one testable sentence that may hold beyond this design"},
    "predicted_change": {
        "type": "number",
        "description": "of the mean score against the first parent, from -1 to 1",
    },
    "builds_on": {"type": "array", "items": _TEXT, "description": "ids of the lessons that were used"},
}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list_of(properties: dict[str, Any], description: str) -> dict[str, Any]:
    return {"type": "array", "items": _object(properties), "description": description}


_CONTENT: dict[Form, dict[str, Any]] = {
    "file": {"source": _TEXT | {"description": "the whole Python file"}},
    "edits": {
        "edits": _list_of(
            {
                "search": _TEXT
                | {"description": "lines of the first parent, copied exactly, that occur in it once"},
                "replace": _TEXT | {"description": "what takes their place"},
            },
            "made one after the other",
        )
    },
    "template": {
        "template": _TEXT | {"description": "the whole Python file, with ${name} where a value is left open"},
        "holes": _list_of(
            {
                "name": _TEXT | {"description": "lower-case letters, digits, underscores"},
                "values": {
                    "type": "array",
                    "items": _TEXT,
                    "description": "2 to 8, the most promising first",
                },
            },
            "one for each name in the template",
        ),
    },
}


def answer_schema(form: Form) -> dict[str, Any]:
    """Return the schema of an answer of one form. The rationale comes first: models think as they write."""
    return _object(_ABOUT | _CONTENT[form])


def reflection_schema() -> dict[str, Any]:
    """Return the schema of a reflection; its verdict comes last, after what it rests on."""
    return _object(
        {
            "concerns": {"type": "array", "items": _TEXT, "description": "one short sentence each"},
            **{
                name: {"type": "boolean", "description": meaning}
                for name, meaning in {
                    "is_novel": "differs in kind from everything shown",
                    "is_correct": "builds, trains and serves every task",
                    "is_cheaper": "needs fewer parameters or less compute than the parent",
                    "peeks": "a prediction can depend on later positions of a causal task, or on other items",
                    "hard_codes": "holds answers or a task's rule instead of learning them",
                }.items()
            },
            "verdict": {"type": "string", "enum": ["accept", "revise"]},
        }
    )
