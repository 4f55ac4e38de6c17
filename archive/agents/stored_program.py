"""Stored program: the model writes a list of instructions, and each runs by itself on a store that outlives it.

Idea: a model with a short context becomes a computer when a list of instructions and a store lie outside it. Each
instruction runs in a fresh context that holds only what it reads from the store, and its output is checked before
it is written; what fails is run again. Good at long tasks made of small ones; what the list leaves out is never
done, and the check is as good as the model's judgement.

Calls a question: 3 to 37

Source: Holt et al., "L2MAC: Large Language Model Automatic Computer for Extensive Code Generation", 2023.
"""

import re

RUNS = 3
MAX_PARTS = 6
TEMPERATURE = 1.0

SPLIT = """{question}
Split the question.
Every part is a short question on its own line with all the facts that it needs; #1 stands for what part 1 gives; \
the last part gives the solution."""

CHECK = """{question}
Is the answer {answer}? Yes or no."""


async def solve(question, model):
    store = {}
    for address, instruction in enumerate(await split(model, question), 1):
        store[address] = await output_of(model, filled(instruction, store))
    return store[len(store)]


async def output_of(model, instruction):
    """Return the first output of an instruction that passes the check, or else the most frequent one."""
    outputs = []
    for _ in range(RUNS):
        outputs.append(await execute(instruction, model))
        if accepts(await ask(model, CHECK.format(question=instruction, answer=outputs[-1]))):
            return outputs[-1]
    return next(iter(ranked(outputs)), "")


async def execute(question, model):
    """Run one instruction that holds all it needs."""
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
