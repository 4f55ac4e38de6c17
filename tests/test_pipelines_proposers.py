"""The proposers of pipelines keep the contract of every proposer, and the caps of a run."""

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tricky_pipelines import SEEDS, SOURCES, TRICKY, behaviours, design, job

from agentarch.design import Design, Proposal, read_design
from agentarch.errors import UsageError
from agentarch.evaluation import Score, ScoredDesign
from agentarch.kinds.agent import CONTRACT
from agentarch.proposers import PROPOSERS, Context, make_proposer
from agentarch.proposers.pipelines.calls import estimate_calls
from agentarch.proposers.pipelines.reading import read_pipeline
from agentarch.proposers.pipelines.variation import MAX_NESTING
from agentarch.proposers.pipelines.writing import MAX_SOURCE_BYTES

ALL_KNOWN = {seed.id for seed in SEEDS}
WRITING = [name for name in PROPOSERS["agent"] if name != "seeds"]


def scored(one: Design, value: float = 0.5, tokens: float = 500) -> ScoredDesign:
    return ScoredDesign(one, {0: Score(value, value, value, 8)}, {"tokens": tokens})


def context(
    number: int = 0,
    seeds: tuple[Design, ...] = SEEDS,
    parents: tuple[Design, ...] = (),
    inspirations: tuple[Design, ...] = (),
    known: Collection[str] = ALL_KNOWN,
    calls: float = 200,
) -> Context:
    return Context(
        rng=random.Random(number),
        number=number,
        seeds=seeds,
        parents=tuple(map(scored, parents)),
        inspirations=tuple(map(scored, inspirations)),
        known=known,
        limits={"calls": calls, "tokens": 20_000},
        evaluations_left=None,
    )


@pytest.mark.parametrize("name", PROPOSERS["agent"])
def test_a_proposer_is_made_by_the_name_it_bears(name):
    assert make_proposer(name, "agent").name == name


def test_a_proposer_of_another_kind_is_refused_and_told_whose_it_is():
    with pytest.raises(
        UsageError, match=r"'edges' writes designs of kind 'agent'.*'network'.*evolve, random, seeds"
    ):
        make_proposer("edges", "network")
    with pytest.raises(UsageError, match=r"did you mean 'layers'"):
        make_proposer("layer", "agent")
    with pytest.raises(UsageError, match=r"did you mean 'agent'"):
        make_proposer("evolve", "agents")


@pytest.mark.parametrize("name", WRITING)
def test_three_hundred_proposals_in_a_row_are_new_and_sound(name):
    proposer, known, designs = make_proposer(name, "agent"), set(ALL_KNOWN), list(SEEDS)
    rng = random.Random(0)
    for number in range(300):
        parents, inspirations = tuple(rng.sample(designs[-20:], 2)), tuple(rng.sample(designs, 2))
        told = context(number, parents=parents, inspirations=inspirations, known=known)
        proposal = proposer.propose(told)
        one = read_design(proposal, CONTRACT)
        assert one.id not in known
        assert len(proposal.name) <= 66
        assert len(proposal.rationale) <= 600
        assert set(proposal.parents) <= {relative.id for relative in (*parents, *inspirations, *SEEDS)}
        assert (name == "evolve") == bool(proposal.parents)
        assert len(proposal.source.encode()) <= MAX_SOURCE_BYTES
        known.add(one.id)
        designs.append(one)


@pytest.mark.parametrize("name", WRITING)
def test_what_is_proposed_runs(name):
    proposer, known, sources = make_proposer(name, "agent"), set(ALL_KNOWN), []
    for number in range(60):
        proposal = proposer.propose(context(number, parents=SEEDS[number % 5 :][:2], known=known))
        known.add(design(proposal.source).id)
        sources.append(proposal.source)
    for source, answers in zip(sources, behaviours([job(source) for source in sources]), strict=True):
        for said, calls, _ in answers:
            assert said not in (
                "NameError",
                "TypeError",
                "AttributeError",
                "UnboundLocalError",
                "SyntaxError",
            ), source
            assert calls


@pytest.mark.parametrize("name", WRITING)
def test_equal_contexts_give_equal_proposals(name):
    for number in range(15):
        first, second = (
            make_proposer(name, "agent").propose(context(number, parents=SEEDS[:2], inspirations=SEEDS[2:4]))
            for _ in range(2)
        )
        assert first == second


@pytest.mark.parametrize("name", WRITING)
def test_proposals_do_not_hang_on_the_seed_of_string_hashes(name):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_pipelines_proposers as t;"
        f"p = t.make_proposer({name!r}, 'agent');"
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


def test_evolution_often_builds_upon_the_best_that_it_is_shown_wherever_that_stands():
    first, second, best, other = SEEDS[:4]
    told = context(parents=(first, second), inspirations=(other,))
    told = replace(told, inspirations=(*told.inspirations, scored(best, 0.9)))
    made = Counter(
        make_proposer("evolve", "agent").propose(replace(told, rng=random.Random(number))).parents[0]
        for number in range(200)
    )
    assert made[best.id] > 50
    assert made[first.id] > 50
    assert made[second.id] > 20
    assert made[other.id] < 10


@pytest.mark.parametrize("name", ["seeds", "evolve"])
def test_each_seed_comes_once_and_in_order(name):
    proposer, known, came = make_proposer(name, "agent"), set(), []
    for number in range(len(SEEDS)):
        proposal = proposer.propose(context(number, known=known))
        known.add(design(proposal.source).id)
        came.append((proposal.source, proposal.operator, proposal.proposer, proposal.parents))
    assert came == [(seed.source, "seed", name, ()) for seed in SEEDS]


class Everything:
    """Knows every design."""

    def __contains__(self, one):
        return True

    def __iter__(self):
        return iter(())

    def __len__(self):
        return 0


@pytest.mark.parametrize("name", PROPOSERS["agent"])
def test_nothing_is_proposed_when_everything_is_known(name):
    assert make_proposer(name, "agent").propose(context(parents=SEEDS[:1], known=Everything())) is None


@pytest.mark.parametrize("name", ["evolve", "random", "seeds"])
def test_nothing_is_proposed_from_nothing(name):
    assert make_proposer(name, "agent").propose(context(seeds=())) is None


def test_the_random_arm_does_not_look_at_what_was_scored():
    proposer = make_proposer("random", "agent")
    for number in range(10):
        told = proposer.propose(context(number, parents=SEEDS[:3], inspirations=SEEDS[3:]))
        assert told == proposer.propose(context(number))


@pytest.mark.parametrize("name", WRITING)
def test_what_surely_costs_too_much_is_not_proposed(name):
    dear = max(estimate_calls(read_pipeline(source)).typical for source in SOURCES.values())
    proposer, known = make_proposer(name, "agent"), set(ALL_KNOWN)
    for number in range(60):
        proposal = proposer.propose(context(number, parents=SEEDS[-2:], known=known, calls=12))
        pipeline = read_pipeline(proposal.source)
        calls = estimate_calls(pipeline)
        assert calls.least <= 12
        assert calls.typical <= (max(12, dear) if name == "evolve" else 12 if name != "layers" else dear)
        assert pipeline.nesting <= MAX_NESTING
        known.add(design(proposal.source).id)


def test_a_parent_that_leaves_no_room_for_tokens_is_not_made_dearer():
    vote = design(TRICKY["vote"], "vote")
    full = Context(
        **vars(context(seeds=(vote,), known={vote.id})) | {"parents": (scored(vote, tokens=19_000),)}
    )
    for number in range(20):
        told = Context(**vars(full) | {"rng": random.Random(number)})
        proposal = make_proposer("evolve", "agent").propose(told)
        if proposal and proposal.parents == (vote.id,):
            assert estimate_calls(read_pipeline(proposal.source)).typical <= 3 * 1.06


STRANGE = [
    "",
    "\0",
    "async def solve(question, model):",
    "\ud800",
    "async def solve(question, model): pass\nx = " + "-" * 3_000 + "1\n",
    "x = " + ".a".join(["x"] * 3_000) + "\nasync def solve(question, model): return x",
    TRICKY["vote"].replace("SAMPLES = 3", "SAMPLES = 1" + "0" * 4_000),
    TRICKY["vote"].replace("SAMPLES = 3", "SAMPLES = 1e999").replace("\n", "\r\n"),
    TRICKY["vote"].replace("SAMPLES = 3", "SAMPLES = -3; B = A = 2"),
    TRICKY["vote"].replace("think", "\uff37hink"),
    TRICKY["vote"].replace("think", "th\u00efnk_\ufb01"),
    TRICKY["vote"].replace("\n", "\f\n"),
    TRICKY["vote"].replace("def final", "def final(reply): pass\ndef final"),
    TRICKY["vote"].replace("SAMPLES = 3", "EDGES = ((1, 2), 'x', [])\nLAYERS = (('generate', 99),)"),
    TRICKY["vote"].replace("SAMPLES = 3", "SAMPLES = SAMPLES_2 = 3\nEDGES = solve = 3"),
    TRICKY["vote"] + "\nprint('hello')\n",
    "async def solve(question, model): return await model.ask(question, n=-1)\nK = ()\nL = ('{}',)\nM = '{'\n",
]


@pytest.mark.parametrize("source", STRANGE, ids=range(len(STRANGE)))
@pytest.mark.parametrize("name", WRITING)
def test_no_parent_stops_a_proposer(name, source):
    strange = Design(id="0123456789ab", kind="agent", name='"""\\\n\x1b[31m ünïcode', source=source)
    for number in range(3):
        told = context(
            number, seeds=(*SEEDS[:2], strange), parents=(strange, SEEDS[0]), inspirations=(strange,)
        )
        told = Context(**vars(told) | {"known": {*ALL_KNOWN, strange.id}})
        proposal = make_proposer(name, "agent").propose(told)
        read_design(proposal, CONTRACT)


@st.composite
def mangled_designs(draw: st.DrawFn) -> str:
    """A design with lines dropped, repeated, indented or exchanged, and stretches replaced."""
    lines = draw(st.sampled_from([*TRICKY.values()])).split("\n")
    for _ in range(draw(st.integers(1, 4))):
        at, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        match draw(st.sampled_from(["drop", "repeat", "indent", "exchange", "replace"])):
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
                    st.sampled_from(["question", "model", "solve", "await", "(", "answer", "{", '"', "="])
                )
                lines[at] = lines[at].replace(word, draw(st.text(max_size=8)))
    return "\n".join(lines)


def reads_well(one: Design) -> bool:
    """Whether a design could have come as far as being a parent."""
    try:
        read_design(Proposal(source=one.source, name=one.name), CONTRACT)
    except ValueError:
        return False
    return True


@settings(max_examples=60, deadline=None)
@given(
    source=mangled_designs() | st.text(max_size=300), name=st.text(max_size=80), number=st.integers(0, 10**6)
)
def test_no_text_makes_evolution_fail(source, name, number):
    strange = Design(id="0123456789ab", kind="agent", name=name, source=source)
    proposal = make_proposer("evolve", "agent").propose(
        context(number, parents=(strange,), inspirations=(strange, SEEDS[3]))
    )
    if reads_well(strange) or strange.id not in proposal.parents:
        assert read_design(proposal, CONTRACT).id not in ALL_KNOWN
