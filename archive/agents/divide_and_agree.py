"""Divide and agree: split the question, answer each part in several wordings, keep the answer that behaves best.

Idea: parts are solved one by one, and for each the candidates are compared by how they fare on what all of them are
put through, rather than by a test that was written for one of them: how many samples of how many wordings lead to a
candidate, how many checks it passes, whether it is preferred to the others. Good at chains of simple questions of
which the model gets single ones wrong; expensive, and no help where wordings and checks err alike.

Calls a question: 9 to 109

Source: Chen et al., "Divide-and-Conquer Meets Consensus: Unleashing the Power of Functions in Code Generation", 2024
(FunCoder; here one level deep).
"""

import asyncio
import re

WORDINGS = 6
SAMPLES = 2
CANDIDATES = 3
ACCEPTANCE = 2.0
PREFERENCE = 2.0
TEMPERATURE = 1.0
MAX_PARTS = 4

SPLIT = """{question}
Split the question.
Every part is a short question on its own line with all the facts that it needs; #1 stands for what part 1 gives; \
the last part gives the solution."""

REWORD = """{question}
Ask it in other words."""

CHECKS = (
    "{question}\nIs the answer {answer}? Yes or no.",
    "{question}\nIs {answer} correct? Yes or no.",
)

CHOICE = """{question}
Which is right, {options}?"""


async def solve(question, model):
    answers = {}
    for number, part in enumerate(await split(model, question), 1):
        answers[number] = await agree(model, filled(part, answers))
    return answers[len(answers)]


async def agree(model, part):
    """Return the candidate for a part that its wordings find and that its judges accept and prefer."""
    wordings = [part, *await reworded(model, part)]
    found = await asyncio.gather(*(answer(wording, model) for wording in wordings for _ in range(SAMPLES)))
    options = ranked(found)[:CANDIDATES]
    if len(options) < 2:
        return next(iter(options), "")
    checks = (approval(model, part, option) for option in options)
    preferred, *approvals = await asyncio.gather(choose(model, part, options), *checks)
    worth = [
        sum(plain(one) == plain(option) for one in found)
        + ACCEPTANCE * approved
        + PREFERENCE * (option == preferred)
        for option, approved in zip(options, approvals, strict=True)
    ]
    return options[worth.index(max(worth))]


async def reworded(model, part):
    """Return other wordings of a part, each with all its names and numbers."""
    prompts = [REWORD.format(question=part)] * WORDINGS
    replies = await asyncio.gather(*(ask(model, prompt, temperature=TEMPERATURE) for prompt in prompts))
    kept = set(re.findall(r"(?<=\s)[A-Z]\w*|\d+", part))
    different = dict.fromkeys(reply for reply in replies if reply not in ("", part))
    return [reply for reply in different if all(one in reply for one in kept)]


async def approval(model, part, option):
    """Return how many of the checks an answer passes."""
    prompts = [check.format(question=part, answer=option) for check in CHECKS]
    return sum(map(accepts, await asyncio.gather(*(ask(model, prompt) for prompt in prompts))))


async def answer(question, model):
    """Answer one wording of a part."""
    return final(await ask(model, question, temperature=TEMPERATURE))


async def choose(model, question, options):
    """Return the option that the model holds right, by default the first."""
    if len(options) < 2:
        return next(iter(options), "")
    reply = await ask(model, CHOICE.format(question=question, options=listed(options, "or")))
    return next((option for option in options if plain(option) == plain(final(reply))), options[0])


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
