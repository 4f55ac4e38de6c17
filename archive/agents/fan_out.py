"""Fan-out: one question goes to many workers at once, and what they bring back is added up in one step.

Idea: calls that do not read each other cost no more time than one of them, so the graph is as wide as the budget
allows and two calls deep. Workers differ in their instructions; the most frequent answers go to an aggregator, which
decides between them. Good at hard questions when time matters more than calls; twice the workers are soon worth
little, because they err alike.

Calls a question: 24 to 25

Source: Zhu et al., "Divide-Then-Aggregate: An Efficient Tool Learning Method via Parallel Tool Invocation", 2025; the
gain from many samples: Brown et al., "Large Language Monkeys: Scaling Inference Compute with Repeated Sampling", 2024.
"""

import asyncio
import re

WORKERS = 8
FINALISTS = 2
TEMPERATURE = 1.0

STYLES = (
    "You are a careful mathematician.",
    "You are a detective who trusts nobody.",
    "You are a teacher explaining to a beginner.",
)

STEPS = """{question}
Think step by step.
Finish with a line "The answer is <answer>"."""

CHOICE = """{question}
Which is right, {options}?"""


async def solve(question, model):
    answers = await asyncio.gather(
        *(work(f"{style}\n{question}", model) for style in STYLES for _ in range(WORKERS))
    )
    return await choose(model, question, ranked(answers)[:FINALISTS])


async def work(question, model):
    """Answer as one of the many."""
    return final(await ask(model, STEPS.format(question=question), temperature=TEMPERATURE))


async def choose(model, question, options):
    """Return the option that the model holds right, by default the first."""
    if len(options) < 2:
        return next(iter(options), "")
    reply = await ask(model, CHOICE.format(question=question, options=listed(options, "or")))
    return next((option for option in options if plain(option) == plain(final(reply))), options[0])


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


def listed(options, word):
    """Return options as in "a, b or c"."""
    return f" {word} ".join(filter(None, [", ".join(options[:-1]), options[-1]]))


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
