"""Nested flows: small flows that take a question and give an answer, put inside one another.

Idea: if every unit of reasoning keeps its state to itself and speaks the same interface, a flow may be used
wherever an answer is wanted. Here an answer is checked and given again, checked answers are voted on, and voted ones
solve the parts of a question; the last line of `solve` is the whole design, and any other nesting works as well. Good
where each level removes another kind of error; calls multiply from level to level.

Calls a question: 7 to 73

Source: Josifoski et al., "Flows: Building Blocks of Reasoning and Collaborating AI", 2023.
"""

import asyncio
import re

VOTES = 3
TRIES = 2
MAX_PARTS = 6
TEMPERATURE = 1.0

SPLIT = """{question}
Split the question.
Every part is a short question on its own line with all the facts that it needs; #1 stands for what part 1 gives; \
the last part gives the solution."""

CHECK = """{question}
Is the answer {answer}? Yes or no."""


async def solve(question, model):
    flow = by_parts(voted(checked(answer)))
    return await flow(question, model)


def by_parts(inner):
    """Return a flow that splits a question and leaves every part to an inner flow."""

    async def flow(question, model):
        answers = {}
        for number, part in enumerate(await split(model, question), 1):
            answers[number] = await inner(filled(part, answers), model)
        return answers[len(answers)]

    return flow


def voted(inner):
    """Return a flow that runs an inner flow several times at once and gives its most frequent answer."""

    async def flow(question, model):
        answers = await asyncio.gather(*(inner(question, model) for _ in range(VOTES)))
        return next(iter(ranked(answers)), "")

    return flow


def checked(inner):
    """Return a flow that runs an inner flow again while the model does not accept its answer."""

    async def flow(question, model):
        found = ""
        for _ in range(TRIES):
            found = await inner(question, model) or found
            if accepts(await ask(model, CHECK.format(question=question, answer=found))):
                break
        return found

    return flow


async def answer(question, model):
    """Answer by one call: the innermost flow."""
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
