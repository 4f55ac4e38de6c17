"""Quality diversity: one attempt after the other, each by a way unlike those before; then the best of them is chosen.

Idea: samples of one prompt tend to be alike, so later attempts are told what has been tried and asked for
something else. What they all reach is trusted; what they differ on is put side by side. Good at questions with many
ways in; its attempts wait for one another, and a model that has one good way is made to leave it.

Calls a question: 4 to 5

Source: "Quality-Diversity" among the first designs of Hu et al., "Automated Design of Agentic Systems", 2024, after
Lehman & Stanley, "Evolving a Diversity of Virtual Creatures through Novelty Search and Local Competition", 2011.
"""

import re

ATTEMPTS = 4
TEMPERATURE = 1.0

STEPS = """{question}
Think step by step.
Finish with a line "The answer is <answer>"."""

OTHERWISE = """
Somebody else reached {answer}: try another interesting approach."""

CHOICE = """{question}
Which is right, {options}?"""


async def solve(question, model):
    answers, tried = [], ""
    for _ in range(ATTEMPTS):
        answers.append(await attempt(question + tried, model))
        tried += OTHERWISE.format(answer=quoted(answers[-1]))
    return await choose(model, question, ranked(answers))


async def attempt(question, model):
    """Answer once; the question may say what has been tried."""
    return final(await ask(model, STEPS.format(question=question), temperature=TEMPERATURE))


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
