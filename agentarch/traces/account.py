"""A typical graph, and the graph of one question, as plain JSON values. Texts in them are hostile."""

from __future__ import annotations

from typing import Any

from agentarch.text import printable
from agentarch.traces.blame import MEANINGS
from agentarch.traces.typical import Question, Typical

MOST_PROMPT = 4000
"""Characters of a prompt that stands for many."""


def typical_account(typical: Typical) -> dict[str, Any]:
    """Return a typical graph; in its links, 0 is the question as `start`, and the final answer as `to`."""
    wrong = sum(typical.faults.values())
    return {
        "questions": len(typical.questions),
        "wrong": typical.wrong,
        "is_checkable": typical.is_checkable,
        "faults": {fault.value: count for fault, count in sorted(typical.faults.items())},
        "rare_calls": typical.rare_calls,
        "steps": [
            {
                "number": step.number,
                "level": step.level,
                "label": step.label,
                "prompt": printable(step.prompt, MOST_PROMPT),
                "share": step.share,
                "calls": step.calls,
                "tokens": step.tokens,
                "seconds": step.seconds,
                "right": step.right,
                "first_errors": step.first_errors,
                "first_error_share": step.first_errors / wrong if wrong else 0.0,
                "faults": {fault.value: count for fault, count in sorted(step.faults.items())},
            }
            for step in typical.steps
        ],
        "links": [{"start": one.start, "to": one.to, "share": one.share} for one in typical.links],
    }


def question_account(question: Question) -> dict[str, Any]:
    """Return one question with its calls, what fed each, and who was wrong first."""
    graph, blame = question.graph, question.blame
    dollars = [call.dollars for call in graph.calls]
    return {
        "number": question.number,
        "question": question.question,
        "answer": question.answer,
        "label": question.label,
        "outcome": question.outcome,
        "value": question.value,
        "is_right": question.is_right,
        "blame": None
        if blame is None
        else {"fault": blame.fault.value, "call": blame.call, "meaning": MEANINGS[blame.fault]},
        "depth": graph.depth,
        "width": graph.width,
        "revision_share": graph.revision_share,
        "critical_seconds": graph.critical_seconds,
        "tokens": sum(call.tokens for call in graph.calls),
        "dollars": sum(one for one in dollars if one is not None) if None not in dollars else None,
        "finals": list(graph.finals),
        "calls": [
            {
                "number": call.number,
                "step": question.steps.get(call.number),
                "level": graph.levels[call.number],
                "fed_by": list(graph.sources[call.number]),
                "model": call.model,
                "system": call.system,
                "prompt": call.prompt,
                "temperature": call.temperature,
                "text": call.text,
                "prompt_tokens": call.prompt_tokens,
                "output_tokens": call.output_tokens,
                "seconds": call.seconds,
                "dollars": call.dollars,
                "says_right": None if question.says_right is None else call.number in question.says_right,
                "is_blamed": blame is not None and blame.call == call.number,
            }
            for call in graph.calls
        ],
    }
