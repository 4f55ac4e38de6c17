"""The proposer `layers`: stacks of layers over candidate answers, drawn at first, then changed step by step.

The space is that of Saad-Falcon et al., "Archon: An Architecture Search Framework for Inference-Time Techniques", 2024:
which layers, in which order, and how wide. The search is random stacks, then neighbours of the best ones.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from statistics import fmean

from agentarch.design import Design, Proposal
from agentarch.evaluation import Evaluation
from agentarch.proposers.contract import Context
from agentarch.proposers.pipelines.composing import pruned
from agentarch.proposers.pipelines.definitions import define
from agentarch.proposers.pipelines.memory import Genes, Memory, listed
from agentarch.proposers.pipelines.reading import Pipeline
from agentarch.proposers.pipelines.variation import is_new, written
from agentarch.proposers.pipelines.wrappers import stock
from agentarch.proposers.pipelines.writing import MAX_NAME_CHARACTERS

Layer = tuple[str, int]
Stack = tuple[Layer, ...]

WIDTHS: dict[str, tuple[int, ...]] = {
    "generate": (1, 2, 3, 5, 8),
    "critique": (2, 3, 5),
    "rank": (1, 2, 3),
    "fuse": (1, 2, 3, 5),
    "verify": (1, 2, 3, 5),
    "vote": (1, 2, 3),
}
"""The layers, and how wide each may be."""

FIRST = "generate"
FUNCTIONS = {"verify": "sift"}
"""The function of a layer that bears another name, for what they share already has a `verify`."""

MOST_LAYERS = 6
ATTEMPTS = 100
"""How many stacks are drawn before nothing is proposed."""

RANDOM_FIRST = 10
"""So many stacks are scored before the best ones count."""

RANDOM_SHARE = 0.2
BEST = 3


class LayerSearch:
    """Draws stacks of layers; once some are scored, mostly neighbours of the best."""

    name = "layers"

    def __init__(self) -> None:
        self._memory: Memory[Stack] = Memory("LAYERS", understood)
        self._scores: dict[Stack, dict[tuple[str, int], list[float]]] = {}

    def propose(self, context: Context) -> Proposal | None:
        """Draw a stack that the run has not seen; None when chance gives none."""
        best = self.best()
        for attempt in range(ATTEMPTS):
            random_share = RANDOM_SHARE + attempt / ATTEMPTS if len(best) >= RANDOM_FIRST else 1.0
            if context.rng.random() < random_share:
                stack = drawn(context.rng)
            else:
                stack = neighbour(context.rng.choices(best[:BEST], [0.6, 0.25, 0.15])[0], context.rng)
            if proposal := _proposal(stack, context.limits, context.known):
                return proposal
        return None

    def learn(self, evaluation: Evaluation, design: Design) -> None:
        """Take note of what a stack has scored; other designs teach nothing."""
        if lesson := self._memory.lesson(evaluation, design):
            self._scores.setdefault(lesson.genes, defaultdict(list))[lesson.terms].append(lesson.score)

    def best(self) -> list[Stack]:
        """Return the scored stacks, the best first, by their scores at the lowest rung, which all have."""

        def worth(stack: Stack) -> float:
            scores = self._scores[stack]
            lowest = min(rung for _, rung in scores)
            return fmean(fmean(values) for (_, rung), values in scores.items() if rung == lowest)

        return sorted(self._scores, key=lambda stack: (-worth(stack), stack))


def drawn(rng: random.Random) -> Stack:
    """Draw a stack: candidates first, then up to five layers of any sort."""
    names = [FIRST, *rng.choices(tuple(WIDTHS), k=rng.randint(0, MOST_LAYERS - 1))]
    return settled((name, rng.choice(WIDTHS[name])) for name in names)


def neighbour(stack: Stack, rng: random.Random) -> Stack:
    """Return a stack with one layer more, less, wider, narrower, or elsewhere."""
    layers = [*stack]
    place = rng.randrange(len(layers))
    match rng.choice(("add", "remove", "resize", "resize", "exchange")):
        case "add":
            name = rng.choice(tuple(WIDTHS))
            layers.insert(place + 1, (name, rng.choice(WIDTHS[name])))
        case "remove":
            del layers[place]
        case "resize":
            name, width = layers[place]
            at = WIDTHS[name].index(width)
            layers[place] = (
                name,
                rng.choice([*WIDTHS[name][max(at - 1, 0) : at], *WIDTHS[name][at + 1 : at + 2]]),
            )
        case _:
            layers.insert(rng.randrange(len(layers)), layers.pop(place))
    return settled(layers)


def settled(layers: Iterable[Layer]) -> Stack:
    """Return layers as a stack: it begins with candidates, is no longer than it may be, and repeats no judgement."""
    stack: list[Layer] = []
    for name, width in layers:
        is_again = bool(stack) and stack[-1][0] == name
        if len(stack) < MOST_LAYERS and not (is_again and name in ("rank", "verify", "vote", "generate")):
            stack.append((name, width))
    return tuple(stack) if stack and stack[0][0] == FIRST else ((FIRST, 1), *stack[: MOST_LAYERS - 1])


def calls_of(stack: Stack) -> int:
    """Return how often a stack asks a model at most."""
    calls = candidates = 0
    for name, width in stack:
        if name == "generate":
            calls, candidates = calls + width, candidates + width
        elif name == "fuse":
            calls, candidates = calls + width, width
        elif name in ("critique", "verify"):
            calls += min(width, candidates)
        else:
            calls += min(width, candidates - 1) if name == "rank" else 0
            candidates = min(width, candidates)
    return calls


def understood(value: Genes) -> Stack | None:
    """Return the stack that a constant stands for."""
    stack = tuple(
        (name, width)
        for name, width in (one for one in value if len(one) == 2)
        if isinstance(name, str) and isinstance(width, int) and width in WIDTHS.get(name, ())
    )
    return stack if stack and len(stack) == len(value) else None


def rendered(stack: Stack) -> Pipeline:
    """Return the pipeline of a stack."""
    bare = stock("stack")
    names = dict.fromkeys(name for name, _ in stack)
    table = "{" + ", ".join(f'"{name}": {FUNCTIONS.get(name, name)}' for name in names) + "}"
    solve = define(bare.root.text.replace("layers = {}", f"layers = {table}"))
    layers = define(f"LAYERS = {listed(stack)}")
    return pruned(bare.with_changed(bare.by_name["LAYERS"], layers).with_changed(bare.root, solve))


def _proposal(stack: Stack, limits: Mapping[str, float], known: Collection[str]) -> Proposal | None:
    calls = calls_of(stack)
    if calls > limits.get("calls", calls):
        return None
    told = ", ".join(f"{name} {width}" for name, width in stack)
    name = "stack-" + "-".join(f"{name}-{width}" for name, width in stack)
    name = name if len(name) <= MAX_NAME_CHARACTERS else f"stack-of-{len(stack)}-layers-{calls}-calls"
    account = f"A stack of layers: {told}."
    source = written(rendered(stack), name, account, (), calls)
    return (
        Proposal(source, name, account, LayerSearch.name, "stack")
        if source and is_new(source, known)
        else None
    )
