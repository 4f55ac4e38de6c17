"""Single call: the question as it is, one answer.

Idea: whatever the model knows at first sight is the baseline that every other design has to be worth its calls
against. The cheapest design there is; bad at whatever takes more than one step.

Calls a question: 1

Source: Brown et al., "Language Models are Few-Shot Learners", 2020 (the zero-shot setting).
"""

import re

PROMPT = "{question}"


async def solve(question, model):
    return final(await model.ask(PROMPT.format(question=question)))


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
