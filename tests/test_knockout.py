"""What each part of a design contributes: taken away as text, measured in boxes, told in words, kept in the run."""

import ast
import json
import shutil
from itertools import combinations

import pytest
from support.tiny import Tiny

from agentarch.catalogue import find_task, seed_designs
from agentarch.design import Design
from agentarch.errors import AgentarchError
from agentarch.kinds.network import CONTRACT, NetworkKind
from agentarch.proposers.ablation import ablations
from agentarch.proposers.reading import read_anatomy
from agentarch.search import knockout
from agentarch.search.knockout import (
    BETTER_WITHOUT,
    FAILS_WITHOUT,
    NEEDED,
    NO_EFFECT,
    NOT_MEASURED,
    NotReadable,
    knock_out,
    parts_of,
)
from agentarch.seeding import KNOCKOUT_SEEDS, ROUTER_SEEDS, TRANSFER_SEEDS

SEEDS = {design.name: design for design in seed_designs(CONTRACT)}
PLAIN = read_anatomy(SEEDS["transformer"].source)


def taken(source):
    """What is taken from a design, and how, in words; with what is left."""
    return {(one.part, one.done): one for one in ablations(read_anatomy(source), "it", PLAIN)}


def small(*layers):
    """A design with these layers, of parts that train in a moment."""
    source = SEEDS["gru"].source
    start = source.index("def layers(")
    listed = "".join(f"        {layer},\n" for layer in layers)
    written = f"def layers(width, length, causal):\n    return [\n{listed}    ]\n"
    build = "\n\ndef build(spec):\n    return Network(spec)\n"
    return (source[:start] + written + build).replace("WIDTH = 64", "WIDTH = 32")


RECURRENT = "Residual(width, Recurrence(width, causal, expansion=1))"
FEED_FORWARD = "Residual(width, FeedForward(width, expansion=2))"


# As text.


@pytest.mark.parametrize("name", SEEDS)
def test_what_is_left_of_every_seed_design_reads_as_a_design_of_its_own(name):
    left = parts_of(SEEDS[name], NetworkKind(""))
    ids = [design.id for _, design in left]
    assert len(set(ids)) == len(ids) > 3
    assert SEEDS[name].id not in ids
    assert all(design.parents == (SEEDS[name].id,) for _, design in left)


def test_each_part_of_a_transformer_is_taken_in_turn():
    found = taken(SEEDS["transformer"].source)
    assert list(found) == [
        ("attention in layers 1 and 3", "feed forward in its place"),
        ("attention in layers 1 and 3", "removed"),
        ("feed forward in layers 2 and 4", "removed"),
        ("attention in layer 1", "removed"),
        ("feed forward in layer 2", "removed"),
        ("attention in layer 3", "removed"),
        ("feed forward in layer 4", "removed"),
        ("residual around layers", "removed"),
        ("normalisation in residual", "removed"),
        ("normalisation in network", "removed"),
        ("own weights of each attention", "one set for all"),
        ("own weights of each feed forward", "one set for all"),
    ]
    without = read_anatomy(found["attention in layers 1 and 3", "removed"].source)
    assert [layer.count("FeedForward") for layer in without.layers] == [1, 1]
    assert "Attention" not in without.definitions
    replaced = read_anatomy(found["attention in layers 1 and 3", "feed forward in its place"].source)
    assert all("FeedForward" in layer for layer in replaced.layers)
    assert len(replaced.layers) == 4


def test_normalisation_is_taken_from_the_class_it_says_and_no_other():
    found = taken(SEEDS["transformer"].source)
    whole = SEEDS["transformer"].source
    assert whole.count("nn.LayerNorm(") == 2
    for part in ("residual", "network"):
        source = found[f"normalisation in {part}", "removed"].source
        assert source.count("nn.LayerNorm(") == source.count("nn.Identity(") == 1
        anatomy = read_anatomy(source)
        assert "nn.Identity(" in anatomy.definitions[part.capitalize()].text


def test_shared_weights_are_given_to_each_layer_and_the_other_way_round():
    looped = read_anatomy(SEEDS["looped_transformer"].source)
    assert looped.shared
    untied = taken(SEEDS["looped_transformer"].source)[
        "shared weights of attention", "one set for each layer"
    ]
    assert len(read_anatomy(untied.source).shared) == len(looped.shared) - 1
    tied = read_anatomy(
        taken(SEEDS["transformer"].source)["own weights of each attention", "one set for all"].source
    )
    assert len(tied.order) == 4
    assert len(tied.parts) == 3


def test_each_half_of_a_combined_part_is_taken():
    both = small(
        "Residual(width, Parallel(Recurrence(width, causal, expansion=1), FeedForward(width, expansion=1)))"
    )
    parallel = (
        "class Parallel(nn.Module):\n"
        "    def __init__(self, first, second):\n"
        "        super().__init__()\n"
        "        self.first, self.second = first, second\n\n"
        "    def forward(self, x):\n"
        "        return self.first(x) + self.second(x)\n\n\n"
    )
    found = taken(both.replace("class Residual", parallel + "class Residual", 1))
    kept = read_anatomy(found["recurrence in layer 1", "removed, feed forward left"].source)
    assert kept.layers == (FEED_FORWARD.replace("=2", "=1"),)
    kept = read_anatomy(found["feed forward in layer 1", "removed, recurrence left"].source)
    assert kept.layers == (RECURRENT,)


def test_the_only_layer_of_a_network_is_not_removed_but_replaced():
    found = taken(small(RECURRENT))
    assert ("recurrence in layer 1", "feed forward in its place") in found
    assert ("recurrence in layer 1", "removed") not in found


def test_no_prose_of_a_hostile_name_gets_into_what_is_written():
    design = Design("x" * 12, "network", 'x"""\nimport os', small(RECURRENT, FEED_FORWARD))
    for one, _ in parts_of(design, NetworkKind("")):
        imported = [node for node in ast.walk(ast.parse(one.source)) if isinstance(node, ast.Import)]
        assert {alias.name for node in imported for alias in node.names} <= {"math", "torch"}


@pytest.mark.parametrize("source", ["def build(spec):\n    return None\n", "not Python", ""])
def test_a_design_that_cannot_be_read_part_by_part_says_so(source):
    with pytest.raises(NotReadable, match="cannot be read part by part"):
        parts_of(Design("0" * 12, "network", "it", source), NetworkKind(""))


# In boxes.


def found_in(design_source, executor, **settings):
    design = Design("0" * 12, "network", "it", design_source)
    return knock_out(
        design, NetworkKind("", **settings), [Tiny()], rung=1, seeds=2, executor=executor, workers=2
    )


def test_every_part_has_a_verdict_with_its_numbers(executor):
    found = found_in(small(RECURRENT, FEED_FORWARD), executor)
    assert found.parameters > 0
    assert found.scores.keys() == {"tiny"}
    assert len(found.contributions) >= 5
    for one in found.contributions:
        assert one.verdict in (NEEDED, NO_EFFECT, BETTER_WITHOUT)
        assert one.low <= one.difference <= one.high
        assert one.n == 2
        assert one.parameters != found.parameters or "normalisation" not in one.part
        assert one.by_task["tiny"] == pytest.approx(one.difference)


def test_what_does_not_run_without_a_part_is_told_with_the_reason(executor):
    checking = small(RECURRENT, FEED_FORWARD).replace(
        "        self.layers = nn.ModuleList(layers(WIDTH, length, spec.causal))",
        "        self.layers = nn.ModuleList(layers(WIDTH, length, spec.causal))\n"
        "        assert len(self.layers) == 2, 'two or none'",
    )
    assert checking != small(RECURRENT, FEED_FORWARD)
    found = {(one.part, one.done): one for one in found_in(checking, executor).contributions}
    without = found["recurrence in layer 1", "removed"]
    assert without.verdict == FAILS_WITHOUT
    assert "two or none" in without.reason
    assert without.difference is None
    assert found["recurrence in layer 1", "feed forward in its place"].verdict != FAILS_WITHOUT


def test_a_whole_that_fails_blames_no_part(executor):
    broken = small(RECURRENT, FEED_FORWARD).replace(
        "return Network(spec)", "return Network(spec) if spec.n_outputs < 0 else None"
    )
    found = found_in(broken, executor)
    assert {one.verdict for one in found.contributions} == {NOT_MEASURED}
    assert found.scores == {}


def test_seeds_are_none_that_a_search_uses(executor, monkeypatch):
    asked = []
    evaluate = NetworkKind.evaluate

    def noting(self, design, task, request, executor):
        asked.append(request)
        return evaluate(self, design, task, request, executor)

    monkeypatch.setattr(NetworkKind, "evaluate", noting)
    found_in(small(RECURRENT), executor)
    assert {request.seed for request in asked} <= set(KNOCKOUT_SEEDS)
    for one, other in combinations((KNOCKOUT_SEEDS, ROUTER_SEEDS, TRANSFER_SEEDS), 2):
        assert not range(max(one[0], other[0]), min(one[-1], other[-1]) + 1)
    assert {request.split for request in asked} == {"search"}
    by_design = {}
    for request in asked:
        by_design.setdefault(request.design_id, set()).add(request.seed)
    assert len(set(map(frozenset, by_design.values()))) == 1  # paired


@pytest.mark.slow
def test_a_transformer_needs_its_attention_to_recall(executor, monkeypatch):
    design = SEEDS["transformer"]

    def parts_with_all_attention(design, kind):  # training without each of the others would take minutes
        return [one for one in parts_of(design, kind) if one[0].part == "attention in layers 1 and 3"]

    monkeypatch.setattr(knockout, "parts_of", parts_with_all_attention)
    found = knock_out(design, NetworkKind(""), [find_task("recall", "network")], 1, 2, executor, workers=2)
    by_part = {(one.part, one.done): one for one in found.contributions}
    for done in ("removed", "feed forward in its place"):
        attention = by_part["attention in layers 1 and 3", done]
        assert attention.verdict == NEEDED
        assert attention.difference > 0.3


# On the command line.


@pytest.fixture
def run_folder(finished_run, tmp_path):
    return shutil.copytree(finished_run.folder, tmp_path / "run")


def test_a_knockout_is_printed_and_kept_in_the_run_and_changes_nothing_else(agentarch, run_folder):
    before = agentarch("status", "run", "--json").json
    elite = agentarch("show", "run", "--json").json["elites"][0]
    said = agentarch("knockout", "run", elite["id"], "--json")
    assert said.exit_code == 0, said.err
    kept = json.loads((run_folder / "knockouts" / f"{elite['id']}.json").read_text())
    assert {**kept, "file": said.json["file"]} == said.json
    assert kept["rung"] == min(elite["rung"], 2)
    assert [file.name for file in (run_folder / "knockouts").iterdir()] == [f"{elite['id']}.json"]
    assert agentarch("status", "run", "--json").json == before
    printed = agentarch("knockout", "run", elite["id"], "--rung", 0)
    assert printed.exit_code == 0
    assert "verdict" in printed.out
    assert "normalisation in network" in printed.out


def test_a_design_that_is_in_one_piece_is_exit_1(agentarch, tmp_path, monkeypatch):
    from support.commands import TINY_FILE

    from agentarch.config import make_config
    from agentarch.design import Proposal, read_design
    from agentarch.search.session import create_run, open_run

    create_run(make_config({"tasks": str(TINY_FILE), "seed": 1, "evaluations": 1}, None), tmp_path / "run")
    with open_run(tmp_path / "run") as run:
        run.store.add_design(read_design(Proposal("def build(spec): ...", "whole"), CONTRACT), [])
    said = agentarch("knockout", "run", "whole", "--json")
    assert said.exit_code == 1
    assert "cannot be read part by part" in said.json["error"]


@pytest.mark.parametrize(("more", "code"), [(("nobody",), 2), (("--rung", "9"), 2), (("--seeds", "1"), 2)])
def test_what_cannot_be_asked_is_exit_2(more, code, agentarch, run_folder):
    elite = agentarch("show", "run", "--json").json["elites"][0]["id"]
    arguments = more if more == ("nobody",) else (elite, *more)
    assert agentarch("knockout", "run", *arguments).exit_code == code


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / knockout.FOLDER).write_text("a file")
    empty = knockout.Knockout("0" * 12, "it", 1, 2, {}, None, ())
    with pytest.raises(AgentarchError, match="cannot write"):
        knockout.save(empty, tmp_path)
