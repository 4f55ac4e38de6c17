"""Task graph: tasks that depend on each other, run as soon as they are ready; one that fails is planned anew.

Idea: the parts of a question form a directed graph, so those that do not wait for each other run at once. A task
whose result is doubted is put in other words and run again, and the results so far are weighed. Good at questions
with independent parts and at parts that only their wording makes hard; a plan that is wrong as a whole stays wrong.

Calls a question: 3 to 49

Source: Yu et al., "Autonomous Deep Agent", 2025.
"""

import asyncio
import re

REPLANS = 2
MAX_PARTS = 6
TEMPERATURE = 1.0

SPLIT = """{question}
Split the question.
Every part is a short question on its own line with all the facts that it needs; #1 stands for what part 1 gives; \
the last part gives the solution."""

REPLAN = """{question}
Ask it in other words."""

CHECK = """{question}
Is the answer {answer}? Yes or no."""


async def solve(question, model):
    tasks = dict(enumerate(await split(model, question), 1))
    done = {}
    while waiting := {number: task for number, task in tasks.items() if number not in done}:
        ready = {number: task for number, task in waiting.items() if needs(task) <= done.keys()}
        if not ready:  # they wait for each other
            return await run(model, question)
        results = await asyncio.gather(*(run(model, filled(task, done)) for task in ready.values()))
        done.update(zip(ready, results, strict=True))
    return done[len(tasks)]


async def run(model, task):
    """Return a task's result; a doubted one is reworded and run again, and the most frequent result counts."""
    wording, results = task, []
    for left in reversed(range(REPLANS + 1)):
        results.append(await execute(wording, model))
        if accepts(await ask(model, CHECK.format(question=wording, answer=results[-1]))):
            return results[-1]
        if left:
            wording = await ask(model, REPLAN.format(question=task), temperature=TEMPERATURE) or task
    return next(iter(ranked(results)), "")


async def execute(question, model):
    """Answer one task."""
    return final(await ask(model, question))


def needs(task):
    """Return the numbers of the tasks whose results a task reads."""
    return {int(number) for number in re.findall(r"#(\d+)", task)}


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
