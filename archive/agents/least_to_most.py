"""Least to most: split the question, then answer its parts in turn, each with the answers before it filled in.

Idea: a part is easier than the whole, and the answer to one makes the next one a part, too. Good at questions that
are chains of simple ones, also longer than any the model manages at once; one wrong part spoils all after it, and a
question that has no parts gains nothing.

Calls a question: 2 to 7

Source: Zhou et al., "Least-to-Most Prompting Enables Complex Reasoning in Large Language Models", 2022.
"""

import re

MAX_PARTS = 6

SPLIT = """{question}
Split the question.
Every part is a short question on its own line with all the facts that it needs; #1 stands for what part 1 gives; \
the last part gives the solution."""


async def solve(question, model):
    answers = {}
    for number, part in enumerate(await split(model, question), 1):
        answers[number] = await answer(filled(part, answers), model)
    return answers[len(answers)]


async def answer(question, model):
    """Answer one part."""
    return final(await ask(model, question))


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
