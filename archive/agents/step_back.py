"""Step back: first the principles that a question rests on, then the answer in their light.

Idea: a question full of details hides what it is about; asked for the general rule first, the model recalls it
and applies it instead of guessing from the details. Good at science and at questions that a rule decides; of little
use where there is no rule to recall, and wrong principles lead astray.

Calls a question: 2

Source: Zheng et al., "Take a Step Back: Evoking Reasoning via Abstraction in Large Language Models", 2023.
"""

import re

PRINCIPLES = """{question}
Do not solve this yet: name the principles and general facts that a solution rests on."""

LIGHT = """These principles may help: {principles}.
{question}"""

STEPS = """{question}
Think step by step.
Finish with a line "The answer is <answer>"."""


async def solve(question, model):
    principles = quoted(await ask(model, PRINCIPLES.format(question=question)))
    return await apply(LIGHT.format(principles=principles, question=question), model)


async def apply(question, model):
    """Answer the question that carries its principles."""
    return final(await ask(model, STEPS.format(question=question)))


async def ask(model, prompt, **settings):
    """Return the model's reply, or nothing when the budget is over."""
    try:
        return await model.ask(prompt, **settings)
    except RuntimeError:
        return ""


def quoted(text):
    """Return a text as part of one sentence, so that a prompt's own sentences stay apart from it."""
    return re.sub(r"[.?!;]+(?=\s|$)", ";", " ".join(text.split())).strip("; ")


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
