"""Archon: a stack of operators over one set of candidates: generate, critique, rank, fuse, verify.

Idea: techniques that spend calls at inference time are layers that can be stacked, and each layer feeds on what the
one before left over: many candidates, those that survive a critic, the best of them by rank, one fused answer, and a
check that keeps the fusion only if it holds. Unanimous candidates need no further layer. Good all round for a dozen
calls; the layers see whole answers only, so an error within all candidates stays.

Calls a question: 6 to 15

Source: Saad-Falcon et al., "Archon: An Architecture Search Framework for Inference-Time Techniques", 2024.
"""

import asyncio
import re

CANDIDATES = 6
KEPT = 3
TEMPERATURE = 1.0

STEPS = """{question}
Think step by step.
Finish with a line "The answer is <answer>"."""

CHECK = """{question}
Is the answer {answer}? Yes or no."""

CHOICE = """{question}
Which is right, {options}?"""

HEARD = """Others say {answers}.
{question}"""

FUSE = """{question}
Fuse what is best in these candidates.
Finish with a line "The answer is <answer>"."""


async def solve(question, model):
    answers = await asyncio.gather(*(generate(question, model) for _ in range(CANDIDATES)))
    if len(ranked(answers)) < 2:
        return next(iter(ranked(answers)), "")
    verdicts = await asyncio.gather(*(verify(model, question, option) for option in ranked(answers)))
    held = [option for option, holds in zip(ranked(answers), verdicts, strict=True) if holds]
    best = await choose(model, question, (held or ranked(answers))[:KEPT])
    said = listed([best, *filter(None, answers)], "and")
    fused = await fuse(HEARD.format(answers=said, question=question), model)
    return fused if fused and await verify(model, question, fused) else best


async def generate(question, model):
    """Answer once, as one of the candidates."""
    return final(await ask(model, STEPS.format(question=question), temperature=TEMPERATURE))


async def fuse(question, model):
    """Answer the question that begins with the candidates."""
    return final(await ask(model, FUSE.format(question=question)))


async def verify(model, question, answer):
    """Whether the model accepts an answer."""
    return accepts(await ask(model, CHECK.format(question=question, answer=answer)))


async def choose(model, question, options):
    """Return the option that the model holds right, by default the first."""
    if len(options) < 2:
        return next(iter(options), "")
    reply = await ask(model, CHOICE.format(question=question, options=listed(options, "or")))
    return next((option for option in options if plain(option) == plain(final(reply))), options[0])


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
