"""Dynamic roles: the model names the experts that a question needs, each of them answers, the majority counts.

Idea: the right perspective depends on the question, so it is not written into the design but asked for. Good at
questions from many fields; where every expert knows the same, it is a vote among samples with one call more.

Calls a question: 4

Source: "Dynamic Assignment of Roles" among the first designs of Hu et al., "Automated Design of Agentic Systems", 2024,
after Xu et al., "ExpertPrompting: Instructing Large Language Models to be Distinguished Experts", 2023.
"""

import asyncio
import re
from itertools import chain, cycle, islice

TEAM = 3
TEMPERATURE = 1.0

RECRUIT = """{question}
Do not solve this: name {team} different experts who should, one a line, nothing else."""

ROLE = """You are the following expert: {role}.
{question}"""

ROLES = ("a careful mathematician", "a detective", "a teacher")

STEPS = """{question}
Think step by step.
Finish with a line "The answer is <answer>"."""


async def solve(question, model):
    reply = await ask(model, RECRUIT.format(question=question, team=TEAM))
    named = [quoted(line.lstrip("0123456789.)-* ")) for line in reply.splitlines() if line.strip()]
    team = islice(chain(named, cycle(ROLES)), TEAM)
    answers = await asyncio.gather(
        *(expert(ROLE.format(role=role, question=question), model) for role in team)
    )
    return next(iter(ranked(answers)), "")


async def expert(question, model):
    """Answer in the role that the question begins with."""
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
