"""How far hand-written pipelines get on the embedded model, which of them 600 questions tell apart, and what they cost.

`python tests/benchmarks/embedded_levels.py [WORLD_OR_WEIGHTS ...] [--count N] [--split S] [--only NAME,...]`
"""

from __future__ import annotations

import argparse
import math
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from pathlib import Path

from scipy.stats import binomtest

from agentarch.embedded import EmbeddedModel, Reply, Request, questions, worlds
from agentarch.embedded.weights import read_weights
from agentarch.embedded.world import RELATIONS

AT_ONCE = 16
"""Questions in flight, as a broker would have."""

SHORT, LONG = 12, 44
LEVEL = 0.05


@dataclass(frozen=True)
class Ask:
    """One call of a pipeline."""

    prompt: str
    n: int = 1
    temperature: float = 1.0


Solver = Generator[list[Ask], list[tuple[str, ...]], str]
Pipeline = Callable[[str], Solver]


def last_word(text: str) -> str:
    found = re.findall(r"\w+", text)
    return found[-1] if found else ""


def votes(texts: Iterable[str]) -> Counter[str]:
    return Counter(word for text in texts if (word := last_word(text)))


def top(counts: Counter[str]) -> str:
    return counts.most_common(1)[0][0] if counts else ""


def direct(n: int, temperature: float = 1.0) -> Pipeline:
    def solve(question: str) -> Solver:
        (texts,) = yield [Ask(question, n, temperature)]
        return top(votes(texts))

    return solve


def steps(n: int, temperature: float = 1.0) -> Pipeline:
    def solve(question: str) -> Solver:
        (texts,) = yield [Ask(f"{question} Think step by step.", n, temperature)]
        return top(votes(texts))

    return solve


def direct_verified(question: str) -> Solver:
    """Verify everything that fifteen direct answers came up with."""
    (texts,) = yield [Ask(question, 15)]
    found = list(votes(texts))
    replies = yield [Ask(f"{question} Is the answer {word}? Yes or no.", 5) for word in found]
    return max(zip(found, replies, strict=True), key=lambda pair: yes_share(pair[1]))[0]


def steps_verified(question: str) -> Solver:
    (texts,) = yield [Ask(f"{question} Think step by step.", 10)]
    found = [word for word, _ in votes(texts).most_common(3)]
    replies = yield [Ask(f"{question} Is the answer {word}? Yes or no.", 5) for word in found]
    return max(zip(found, replies, strict=True), key=lambda pair: yes_share(pair[1]))[0]


def debate(question: str) -> Solver:
    (texts,) = yield [Ask(f"{question} Think step by step.", 5)]
    for _ in range(2):
        said = [last_word(text) for text in texts]
        hints = f"Others say {', '.join(said[:-1])} and {said[-1]}."
        (texts,) = yield [Ask(f"{hints} {question}", 5)]
    return top(votes(texts))


def step_fusion(question: str) -> Solver:
    """Mix what steps, hints, verification and choice say of the whole question."""
    (texts,) = yield [Ask(f"{question} Think step by step.", 15)]
    counts = votes(texts)
    found = [word for word, _ in counts.most_common(3)]
    if len(found) < 2:
        return top(counts)
    said = [last_word(text) for text in texts[:5]]
    hinted, chosen = yield [
        Ask(f"Others say {', '.join(said[:-1])} and {said[-1]}. {question}", 10),
        Ask(f"{question} Which is right, {', '.join(found[:-1])} or {found[-1]}?", 10),
    ]
    total = Counter({word: counts[word] / 15 for word in found})
    for word in found:
        total[word] += 0.5 * votes(hinted)[word] / 10 + 0.3 * votes(chosen)[word] / 10
    return top(total)


def yes_share(texts: Iterable[str]) -> float:
    said = [text.lower().startswith("yes") for text in texts]
    return sum(said) / max(len(said), 1)


Single = Callable[[str], Solver]
"""Answers a question of one step."""


def hop_by_hop(single: Single) -> Pipeline:
    """Split a question, and answer its parts one after the other."""

    def solve(question: str) -> Solver:
        (texts,) = yield [Ask(f"{question} Split the question.", 1, 0.0)]
        found: list[str] = []
        for part in re.findall(r"[^?]+\?", texts[0]):
            asked = part.strip()
            for place, word in enumerate(found, start=1):
                asked = asked.replace(f"#{place}", word)
            found.append((yield from single(asked)))
        return found[-1] if found else ""

    return solve


def parts(question: str) -> tuple[str, str, str]:
    """Return who or what is asked for, the relation, and the name."""
    found = re.fullmatch(r"(\w+) is the (\w+) of (\w+)\?", question)
    return (found[1].lower(), found[2], found[3]) if found else ("what", "", "")


def wordings(question: str) -> list[str]:
    """Return the six ways of asking a question of one step."""
    who, relation, name = parts(question)
    if not relation:
        return [question] * 6
    return [
        question,
        f"{who} is {name}'s {relation}?",
        f"Name the {relation} of {name}.",
        f"Tell me {who} the {relation} of {name} is.",
        f"I wonder {who} the {relation} of {name} is.",
        f"Do you happen to know {who} the {relation} of {name} is?",
    ]


def one(n: int = 1, temperature: float = 1.0) -> Single:
    return direct(n, temperature)


def rephrased(question: str) -> Solver:
    """Let the model word the question in other ways, and vote."""
    (others,) = yield [Ask(f"{question} Ask it in other words.", 5)]
    answers = yield [Ask(asked) for asked in (question, *others)]
    return top(votes(text for texts in answers for text in texts))


def worded(n: int) -> Single:
    def solve(question: str) -> Solver:
        answers = yield [Ask(asked, n) for asked in wordings(question)]
        return top(votes(text for texts in answers for text in texts))

    return solve


def verified(wordings_used: int, n: int, checks: int) -> Single:
    """Weigh votes by what verification says of the three commonest answers."""

    def solve(question: str) -> Solver:
        answers = yield [Ask(asked, n) for asked in wordings(question)[:wordings_used]]
        counts = votes(text for texts in answers for text in texts)
        found = [word for word, _ in counts.most_common(3)]
        if len(found) == 1:
            return found[0]
        asks = [
            Ask(f"{question} {check}", checks)
            for word in found
            for check in (f"Is the answer {word}? Yes or no.", f"Is {word} correct? Yes or no.")
        ]
        replies = yield asks
        scores = {}
        for place, word in enumerate(found):
            said = yes_share([*replies[2 * place], *replies[2 * place + 1]])
            scores[word] = math.log(counts[word]) + 3 * said
        return max(scores, key=scores.__getitem__)

    return solve


def fused(n: int, weights: tuple[float, float, float, float]) -> Single:
    """Add up the evidence of wordings, steps, verification, choice and inverse questions."""
    by_steps, by_check, by_choice, by_inverse = weights

    def solve(question: str) -> Solver:
        answers = yield [
            *(Ask(asked, n) for asked in wordings(question)),
            *([Ask(f"{question} Think step by step.", 2 * n)] if by_steps else []),
        ]
        counts: dict[str, float] = defaultdict(float)
        for place, texts in enumerate(answers):
            for word, count in votes(texts).items():
                counts[word] += count / n * (by_steps if place == 6 else 1.0)
        found = sorted(counts, key=counts.__getitem__, reverse=True)[:3]
        if len(found) == 1:
            return found[0]
        _, relation, name = parts(question)
        scores = {word: math.log(counts[word] + 0.5) for word in found}
        asks = []
        for word in found:
            asks += [
                Ask(f"{question} Is the answer {word}? Yes or no.", 2 * n),
                Ask(f"{question} Is {word} correct? Yes or no.", 2 * n),
                Ask(f"Whose {relation} is {word}?", 2 * n),
            ]
        pairs = [(a, b) for a in found for b in found if a < b]
        asks += [Ask(f"{question} Which is right, {a} or {b}?", n) for a, b in pairs]
        replies = yield asks
        for place, word in enumerate(found):
            first, second, inverse = replies[3 * place : 3 * place + 3]
            scores[word] += by_check * (yes_share(first) + yes_share(second))
            if relation in ("friend", "rival", "founder", "mayor"):
                scores[word] += by_inverse * votes(inverse)[name] / (2 * n)
        for (a, b), texts in zip(pairs, replies[3 * len(found) :], strict=True):
            share = votes(texts)[a] / n
            scores[a] += by_choice * share
            scores[b] += by_choice * (1 - share)
        return max(scores, key=scores.__getitem__)

    return solve


def brute_force(names: dict[str, tuple[str, ...]]) -> Pipeline:
    """Verify every name of the right type once, for the whole question."""

    def solve(question: str) -> Solver:
        found = names[re.findall(r"the (\w+) of", question)[0]]
        replies = yield [Ask(f"{question} Is the answer {word}? Yes or no.") for word in found]
        return max(zip(found, replies, strict=True), key=lambda pair: yes_share(pair[1]))[0]

    return solve


PIPELINES: dict[str, Pipeline] = {
    "direct": direct(1),
    "direct, greedy": direct(1, 0.0),
    "direct, 15 votes": direct(15),
    "direct, 15, verified": direct_verified,
    "hop by hop": hop_by_hop(one()),
    "hop by hop, 5 votes": hop_by_hop(one(5)),
    "steps": steps(1),
    "steps, 5 votes": steps(5),
    "steps, 15 votes": steps(15),
    "steps, verified": steps_verified,
    "debate": debate,
    "steps, fused": step_fusion,
    "hop by hop, rephrased": hop_by_hop(rephrased),
    "hop by hop, verified": hop_by_hop(verified(1, 6, 2)),
    "six wordings": hop_by_hop(worded(1)),
    "six wordings, 5 votes": hop_by_hop(worded(5)),
    "six wordings, verified": hop_by_hop(verified(6, 2, 3)),
    "+ choice, inverse": hop_by_hop(fused(2, (0.0, 1.5, 1.0, 1.5))),
    "fused": hop_by_hop(fused(3, (2.0, 1.5, 1.0, 1.5))),
    "fused, more samples": hop_by_hop(fused(8, (2.0, 1.5, 1.0, 1.5))),
}


@dataclass(frozen=True)
class Row:
    """What a pipeline got: which questions it answered, and costs per question."""

    name: str
    right: tuple[bool, ...]
    calls: float
    prompt_tokens: float
    output_tokens: float
    milliseconds: float

    @property
    def score(self) -> float:
        return sum(self.right) / len(self.right)


def measure(model: EmbeddedModel, name: str, pipeline: Pipeline, items: list) -> Row:
    """Run a pipeline on questions, some in flight at a time."""
    right: list[bool] = []
    calls = prompts = outputs = 0
    started = time.perf_counter()
    for first in range(0, len(items), AT_ONCE):
        group = items[first : first + AT_ONCE]
        solvers = [pipeline(item.question) for item in group]
        answers: list[str | None] = [None] * len(group)
        asks = [next(solver) for solver in solvers]
        asked: Counter[tuple[int, str]] = Counter()
        while pending := [place for place, answer in enumerate(answers) if answer is None]:
            requests, owners = [], []
            for place in pending:
                for ask in asks[place]:
                    limit = LONG if "step" in ask.prompt or "Split" in ask.prompt else SHORT
                    if "other words" in ask.prompt:
                        limit = LONG
                    requests.append(
                        Request(ask.prompt, None, ask.temperature, limit, ask.n, group[place].salt,
                                group[place].salt, asked[place, ask.prompt])
                    )  # fmt: skip
                    asked[place, ask.prompt] += ask.n
                    owners.append(place)
            replies: dict[int, list[Reply]] = defaultdict(list)
            for place, reply in zip(owners, model.answer(requests), strict=True):
                replies[place].append(reply)
                calls += len(reply.texts)
                prompts += reply.prompt_tokens
                outputs += reply.output_tokens
            for place in pending:
                try:
                    asks[place] = solvers[place].send([reply.texts for reply in replies[place]])
                except StopIteration as done:
                    answers[place] = done.value
        right += [
            (answer or "").lower() == item.answer.lower() for answer, item in zip(answers, group, strict=True)
        ]
    n = len(items)
    spent = 1000 * (time.perf_counter() - started)
    return Row(name, tuple(right), calls / n, prompts / n, outputs / n, spent / n)


def told_apart(rows: list[Row]) -> tuple[list[str], int]:
    """Return a longest ladder of pipelines, each better than the one before, and how many pairs were compared.

    Each pair is compared by McNemar's exact test; the p-values of all pairs are corrected by Holm's method.
    """
    pairs = []
    for a in rows:
        for b in rows:
            if a.score < b.score:
                wins = sum(y and not x for x, y in zip(a.right, b.right, strict=True))
                losses = sum(x and not y for x, y in zip(a.right, b.right, strict=True))
                pairs.append((binomtest(losses, wins + losses).pvalue, a.name, b.name))
    pairs.sort()
    apart = set()
    for place, (p, a, b) in enumerate(pairs):
        if p > LEVEL / (len(pairs) - place):
            break
        apart.add((a, b))
    best: dict[str, list[str]] = {}
    for row in sorted(rows, key=lambda row: row.score):
        below = [best[name] for name in best if (name, row.name) in apart]
        best[row.name] = [*max(below, key=len, default=[]), row.name]
    return max(best.values(), key=len), len(pairs)


def main() -> None:
    """Print the table of each world."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--split", default="search")
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    failed = False
    for name in given.models or worlds():
        path = Path(name)
        model = EmbeddedModel(read_weights(path)) if path.is_file() else EmbeddedModel.load(name)
        items = questions(model.world, given.split, given.count, 12345)
        chosen = {
            key: one for key, one in PIPELINES.items() if not given.only or key in given.only.split(";")
        }
        print(f"\n{model.name}: {given.count} questions of split {given.split}\n")
        print("| pipeline | score | calls | prompt tokens | output tokens | ms |\n|---|---|---|---|---|---|")
        ranges = {relation.name: model.world.names[relation.range] for relation in RELATIONS}
        chosen["verify every name"] = brute_force(ranges)
        rows = []
        for key, pipeline in chosen.items():
            row = measure(model, key, pipeline, items)
            rows.append(row)
            print(
                f"| {key} | {row.score:.3f} | {row.calls:.1f} | {row.prompt_tokens:.0f} | "
                f"{row.output_tokens:.0f} | {row.milliseconds:.1f} |",
                flush=True,
            )
        ladder, pairs = told_apart(rows)
        print(f"\n{len(ladder)} levels told apart, of {pairs} pairs: {' < '.join(ladder)}")
        failed |= len(ladder) < 6
    sys.exit(failed)


if __name__ == "__main__":
    main()
