"""Trains the embedded model of a world and writes its weights and its model card.

    python -m agentarch.embedded.train --world alder --out evals/agents/worlds

The same seeds give the same weights on one machine with one number of threads.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from agentarch.embedded.card import model_card
from agentarch.embedded.model import EmbeddedModel
from agentarch.embedded.muon import Muon
from agentarch.embedded.network import Network
from agentarch.embedded.skills import measure_skills
from agentarch.embedded.texts import MIXTURE, Flaws, Texts
from agentarch.embedded.vocabulary import ANSWER, END, QUESTION, Vocabulary
from agentarch.embedded.weights import Shape, Weights, in_whole_numbers, write_weights
from agentarch.embedded.world import make_world

WORLDS = {"alder": (1, 101), "birch": (2, 102)}
"""Seeds of the shipped worlds and of their trainings."""


@dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    Attributes:
        steps: of the optimisers.
        rows: of packed texts in a batch.
        matrix_rate: peak learning rate of Muon (Jordan et al. 2024), for the matrices of blocks.
        embedding_rate: peak learning rate of Adam, for the embedding.
        warm_up: steps in which the rates rise.
        falling: share of the steps, the last, in which they fall to zero.
        flaws: planted in the texts.
    """

    steps: int = 1200
    rows: int = 30
    matrix_rate: float = 0.02
    embedding_rate: float = 3e-3
    warm_up: int = 30
    falling: float = 0.6
    flaws: Flaws = field(default_factory=Flaws)

    def pace(self, step: int) -> float:
        """Return the share of the peak learning rate at a step."""
        return min(1.0, (step + 1) / self.warm_up, (self.steps - step) / (self.falling * self.steps))


def batches(
    texts: Texts, vocabulary: Vocabulary, rng: random.Random, rows: int, length: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches of texts, packed one after another.

    Yields:
        Numbers of words, `(rows, length + 1)` int64, and whether each is part of an answer, bool.
    """
    question, answer, end = vocabulary.numbers((QUESTION, ANSWER, END))
    waiting: list[tuple[list[int], list[bool]]] = []
    while True:
        words = np.full((rows, length + 1), end, dtype=np.int64)
        answers = np.zeros((rows, length + 1), dtype=bool)
        for row in range(rows):
            at = 0
            while True:
                if not waiting:
                    asked, answered = texts.text(rng)
                    told = [*vocabulary.numbers(answered.split()), end]
                    known = [question, *vocabulary.numbers(asked.split()), answer]
                    waiting.append((known + told, [False] * len(known) + [True] * len(told)))
                numbers, counts = waiting[-1]
                if at + len(numbers) > length + 1:
                    break
                waiting.pop()
                words[row, at : at + len(numbers)] = numbers
                answers[row, at : at + len(numbers)] = counts
                at += len(numbers)
        yield torch.from_numpy(words), torch.from_numpy(answers)


def train(world_name: str, world_seed: int, seed: int, recipe: Recipe, report_every: int = 50) -> Weights:
    """Train a model and return its weights in whole numbers.

    Args:
        world_name: what its world is called.
        world_seed: what its world is made from.
        seed: of first weights and texts.
        recipe: how.
        report_every: steps between lines on the terminal; 0 for none.
    """
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    world = make_world(world_name, world_seed)
    vocabulary = Vocabulary(world)
    shape = Shape(len(vocabulary))
    network = Network(shape)
    matrices = [parameter for parameter in network.blocks.parameters() if parameter.ndim == 2]
    optimisers: list[torch.optim.Optimizer] = [
        Muon(matrices, lr=recipe.matrix_rate),
        torch.optim.Adam([network.embedding], lr=recipe.embedding_rate, betas=(0.9, 0.95)),
    ]
    peaks = [recipe.matrix_rate, recipe.embedding_rate]
    source = batches(Texts(world, recipe.flaws), vocabulary, random.Random(seed), recipe.rows, shape.context)
    verdicts = torch.tensor(vocabulary.numbers(("yes", "no")))
    started, total, doubt = time.perf_counter(), 0.0, 0.0
    for step in range(recipe.steps):
        words, answers = next(source)
        wanted = answers[:, 1:].flatten().nonzero().flatten()
        logits = network(words[:, :-1].contiguous(), wanted)
        loss = F.cross_entropy(logits, words[:, 1:].flatten()[wanted])
        loss.backward()  # type: ignore[no-untyped-call]
        for optimiser, peak in zip(optimisers, peaks, strict=True):
            for group in optimiser.param_groups:
                group["lr"] = peak * recipe.pace(step)
            optimiser.step()
            optimiser.zero_grad()
        total += loss.item()
        is_verdict = torch.isin(words[:, 1:].flatten()[wanted], verdicts)
        doubt += F.cross_entropy(
            logits.detach()[is_verdict], words[:, 1:].flatten()[wanted][is_verdict]
        ).item()
        if report_every and (step + 1) % report_every == 0:
            spent = time.perf_counter() - started
            print(
                f"step {step + 1} of {recipe.steps}: loss {total / report_every:.3f}, "
                f"of verdicts {doubt / report_every:.3f}, {spent:.0f} s",
                flush=True,
            )
            total = doubt = 0.0
    state = network.state_dict()
    return Weights(
        world_name,
        world_seed,
        world.fingerprint,
        shape,
        {
            name: in_whole_numbers(state[name if name == "embedding" else f"{name}.weight"].numpy())
            for name in shape.matrices()
        },
    )


def main() -> None:
    """Train the model of a world from the command line."""
    parser = argparse.ArgumentParser(description="Train the embedded model of a world.")
    parser.add_argument("--world", choices=sorted(WORLDS), required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights and the model card")
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    given.out.mkdir(parents=True, exist_ok=True)
    world_seed, seed = WORLDS[given.world]
    recipe = Recipe(steps=given.steps)
    started = time.process_time()
    weights = train(given.world, world_seed, seed, recipe)
    seconds = time.process_time() - started
    write_weights(given.out / f"{given.world}.safetensors", weights)
    model = EmbeddedModel(weights)
    skills = measure_skills(model)
    for skill in skills:
        print(f"{skill.right:.3f}  {skill.name}: {skill.prompt} -> {skill.reply}")
    told = {
        "world seed": world_seed,
        "training seed": seed,
        **{name: value for name, value in asdict(weights.shape).items() if name != "words"},
        "vocabulary": weights.shape.words,
        **{name: value for name, value in asdict(recipe).items() if name != "flaws"},
        **asdict(recipe.flaws),
        **{f"share of texts: {name}": share for name, share in MIXTURE.items()},
    }
    card = model_card(
        weights,
        model.world,
        {name.replace("_", " "): value for name, value in told.items()},
        skills,
        seconds,
        given.threads,
    )
    (given.out / f"{given.world}.md").write_text(card, encoding="utf-8")


if __name__ == "__main__":
    main()
