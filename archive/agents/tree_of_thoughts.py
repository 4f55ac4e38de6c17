"""Tree of thoughts: grow several partial solutions a part at a time, judge each new thought, go on from the best.

Idea: a chain cannot take back a step; a tree keeps a few alternatives alive until a judgement or the rest of the
way decides between them. A thought is the answer to one part of the question; its worth is how often it came up,
and whether the model accepts it. Good where a step can be judged by itself; many calls, and a judge that is blind to
the errors prunes the right branch.

Calls a question: 5 to 67

Source: Yao et al., "Tree of Thoughts: Deliberate Problem Solving with Large Language Models", 2023.
"""

import asyncio
import re

BRANCHES = 3
BEAM = 2
MAX_PARTS = 6
TEMPERATURE = 1.0

SPLIT = """{question}
Split the question.
Every part is a short question on its own line with all the facts that it needs; #1 stands for what part 1 gives; \
the last part gives the solution."""

CHECK = """{question}
Is the answer {answer}? Yes or no."""


async def solve(question, model):
    parts = await split(model, question)
    beam = {(): 0.0}
    for part in parts:
        grown = await asyncio.gather(*(grow(model, part, path) for path in beam))
        worth = {
            (*path, answer): beam[path] + value
            for path, values in zip(beam, grown, strict=True)
            for answer, value in values.items()
        }
        beam = dict(sorted(worth.items(), key=lambda one: one[1], reverse=True)[:BEAM])
    best = next(iter(beam), ())
    return best[-1] if best else await thought(question, model)


async def grow(model, part, path):
    """Return the thoughts that may follow a path, each with its worth."""
    question = filled(part, dict(enumerate(path, 1)))
    answers = await asyncio.gather(*(thought(question, model) for _ in range(BRANCHES)))
    options = ranked(answers)
    verdicts = await asyncio.gather(
        *(ask(model, CHECK.format(question=question, answer=option)) for option in options)
    )
    shares = [sum(plain(answer) == plain(option) for answer in answers) / BRANCHES for option in options]
    return {
        option: share + accepts(verdict)
        for option, share, verdict in zip(options, shares, verdicts, strict=True)
    }


async def thought(question, model):
    """Answer one part."""
    return final(await ask(model, question, temperature=TEMPERATURE))


async def split(model, question):
    """Return the parts of a question, where #1 is the answer of part 1; the question if it has no parts."""
    reply = await ask(model, SPLIT.format(question=question))
    lines = [line for line in reply.splitlines() if "?" in line]
    found = lines if len(lines) > 1 else re.findall(r"[^?]+\?", reply)
    parts = [re.sub(r"(?i)^[\s*-]*(?:(?:part )?\d+[.):]\s*)?", "", part).strip() for part in found]
    return parts if 1 < len(parts) <= MAX_PARTS else [question]


def filled(part, answers):
    """Return a part with #1, #2 and so on replaced by the answers that are known."""
    return re.sub(r"#(\d+)", lambda number: answers.get(int(number[1]), number[0]), part)


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
