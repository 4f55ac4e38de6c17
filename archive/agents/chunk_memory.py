"""Chunk memory: read the input a chunk at a time, keep what matters in a small structured memory, answer from that.

Idea: what is read is not kept, only a memory of fixed form: a few facts and the answer so far, amended after each
chunk by a short reply. So the context of a call stays short however long the input is. Good at long documents that
end with the question; what was not noted is gone, and a short question gains only a second look.

Calls a question: 2 to 9

Source: Jayalath et al., "Long-Range Tasks Using Short-Context LLMs: Incremental Reasoning With Structured Memories",
2024 (PRISM).
"""

import re
from itertools import pairwise

CHUNK_WORDS = 150
MAX_CHUNKS = 8
FACTS = 12
ENDING_WORDS = 40

READ = """{memory}{chunk}
Think step by step.
This text may be one piece of a longer one: note every fact that matters on a line that begins with a dash.
Finish with a line "The answer is <answer>", or with "unknown" if the text so far does not tell."""

ENDING = """
The whole text ends like this: {words}."""

FACT = """Noted earlier: {fact}.
"""

DRAFT = """Others say {answer}.
"""


async def solve(question, model):
    facts, draft = [], ""
    chunks = chunks_of(question)
    ending = ENDING.format(words=" ".join(question.split()[-ENDING_WORDS:]))
    for chunk in [*(chunk + ending for chunk in chunks[:-1]), chunks[-1]]:
        reply = await ask(model, READ.format(memory=written(facts), chunk=chunk))
        noted = [
            quoted(line.strip().lstrip("-* ")) for line in reply.splitlines() if re.match(r"\s*[-*] ", line)
        ]
        facts = list(dict.fromkeys(facts + noted))[-FACTS:]
        draft = latest(final(reply), draft)
    recalled = DRAFT.format(answer=draft) if draft else ""
    return latest(await conclude(f"{recalled}{written(facts)}{chunks[-1]}", model), draft)


async def conclude(question, model):
    """Answer from the memory and the last chunk that was read."""
    return final(await ask(model, question))


def written(facts):
    """Return the facts as text."""
    return "".join(FACT.format(fact=fact) for fact in facts)


def latest(answer, before):
    """Return an answer if it tells something, or else the one before it."""
    return before if answer.lower() in ("", "unknown") else answer


def chunks_of(text):
    """Return a text in a few chunks of whole words, as even in length as can be."""
    words = re.findall(r"\S+\s*", text)
    number = min(MAX_CHUNKS, -(-len(words) // CHUNK_WORDS)) or 1
    ends = [len(words) * i // number for i in range(number + 1)]
    return ["".join(words[start:end]) for start, end in pairwise(ends)]


async def ask(model, prompt, **settings):
    """Return the model's reply, or nothing when the budget is over."""
    try:
        return await model.ask(prompt, **settings)
    except RuntimeError:
        return ""


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
