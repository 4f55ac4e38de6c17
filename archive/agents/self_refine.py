"""Self-refine, in the manner of Reflexion: attempt, judge, write down what went wrong, attempt again.

Idea: the model is often better at seeing that an answer is wrong than at avoiding the error, and a remark in words
is a lesson that the next attempt can read. Spends calls only where the judge is not content. Good where errors
show; a judge that sees nothing stops at a wrong answer, and a judge that is wrong talks the model out of a right one.

Calls a question: 2 to 5

Source: Shinn et al., "Reflexion: Language Agents with Verbal Reinforcement Learning", 2023; Madaan et al.,
"Self-Refine: Iterative Refinement with Self-Feedback", 2023.
"""

import re

ATTEMPTS = 3
TEMPERATURE = 1.0

STEPS = """{question}
Think step by step.
Finish with a line "The answer is <answer>"."""

JUDGE = """{question}
Is the answer {answer}? Yes or no.
If it is wrong, explain briefly what went wrong and how a fresh attempt should avoid it."""

LESSON = """
Reviewers rejected the earlier attempt {answer} and remarked: {remark}."""


async def solve(question, model):
    answer, lessons = "", ""
    for left in reversed(range(ATTEMPTS)):
        answer = await attempt(question + lessons, model) or answer
        if not left:
            break
        verdict = await ask(model, JUDGE.format(question=question, answer=answer))
        if accepts(verdict):
            break
        lessons += LESSON.format(answer=quoted(answer), remark=quoted(verdict))
    return answer


async def attempt(question, model):
    """Answer once; the question may carry lessons of earlier attempts."""
    return final(await ask(model, STEPS.format(question=question), temperature=TEMPERATURE))


async def ask(model, prompt, **settings):
    """Return the model's reply, or nothing when the budget is over."""
    try:
        return await model.ask(prompt, **settings)
    except RuntimeError:
        return ""


def accepts(verdict):
    """Whether a verdict says yes before it says no."""
    return re.findall(r"\b(?:yes|no)\b", verdict.lower())[:1] == ["yes"]


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
