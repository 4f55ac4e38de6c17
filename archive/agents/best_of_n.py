"""Best of n: several chains of thought at once, each judged, and the answer that was accepted most often.

Idea: it is easier to see that an answer is right than to find it, so samples are drawn and a verifier chooses. Good
where the verifier is better than the one who answers; with one that errs as often it is a vote at twice the price.

Calls a question: 10

Source: Cobbe et al., "Training Verifiers to Solve Math Word Problems", 2021.
"""

import asyncio
import re

SAMPLES = 5
TEMPERATURE = 1.0

STEPS = """{question}
Think step by step.
Finish with a line "The answer is <answer>"."""

CHECK = """{question}
Is the answer {answer}? Yes or no."""


async def solve(question, model):
    answers = await asyncio.gather(*(think(question, model) for _ in range(SAMPLES)))
    verdicts = await asyncio.gather(*(verify(model, question, answer) for answer in answers))
    accepted = [answer for answer, holds in zip(answers, verdicts, strict=True) if holds]
    return next(iter(ranked(accepted or answers)), "")


async def think(question, model):
    """Answer on one way of reasoning."""
    return final(await ask(model, STEPS.format(question=question), temperature=TEMPERATURE))


async def verify(model, question, answer):
    """Whether the model accepts an answer."""
    verdict = await ask(model, CHECK.format(question=question, answer=answer))
    return re.findall(r"\b(?:yes|no)\b", verdict.lower())[:1] == ["yes"]


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
