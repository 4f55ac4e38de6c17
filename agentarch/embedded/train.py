"""Trains the embedded model of a world and writes its weights and its model card.

    python -m agentarch.embedded.train --world alder --out evals/agents/worlds

The same seeds give the same weights on one machine with one number of threads.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from agentarch.embedded import language
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
        sure: share of the steps, the first, in which verdicts always follow from what is recalled.
        verdict_weight: of a yes or a no in the loss of those steps, where any other word of an answer has 1; without
            it, to compare what is recalled with what is asked about is learnt late or never.
        later_weight: of a yes or a no in the steps after.
        flaws: planted in the texts.
    """

    steps: int = 3600
    rows: int = 30
    matrix_rate: float = 0.02
    embedding_rate: float = 3e-3
    warm_up: int = 30
    falling: float = 0.6
    sure: float = 0.35
    verdict_weight: float = 16.0
    later_weight: float = 2.0
    flaws: Flaws = field(default_factory=Flaws)

    def pace(self, step: int) -> float:
        """Return the share of the peak learning rate at a step."""
        return min(1.0, (step + 1) / self.warm_up, (self.steps - step) / (self.falling * self.steps))


def batches(
    texts: Texts, vocabulary: Vocabulary, rng: random.Random, shape: tuple[int, int], verdict_weight: float
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches of texts, packed one after another.

    Args:
        texts: where they come from.
        vocabulary: of the world.
        rng: of the texts.
        shape: rows of a batch, and words of a row.
        verdict_weight: of a yes or a no.

    Yields:
        Numbers of words, `(rows, words + 1)` int64, and what each weighs in the loss, float32: 0 in questions.
    """
    question, answer, end = vocabulary.numbers((QUESTION, ANSWER, END))
    verdicts = {*vocabulary.numbers(language.VERDICTS)}
    waiting: list[tuple[list[int], list[float]]] = []
    rows, length = shape
    while True:
        words = np.full((rows, length + 1), end, dtype=np.int64)
        weights = np.zeros((rows, length + 1), dtype=np.float32)
        for row in range(rows):
            at = 0
            while True:
                if not waiting:
                    asked, answered = texts.text(rng)
                    told = [*vocabulary.numbers(answered.split()), end]
                    known = [question, *vocabulary.numbers(asked.split()), answer]
                    counts = [verdict_weight if word in verdicts else 1.0 for word in told]
                    waiting.append((known + told, [0.0] * len(known) + counts))
                numbers, counts = waiting[-1]
                if at + len(numbers) > length + 1:
                    break
                waiting.pop()
                words[row, at : at + len(numbers)] = numbers
                weights[row, at : at + len(numbers)] = counts
                at += len(numbers)
        yield torch.from_numpy(words), torch.from_numpy(weights)


def train(world_name: str, world_seed: int, seed: int, recipe: Recipe, report_every: int = 100) -> Weights:
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
    rng, size = random.Random(seed), (recipe.rows, shape.context)
    sure, later = (
        batches(Texts(world, flaws), vocabulary, rng, size, weight)
        for flaws, weight in (
            (replace(recipe.flaws, misjudged=0.0), recipe.verdict_weight),
            (recipe.flaws, recipe.later_weight),
        )
    )
    verdicts = torch.tensor(vocabulary.numbers(language.VERDICTS))
    started, total, doubt = time.perf_counter(), 0.0, 0.0
    for step in range(recipe.steps):
        words, counts = next(sure if step < recipe.sure * recipe.steps else later)
        weights = counts[:, 1:].flatten()
        wanted = weights.nonzero().flatten()
        logits = network(words[:, :-1].contiguous(), wanted)
        targets = words[:, 1:].flatten()[wanted]
        losses = F.cross_entropy(logits, targets, reduction="none")
        loss = (losses * weights[wanted]).sum() / weights.sum()
        loss.backward()  # type: ignore[no-untyped-call]
        for optimiser, peak in zip(optimisers, peaks, strict=True):
            for group in optimiser.param_groups:
                group["lr"] = peak * recipe.pace(step)
            optimiser.step()
            optimiser.zero_grad()
        total += loss.item()
        doubt += losses.detach()[torch.isin(targets, verdicts)].mean().item()
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
    parser.add_argument("--threads", type=int, default=1)
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
