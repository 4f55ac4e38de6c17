"""Chain of thought: the model writes its reasoning down before it answers.

Idea: every step that is written out can be read by the next one, so that a long way to the answer becomes many
short ones. Good at questions of a few steps for the price of one call; an early slip carries through to the end, and
nothing looks back at it.

Calls a question: 1

Source: Wei et al., "Chain-of-Thought Prompting Elicits Reasoning in Large Language Models", 2022; the wording:
Kojima et al., "Large Language Models are Zero-Shot Reasoners", 2022.
"""

import re

STEPS = """{question}
Think step by step.
Finish with a line "The answer is <answer>"."""


async def solve(question, model):
    return final(await model.ask(STEPS.format(question=question)))


def final(reply):
    """Return the short answer that a reply ends with; a reply that has none, such as code, as it is."""
    if "```" in reply:
        return reply
    marked = r"(?i)(?:\banswer\**(?: is)?:|\banswer is\b|####)[*\s]*(.+)"
    found = re.findall(r"\\boxed\{(.*)\}", reply) or re.findall(marked, reply)
    last = re.split(r"(?<=[.!?])\s+|\n", reply.strip())[-1]
    if not found and re.fullmatch(r"[A-Za-z](?:[\w\s'$%.-]|,(?=\d))*\.", last):  # a plain sentence
        end = re.split(r"\b(?:is|are|was|were) ", last)[-1]
        found = re.findall(r"(?<!\w)-?\d[\d.,]*(?!\w)", end) or [end if end != last else last.split()[-1]]
    if not found:
        return reply.strip()
    return re.split(r"[.!?](?:\s|$)", found[-1])[0].strip(" ,*_$`\"'")
