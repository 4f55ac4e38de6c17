"""Mixture of agents: layers of agents, each of which sees all answers of the layer before; a last one sums up.

Idea: a model answers better when it sees other answers, even poorer ones, so a wide layer of proposals feeds
the next and errors are filtered on the way up. Good where proposals complement each other; a fixed price whether the
question is hard or not, and a last word that may follow the wrong majority.

Calls a question: 7

Source: Wang et al., "Mixture-of-Agents Enhances Large Language Model Capabilities", 2024.
"""

import asyncio
import re

LAYERS = 2
TEMPERATURE = 1.0

PERSONAS = (
    "You are a careful mathematician.",
    "You are a quick-witted detective.",
    "You are a sceptical teacher.",
)

STEPS = """{question}
Think step by step.
Finish with a line "The answer is <answer>"."""

HEARD = """Others say {answers}.
{question}"""

MERGE = """{question}
Some of these opinions may be biased or incorrect: evaluate them critically.
Finish with a line "The answer is <answer>"."""


async def solve(question, model):
    answers = await asyncio.gather(*(propose(f"{persona}\n{question}", model) for persona in PERSONAS))
    for _ in range(LAYERS - 1):
        heard = with_answers(question, answers)
        merged = await asyncio.gather(*(merge(f"{persona}\n{heard}", model) for persona in PERSONAS))
        answers = [new or old for new, old in zip(merged, answers, strict=True)]
    return await merge(with_answers(question, answers), model) or next(iter(ranked(answers)), "")


async def propose(question, model):
    """Answer in the first layer."""
    return final(await ask(model, STEPS.format(question=question), temperature=TEMPERATURE))


async def merge(question, model):
    """Answer the question that carries what a whole layer has said."""
    return final(await ask(model, MERGE.format(question=question), temperature=TEMPERATURE))


def with_answers(question, answers):
    """Return a question that carries the answers of a layer."""
    said = [answer for answer in answers if answer]
    return HEARD.format(answers=listed(said, "and"), question=question) if said else question


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
