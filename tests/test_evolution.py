"""What the edits of evolution promise: files that a person would be glad to read."""

import ast
import random

import pytest
from test_proposers import ALL_KNOWN, NETWORK, SEED_FILES, SEEDS, context, make_proposer, strange_design

from agentarch.design import Proposal, read_design
from agentarch.proposers.anatomy import NotRecombinableError, arrange
from agentarch.proposers.cost import estimate_parameters
from agentarch.proposers.grafting import graft
from agentarch.proposers.operators import MAX_LAYERS, OPERATORS
from agentarch.proposers.parts import classes, mixes
from agentarch.proposers.reading import read_anatomy
from agentarch.proposers.sizes import WIDTHS, near_values, near_widths
from agentarch.proposers.variation import library_of, vary
from agentarch.proposers.writing import write

LIBRARY = library_of(SEEDS)


def anatomy_of(name):
    return read_anatomy(next(seed.source for seed in SEEDS if seed.name == name))


def edits(name, times=60):
    """Apply one operator to seeds, and to designs made from them, many times."""
    rng = random.Random(name)
    for _ in range(times):
        subject = rng.choice(LIBRARY).anatomy
        if rng.random() < 0.5 and (earlier := vary(subject, LIBRARY, rng, 1)):
            subject = earlier.anatomy
        edit = OPERATORS[name](subject, LIBRARY, rng)
        if edit and edit.anatomy.gist != subject.gist:
            yield edit


def test_every_seed_design_can_be_taken_apart():
    assert len(LIBRARY) == len(SEED_FILES) >= 10


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_a_design_written_back_is_the_same_design(seed):
    anatomy = read_anatomy(seed.source)
    again = read_anatomy(write(anatomy, "Unchanged."))
    assert (again.parts, again.order) == (anatomy.parts, anatomy.order)
    assert {name: one.text for name, one in again.definitions.items()} == {
        name: one.text for name, one in anatomy.definitions.items()
    }


@pytest.mark.parametrize("operator", OPERATORS)
def test_an_operator_writes_a_readable_design(operator):
    made = 0
    for edit in edits(operator):
        source = write(edit.anatomy, f"Made by {edit.account}.", "Parents: some.")
        design = read_design(Proposal(source=source, name="made"), NETWORK)
        assert max(map(len, source.split("\n"))) <= 110
        assert_no_dead_code(design.source)
        assert 1 <= len(edit.anatomy.order) <= MAX_LAYERS
        made += 1
    assert made >= 5


def assert_no_dead_code(source):
    """Every import, constant, class and function at top level is used."""
    tree = ast.parse(source)
    used = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    defined = set()
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            defined |= {alias.asname or alias.name for alias in statement.names}
        elif isinstance(statement, ast.Assign):
            defined |= {target.id for target in statement.targets}
        elif isinstance(statement, ast.ClassDef | ast.FunctionDef):
            defined.add(statement.name)
    assert defined - used == {"build"}


def test_evolution_over_generations_leaves_files_short():
    rng, population, known = random.Random(3), list(SEEDS), set(ALL_KNOWN)
    generation = dict.fromkeys(ALL_KNOWN, 0)
    for number in range(200):
        parents = tuple(rng.sample(population[-12:], 2))
        proposal = make_proposer("evolve").propose(
            context(number, parents=parents, inspirations=SEEDS[:2], known=known)
        )
        design = read_design(proposal, NETWORK)
        known.add(design.id)
        population.append(design)
        generation[design.id] = generation[design.parents[0]] + 1
        paragraphs = ast.get_docstring(ast.parse(design.source)).split("\n\n")
        assert len(paragraphs) == 3
        assert len(paragraphs[0]) <= 110
        assert sum(map(len, paragraphs)) < 1_200
        assert len(design.source) < 3 * max(len(seed.source) for seed in SEEDS)
        assert design.source.count("class Residual(") == 1
        assert design.source.count("class FeedForward") <= 1
        assert_no_dead_code(design.source)
    assert max(generation.values()) >= 10


def test_comments_in_a_class_survive_recombination():
    rng = random.Random(0)
    for _ in range(20):
        edit = OPERATORS["cross"](anatomy_of("selective_state_space"), LIBRARY, rng)
        assert "# what softplus turns into `steps`" in write(edit.anatomy, "Crossed.")


def renamed_attention():
    """The transformer with another class of the same name, and something that refers to it."""
    source = next(seed.source for seed in SEEDS if seed.name == "transformer")
    source = source.replace("10_000", "500").replace(
        "class FeedForward(nn", "class FeedForward(Attention, nn"
    )
    return read_anatomy(source)


def test_classes_of_one_name_and_different_code_are_kept_apart():
    receiver, donor = anatomy_of("transformer"), renamed_attention()
    grown, parts = graft(receiver, donor, donor.parts[:2])
    assert parts[0] == "Residual(width, Attention2(width, causal, heads=4))"
    assert parts[1] == "Residual(width, FeedForward2(width, expansion=2))"
    source = write(arrange(grown, [*receiver.parts, *parts], range(6)), "Both.")
    assert "class Attention2(nn.Module):" in source
    assert "class FeedForward2(Attention2, nn.Module):" in source
    assert source.count("class Residual") == 1


def test_a_class_renamed_once_keeps_its_name_when_it_meets_itself_again():
    receiver, donor = anatomy_of("transformer"), renamed_attention()
    grown, (part,) = graft(receiver, donor, donor.parts[:1])
    child = arrange(grown, [*receiver.parts, part], range(5))
    again, (same,) = graft(child, child, [part])
    assert same == part
    assert again.definitions == child.definitions


def test_a_part_that_depends_on_its_own_designs_width_is_left_where_it_is():
    source = next(seed.source for seed in SEEDS if seed.name == "transformer")
    donor = read_anatomy(
        source.replace("expansion * width", "expansion * WIDTH").replace("WIDTH = 64", "WIDTH = 48")
    )
    with pytest.raises(NotRecombinableError, match="width"):
        graft(anatomy_of("gru"), donor, donor.parts[1:2])


def test_a_shared_part_is_written_once_and_named():
    source = write(arrange(anatomy_of("transformer"), anatomy_of("transformer").parts, (0, 1, 0, 1)), "Tied.")
    assert "    attention = Residual(width, Attention(width, causal, heads=4))\n" in source
    assert source.count("Attention(width, causal, heads=4)") == 1
    assert "        attention,\n        feed_forward,\n        attention,\n        feed_forward,\n" in source


def test_tying_makes_layers_share_and_untying_undoes_it():
    rng = random.Random(0)
    tied = OPERATORS["tie"](anatomy_of("transformer"), (), rng).anatomy
    assert len(tied.parts) == 3
    untied = OPERATORS["untie"](tied, (), rng).anatomy
    assert (len(untied.parts), untied.layers) == (4, tied.layers)


@pytest.mark.parametrize(
    ("operator", "name"), [("series", "Series"), ("parallel", "Parallel"), ("gate", "Gate")]
)
def test_combining_writes_the_combination_as_a_class_of_the_file(operator, name):
    for edit in edits(operator, times=20):
        source = write(edit.anatomy, "Combined.")
        assert source.count(f"class {name}(nn.Module):") == 1
        assert any(len(classes(part)) == 2 for part in edit.anatomy.parts)


def test_alternating_replaces_every_second_mixer():
    rng = random.Random(0)
    donors = [one for one in LIBRARY if one.name == "gru"]
    changed = OPERATORS["alternate"](anatomy_of("transformer"), donors, rng).anatomy
    mixers = [classes(part) for part in changed.layers if mixes(part)]
    assert mixers == [("Attention",), ("Recurrence",)]


def test_crossing_takes_the_first_layers_of_one_and_the_last_of_the_other():
    donors = [one for one in LIBRARY if one.name == "gru"]
    for number in range(20):
        own, other = anatomy_of("transformer"), donors[0].anatomy
        child = OPERATORS["cross"](own, donors, random.Random(number)).anatomy
        cut = next(cut for cut in range(1, len(child.layers)) if child.layers[:cut] == own.layers[:cut])
        assert any(
            child.layers == own.layers[:cut] + other.layers[-rest:]
            for cut in range(1, 5)
            for rest in range(1, 5)
            if cut + rest == len(child.layers)
        ), cut


def test_the_estimate_of_parameters_counts_what_the_classes_create():
    width = 64
    ends = (64 + 64) * width  # embedding and readout of a task with 64 tokens
    transformer = 2 * 4 * width**2 + 2 * 4 * width**2
    recurrent = 2 * (6 + 1) * width**2 + 2 * 4 * width**2
    shared = 4 * width**2 + 8 * width**2
    for name, weights in [("transformer", transformer), ("gru", recurrent), ("looped_transformer", shared)]:
        assert estimate_parameters(anatomy_of(name)) == pytest.approx(weights + ends, rel=0.05)


@pytest.mark.parametrize("name", ["random", "evolve"])
def test_proposals_stay_under_the_cap_on_parameters(name):
    for number in range(40):
        proposal = make_proposer(name).propose(context(number, max_parameters=60_000))
        assert estimate_parameters(read_anatomy(proposal.source)) <= 60_000


def test_evolution_does_not_lead_back_to_a_seed():
    changed = next(seed for seed in SEEDS if seed.name == "looped_transformer")
    wider = strange_design(changed.source.replace("WIDTH = 64", "WIDTH = 80"))
    gists = [one.anatomy.gist for one in LIBRARY]
    for number in range(150):
        proposal = make_proposer("evolve").propose(context(number, parents=(wider,)))
        assert read_anatomy(proposal.source).gist not in gists


def test_sizes_stay_on_their_ladders():
    for width in WIDTHS:
        assert set(near_widths(width)) <= set(WIDTHS) - {width}
        for heads in (1, 2, 4, 8):
            assert all(width % (2 * one) == 0 for one in near_values("heads", heads))
    assert min(near_values("kernel", 2)) >= 2
    assert all(value % 2 for value in near_values("kernel", 5))
    assert max(near_values("expansion", 4)) <= 4
    assert all(0 < value < 1 for value in near_values("dropout", 0.7))
    assert near_values("eps", float("inf")) == near_values("shift", -3) == near_values("dim", 1) == ()
