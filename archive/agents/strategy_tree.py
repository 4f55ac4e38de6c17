"""Strategy tree: strategies, their solutions, repairs of those; a critic says where to go on and when to stop.

Idea: one tree holds what to try, how it was carried out and how it was mended, so the search can leave a strategy
that does not work instead of mending it for ever. The first node that the critic accepts ends the search; if none is
accepted the nodes vote. Good where strategies differ and errors show; a lenient critic stops at the first solution.

Calls a question: 3 to 13

Source: Li et al., "CodeTree: Agent-guided Tree Search for Code Generation with Large Language Models", 2024.
"""

import re
from itertools import chain, cycle, islice

STRATEGIES = 3
REPAIRS = 1
TEMPERATURE = 1.0

THINK = """{question}
Do not solve this: name {number} different strategies that could, one a line, nothing else."""

DEFAULTS = ("work forwards from what is given", "work backwards from what is asked", "try cases and check")

FOLLOW = """Follow this strategy: {strategy}.
{question}"""

STEPS = """{question}
Think step by step.
Finish with a line "The answer is <answer>"."""

CRITIC = """{question}
Is the answer {answer}? Yes or no.
If it is wrong, explain briefly how to repair it."""

REJECTED = """A critic rejected {answer} and remarked: {remark}.
{question}"""

REPAIR = """{question}
Think step by step.
Repair the solution and finish with a line "The answer is <answer>"."""


async def solve(question, model):
    reply = await ask(model, THINK.format(question=question, number=STRATEGIES))
    named = [quoted(line.lstrip("0123456789.)-* ")) for line in reply.splitlines() if line.strip()]
    nodes = []
    for strategy in islice(chain(named, cycle(DEFAULTS)), STRATEGIES):
        task = FOLLOW.format(strategy=strategy, question=question)
        node = await carry_out(task, model)
        for left in reversed(range(REPAIRS + 1)):
            nodes.append(node)
            remark = await ask(model, CRITIC.format(question=question, answer=node))
            if accepts(remark):
                return node
            if left:
                rejected = REJECTED.format(answer=quoted(node), remark=quoted(remark), question=task)
                node = await repair(rejected, model) or node
    return next(iter(ranked(nodes)), "")


async def carry_out(question, model):
    """Answer by the strategy that the question begins with."""
    return final(await ask(model, STEPS.format(question=question), temperature=TEMPERATURE))


async def repair(question, model):
    """Answer the question that begins with a critic's remark on an earlier answer."""
    return final(await ask(model, REPAIR.format(question=question), temperature=TEMPERATURE))


async def ask(model, prompt, **settings):
    """Return the model's reply, or nothing when the budget is over."""
    try:
        return await model.ask(prompt, **settings)
    except RuntimeError:
        return ""


def accepts(verdict):
    """Whether a verdict says yes before it says no."""
    return re.findall(r"\b(?:yes|no)\b", verdict.lower())[:1] == ["yes"]


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
