"""Debate: several agents answer, hear what the others say, and answer again until they agree or the rounds are over.

Idea: an agent that hears another answer has to weigh it against its own, and arguments for the right answer
convince more often than those for a wrong one. Ends early where all agree, so easy questions stay cheap. Good at
errors that differ between agents; an error that most of them share wins the more surely.

Calls a question: 3 to 9

Source: Du et al., "Improving Factuality and Reasoning in Language Models through Multiagent Debate", 2023; roles as in
Liang et al., "Encouraging Divergent Thinking in Large Language Models through Multi-Agent Debate", 2023.
"""

import asyncio
import re

ROUNDS = 2
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

WEIGH = """{question}
Weigh their opinions against your own reasoning.
Finish with a line "The answer is <answer>"."""


async def solve(question, model):
    answers = await asyncio.gather(*(state(f"{persona}\n{question}", model) for persona in PERSONAS))
    for _ in range(ROUNDS):
        if len(ranked(answers)) < 2:
            break
        said = listed([answer for answer in answers if answer], "and")
        heard = HEARD.format(answers=said, question=question)
        changed = await asyncio.gather(*(reconsider(f"{persona}\n{heard}", model) for persona in PERSONAS))
        answers = [new or old for new, old in zip(changed, answers, strict=True)]
    return next(iter(ranked(answers)), "")


async def state(question, model):
    """Answer before anybody has said anything."""
    return final(await ask(model, STEPS.format(question=question), temperature=TEMPERATURE))


async def reconsider(question, model):
    """Answer the question that begins with what all have said."""
    return final(await ask(model, WEIGH.format(question=question), temperature=TEMPERATURE))


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
