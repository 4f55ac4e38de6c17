"""Contract agents: a splitter, solvers and a ranker, each bound by a contract on what it takes and what it gives.

Idea: small agents with one duty each stay simple if what passes between them is checked: an agent that breaks its
contract is asked again before anything goes on. The splitter owes parts that read only earlier ones, a solver owes
a short answer, the ranker owes one of the options. Good against replies in the wrong form; a reply that is wrong
in the right form passes.

Calls a question: 5 to 50

Source: Arora et al., "MASAI: Modular Architecture for Software-engineering AI Agents", 2024.
"""

import asyncio
import re

TRIES = 2
SOLVERS = 3
MAX_PARTS = 6
MAX_WORDS = 8
TEMPERATURE = 1.0

SPLIT = """{question}
Split the question.
Every part is a short question on its own line with all the facts that it needs; #1 stands for what part 1 gives; \
the last part gives the solution."""

CHOICE = """{question}
Which is right, {options}?"""


async def solve(question, model):
    reply = await bound(model, SPLIT.format(question=question), is_plan)
    answers = {}
    for number, part in enumerate(parts_of(reply) if is_plan(reply) else [question], 1):
        answers[number] = await settle(model, filled(part, answers))
    return answers[len(answers)]


async def settle(model, part):
    """Return what most solvers of a part say, or where they differ what the ranker picks."""
    options = ranked(await asyncio.gather(*(solver(part, model) for _ in range(SOLVERS))))
    if len(options) < 2:
        return next(iter(options), "")
    known = {plain(option): option for option in options}
    prompt = CHOICE.format(question=part, options=listed(options, "or"))
    pick = await bound(model, prompt, lambda reply: plain(final(reply)) in known)
    return known.get(plain(final(pick)), options[0])


async def solver(question, model):
    """Answer one part."""
    return final(await bound(model, question, is_short))


async def bound(model, prompt, keeps_contract):
    """Return the first reply that keeps a contract, or else the last one."""
    reply = ""
    for _ in range(TRIES):
        reply = await ask(model, prompt, temperature=TEMPERATURE) or reply
        if keeps_contract(reply):
            break
    return reply


def is_plan(reply):
    """Whether a reply is the list of parts that the splitter owes, each reading only earlier ones."""
    parts = parts_of(reply)
    reads = [max(map(int, re.findall(r"#(\d+)", part)), default=0) for part in parts]
    return 1 < len(parts) <= MAX_PARTS and all(read < own for own, read in enumerate(reads, 1))


def is_short(reply):
    """Whether a reply ends with an answer of a few words, as a solver owes, or is code."""
    return "```" in reply or 0 < len(final(reply).split()) <= MAX_WORDS


def parts_of(reply):
    """Return the questions of a reply, one a line or one after the other."""
    lines = [line for line in reply.splitlines() if "?" in line]
    found = lines if len(lines) > 1 else re.findall(r"[^?]+\?", reply)
    return [re.sub(r"(?i)^[\s*-]*(?:(?:part )?\d+[.):]\s*)?", "", part).strip() for part in found]


def filled(part, answers):
    """Return a part with #1, #2 and so on replaced by the answers that are known."""
    return re.sub(r"#(\d+)", lambda number: answers.get(int(number[1]), number[0]), part)


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
