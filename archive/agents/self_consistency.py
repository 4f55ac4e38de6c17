"""Self-consistency: several chains of thought at once, and the answer that most of them reach.

Idea: a right answer is reached on many ways, a wrong one seldom twice; so the vote over sampled ways washes out
the slips of single ones. Good where errors differ from sample to sample and answers are short; no help against an
error that the model makes every time, and texts of which no two are alike cannot be counted.

Calls a question: 5

Source: Wang et al., "Self-Consistency Improves Chain of Thought Reasoning in Language Models", 2022.
"""

import asyncio
import re

SAMPLES = 5
TEMPERATURE = 1.0

STEPS = """{question}
Think step by step.
Finish with a line "The answer is <answer>"."""


async def solve(question, model):
    answers = await asyncio.gather(*(think(question, model) for _ in range(SAMPLES)))
    return next(iter(ranked(answers)), "")


async def think(question, model):
    """Answer on one way of reasoning."""
    return final(await ask(model, STEPS.format(question=question), temperature=TEMPERATURE))


async def ask(model, prompt, **settings):
    """Return the model's reply, or nothing when the budget is over."""
    try:
        return await model.ask(prompt, **settings)
    except RuntimeError:
        return ""


def ranked(answers):
    """Return the different answers as first written, the most frequent first; empty ones are left out."""
    same = {}
    for answer in filter(None, answers):
        same.setdefault(plain(answer), []).append(answer)
    return [written[0] for written in sorted(same.values(), key=len, reverse=True)]


def plain(answer):
    """Return an answer without what two writers of the same answer may do differently."""
    return re.sub(r"[\s$]|(?<=\d),(?=\d{3})", "", answer.lower()).strip(".!?\"'")


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
