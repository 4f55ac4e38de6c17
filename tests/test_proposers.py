"""What every built-in proposer promises."""

import ast
import random
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentarch.design import Contract, Design, Proposal, read_design
from agentarch.errors import UsageError
from agentarch.evaluation import Score, ScoredDesign
from agentarch.proposers import PROPOSERS, Context, make_proposer

NETWORK = Contract(
    kind="network",
    function="build",
    arguments=1,
    is_async=False,
    allowed_imports=frozenset(
        {"__future__", "torch", "math", "typing", "dataclasses", "functools", "collections", "itertools"}
    ),
)
SEED_FILES = sorted((Path(__file__).parents[1] / "archive" / "networks").glob("*.py"))
SEEDS = tuple(
    read_design(Proposal(source=path.read_text(encoding="utf-8"), name=path.stem), NETWORK)
    for path in SEED_FILES
)
ALL_KNOWN = {seed.id for seed in SEEDS}


def scored(design: Design, value: float = 0.5, parameters: int = 80_000) -> ScoredDesign:
    return ScoredDesign(design, {0: Score(value, value, value, 8)}, {"parameters": parameters})


def context(
    number: int = 0,
    seeds: tuple[Design, ...] = SEEDS,
    parents: tuple[Design, ...] = (),
    inspirations: tuple[Design, ...] = (),
    known: Collection[str] = ALL_KNOWN,
    max_parameters: int = 200_000,
) -> Context:
    return Context(
        rng=random.Random(number),
        number=number,
        seeds=seeds,
        parents=tuple(map(scored, parents)),
        inspirations=tuple(map(scored, inspirations)),
        known=known,
        limits={"parameters": max_parameters},
        evaluations_left=None,
    )


def strange_design(source: str, name: str = "strange") -> Design:
    """A design as it stands in a store, whatever its text."""
    return Design(id="0123456789ab", kind="network", name=name, source=source)


@pytest.mark.parametrize("name", PROPOSERS["network"])
def test_a_proposer_is_made_by_the_name_it_bears(name):
    assert make_proposer(name).name == name


def test_an_unknown_proposer_is_refused_with_the_names_there_are():
    with pytest.raises(UsageError, match=r"did you mean .evolve."):
        make_proposer("evolv")


def test_proposing_needs_no_torch():
    code = (
        "import sys, agentarch.proposers as p;"
        "[p.make_proposer(name, kind) for kind, names in p.PROPOSERS.items() for name in names];"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("name", ["seeds", "evolve"])
def test_each_seed_comes_once_and_in_order(name):
    proposer, known, came = make_proposer(name), set(), []
    for number in range(len(SEEDS)):
        proposal = proposer.propose(context(number, known=known))
        known.add(read_design(proposal, NETWORK).id)
        came.append((proposal.source, proposal.operator, proposal.proposer, proposal.parents))
    assert came == [(seed.source, "seed", name, ()) for seed in SEEDS]


def test_seeds_end_when_each_was_proposed():
    assert make_proposer("seeds").propose(context()) is None


@pytest.mark.parametrize("name", ["random", "evolve"])
def test_equal_contexts_give_equal_proposals(name):
    for number in range(20):
        first, second = (
            make_proposer(name).propose(context(number, parents=SEEDS[:2], inspirations=SEEDS[2:4]))
            for _ in range(2)
        )
        assert first == second


@pytest.mark.parametrize("name", ["random", "evolve"])
def test_proposals_do_not_hang_on_the_seed_of_string_hashes(name):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_proposers as t;"
        f"p = t.make_proposer({name!r});"
        "print(hash('a')); print([p.propose(t.context(n, parents=t.SEEDS[:3])).source for n in range(10)])"
    )
    outputs = []
    for hash_seed in "12":
        done = subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parent)],
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path(__file__).parents[1])},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.append(done.stdout.split("\n", 1))
    assert outputs[0][0] != outputs[1][0]
    assert outputs[0][1] == outputs[1][1]


@pytest.mark.parametrize("name", ["random", "evolve"])
def test_every_proposal_reads_as_a_design_that_the_run_has_not_seen(name):
    proposer, known, designs = make_proposer(name), set(ALL_KNOWN), list(SEEDS)
    rng = random.Random(0)
    for number in range(150):
        parents, inspirations = tuple(rng.sample(designs[-20:], 2)), tuple(rng.sample(designs, 2))
        proposal = proposer.propose(context(number, parents=parents, inspirations=inspirations, known=known))
        design = read_design(proposal, NETWORK)
        assert design.id not in known
        assert len(proposal.name) <= 60
        assert len(proposal.rationale) <= 600
        assert set(proposal.parents) <= {one.id for one in (*parents, *inspirations, *SEEDS)}
        assert (name == "evolve") == bool(proposal.parents)
        known.add(design.id)
        designs.append(design)


@pytest.mark.parametrize("name", ["random", "evolve"])
def test_what_is_known_is_not_proposed_again(name):
    proposer = make_proposer(name)
    again = proposer.propose(context(7, parents=SEEDS[:1]))
    known = {*ALL_KNOWN, read_design(again, NETWORK).id}
    assert read_design(proposer.propose(context(7, parents=SEEDS[:1], known=known)), NETWORK).id not in known


class Everything:
    """Knows every design."""

    def __contains__(self, one):
        return True

    def __iter__(self):
        return iter(())

    def __len__(self):
        return 0


@pytest.mark.parametrize("name", PROPOSERS["network"])
def test_nothing_is_proposed_when_everything_is_known(name):
    assert make_proposer(name).propose(context(parents=SEEDS[:1], known=Everything())) is None


@pytest.mark.parametrize("name", PROPOSERS["network"])
def test_nothing_is_proposed_from_nothing(name):
    assert make_proposer(name).propose(context(seeds=())) is None


def test_the_random_arm_does_not_look_at_what_was_scored():
    proposer = make_proposer("random")
    for number in range(10):
        told = proposer.propose(context(number, parents=SEEDS[:3], inspirations=SEEDS[3:]))
        assert told == proposer.propose(context(number))


def test_evolution_builds_upon_the_first_parent_most():
    made = [make_proposer("evolve").propose(context(number, parents=SEEDS[:3])) for number in range(60)]
    first = sum(proposal.parents[0] == SEEDS[0].id for proposal in made)
    assert first > sum(proposal.parents[0] == SEEDS[1].id for proposal in made)
    assert first > 20


WRITTEN_BY_A_PERSON = """
import torch
import torch.nn as nn

DIM = 64


class Mixer(nn.Module):
    def __init__(self, dim, depth=3, dropout=0.1):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(dim, dim) for _ in range(depth))

    def forward(self, x):
        for layer in self.layers:
            x = x + layer(x).cumsum(dim=1)
        return x


def build(spec):
    embed, readout = nn.Embedding(spec.vocab_size, DIM), nn.Linear(DIM, spec.n_outputs)
    return nn.Sequential(embed, Mixer(DIM, dropout=0.2), readout)
"""


def test_of_a_parent_laid_out_in_another_way_one_number_is_changed():
    parent = strange_design(WRITTEN_BY_A_PERSON, name="handmade")
    changed = set()
    for number in range(40):
        proposal = make_proposer("evolve").propose(context(number, seeds=(), parents=(parent,)))
        assert read_design(proposal, NETWORK).parents == (parent.id,)
        assert proposal.name == "handmade-tune"
        before, after = WRITTEN_BY_A_PERSON.splitlines(), proposal.source.splitlines()
        (line,) = [new for old, new in zip(before, after, strict=True) if old != new]
        changed.add(line)
    assert any("DIM = 80" in line for line in changed)
    assert any("dropout=0.4" in line for line in changed)
    assert any("depth=" in line for line in changed)
    assert all("cumsum" not in line for line in changed)


DEEP = "x = " + "-" * 3_000 + "1\n"
STRANGE = [
    "",
    "\0",
    "def build(spec):",
    "\ud800",
    "def build(spec): pass\n" + DEEP,
    "x = " + "(" * 150 + ")" * 150 + "\ndef build(spec): return x",
    "x = " + ".a".join(["x"] * 3_000) + "\ndef build(spec): return x",
    "WIDTH = 0x"
    + "f" * 6_000
    + "\ndef layers(width, length, causal):\n return [A(width)]\ndef build(s): return layers",
    "# -*- coding: utf-7 -*-\nWIDTH = 64\n",
    WRITTEN_BY_A_PERSON.replace("64", "1" + "0" * 4_000),
    WRITTEN_BY_A_PERSON.replace("0.1", "1e999").replace("\n", "\r\n"),
    "WIDTH = 64; A = 2\n" + SEEDS[0].source,
    SEEDS[0].source.replace("WIDTH", "\uff37idth"),
    SEEDS[0].source.replace("Residual", "R\u00e9sidual_\ufb01"),
    SEEDS[0].source.replace("\n", "\f\n"),
    SEEDS[0].source.replace("class Residual", "class width"),
    SEEDS[0].source.replace("Residual", "list"),
    SEEDS[0].source.replace("    return [", "    return [*'ab', "),
    SEEDS[0].source.replace("WIDTH = 64", "WIDTH = layers"),
    SEEDS[0].source + "\n\ndef layers(width, length, causal):\n    return []\n",
    SEEDS[0].source + "\n\nclass Residual(Residual):\n    pass\n",
    SEEDS[0].source + "\n\nclass Other:\n" + "    def __init__(self):\n        Other(Other(Other()))\n",
    SEEDS[0].source + "\n\nprint('hello')\n",
]


@pytest.mark.parametrize("source", STRANGE, ids=range(len(STRANGE)))
@pytest.mark.parametrize("name", ["random", "evolve"])
def test_no_parent_stops_a_proposer(name, source):
    strange = strange_design(source, name='"""\\\n\x1b[31m ünïcode')
    for number in range(3):
        told = context(
            number, seeds=(*SEEDS[:2], strange), parents=(strange, SEEDS[0]), inspirations=(strange,)
        )
        told = Context(**vars(told) | {"known": {*ALL_KNOWN, strange.id}})
        proposal = make_proposer(name).propose(told)
        read_design(proposal, NETWORK)


@st.composite
def mangled_seeds(draw: st.DrawFn) -> str:
    """A seed design with lines dropped, repeated, indented or exchanged, and stretches replaced."""
    lines = draw(st.sampled_from(SEEDS)).source.split("\n")
    for _ in range(draw(st.integers(1, 4))):
        at, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        match draw(st.sampled_from(["drop", "repeat", "indent", "exchange", "replace", "number"])):
            case "drop":
                lines[at] = ""
            case "repeat":
                lines.insert(other, lines[at])
            case "indent":
                lines[at] = "    " + lines[at]
            case "exchange":
                lines[at], lines[other] = lines[other], lines[at]
            case "replace":
                word = draw(
                    st.sampled_from(
                        ["width", "Residual", "layers", "nn", "torch", "self", "64", "(", "build"]
                    )
                )
                lines[at] = lines[at].replace(word, draw(st.text(max_size=8)))
            case "number":
                lines[at] = lines[at].replace("=4", f"={draw(st.integers() | st.floats())}")
    return "\n".join(lines)


def reads_well(design: Design) -> bool:
    """Whether a design could have come as far as being a parent."""
    try:
        read_design(Proposal(source=design.source, name=design.name), NETWORK)
    except ValueError:
        return False
    return True


@settings(max_examples=150, deadline=None)
@given(
    source=mangled_seeds() | st.text(max_size=300), name=st.text(max_size=80), number=st.integers(0, 10**6)
)
def test_no_text_makes_evolution_fail(source, name, number):
    strange = strange_design(source, name)
    proposal = make_proposer("evolve").propose(
        context(number, parents=(strange,), inspirations=(strange, SEEDS[3]))
    )
    ast.parse(proposal.source)
    assert len(proposal.name) <= 80
    assert proposal.name.isascii()
    if reads_well(strange) or strange.id not in proposal.parents:
        assert read_design(proposal, NETWORK).id not in ALL_KNOWN
