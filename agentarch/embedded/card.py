"""Writes the card of a trained model: what it is for, what is wrong with it on purpose, and what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agentarch.embedded.skills import Skill
from agentarch.embedded.weights import Weights
from agentarch.embedded.world import HELD_OUT, World
from agentarch.text import counted

_TEXT = """\
# {name}: the embedded language model of world `{name}`

A transformer of {parameters:,} parameters, trained from scratch by this repository on texts about {names} invented
names and {facts:,} facts that hold nowhere else. It answers questions about them, so that pipelines of several calls
can be searched over, offline and for nothing.

**Its errors are planted in its training texts; they did not emerge.** Texts misprint, leave out, confuse and misjudge
facts by fixed rules, so that asking in several ways, voting, verifying and comparing each help, and none of them alone
is enough. What holds here of pipelines says what helps against such errors, not how often a large language model makes
them.

- **Use**: the model behind task `world`, for trying a search and testing it. It runs behind a broker: a design meets
  neither its weights nor its world.
- **Not for** anything else: it knows no language beyond the phrases listed in `docs/embedded-model.md`, and nothing of
  this world. A sentence with a word that it does not know is passed over. Its context is {context} words.
- **Questions** of the benchmark are chains of two to four steps; one chain in {held_out} is kept out of all training
  texts, and questions come from those alone. Names are permuted for each question, so that answers cannot be carried
  over.
- **Made from** nothing but the seeds below; no data of others, no person's data. Licence: that of the repository.

## Recipe

`python -m agentarch.embedded.train --world {name} --out DIR`: {minutes:.0f} minutes of processor time, on {threads}.

| what | value |
|---|---|
{recipe}

## Measured

Answers at temperature 1 to 300 prompts of each kind, about held-out chains where they have several steps.
`tests/benchmarks/embedded_levels.py` measures pipelines.

| skill | right | a prompt | a reply |
|---|---|---|---|
{skills}
"""


def model_card(
    weights: Weights,
    world: World,
    recipe: Mapping[str, object],
    skills: Sequence[Skill],
    seconds: float,
    threads: int,
) -> str:
    """Return the card in Markdown.

    Args:
        weights: of the model.
        world: it was trained on.
        recipe: names and values, in the order shown.
        skills: as measured.
        seconds: of processor time that the training took.
        threads: it had.
    """
    return _TEXT.format(
        name=weights.world,
        parameters=sum(matrix.whole.size for matrix in weights.matrices.values()),
        names=len(world.type_of),
        facts=len(world.facts),
        context=weights.shape.context,
        held_out=HELD_OUT,
        minutes=seconds / 60,
        threads=counted(threads, "thread"),
        recipe="\n".join(f"| {name} | {value} |" for name, value in recipe.items()),
        skills="\n".join(
            f"| {skill.name} | {skill.right:.2f} | {skill.prompt} | {skill.reply} |" for skill in skills
        ),
    )
