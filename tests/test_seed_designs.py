"""Promises of the hand-written network designs in `archive/networks/`.

These are our own files, so they are run here without a box.
"""

import ast
import importlib.util
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from agentarch.task import Spec

FOLDER = Path(__file__).parents[1] / "archive" / "networks"
SEEDS = sorted(path.stem for path in FOLDER.glob("*.py"))
BATCH, CLASSES = 2, 5
LONGEST, SHORTER = 12, 7
MAX_PARAMETERS = 200_000

SPECS = {
    "tokens": Spec("tokens", (LONGEST,), 64, CLASSES, "per_position", False, MAX_PARAMETERS),
    "series": Spec("series", (LONGEST, 3), None, CLASSES, "per_position", False, MAX_PARAMETERS),
    "image": Spec("image", (3, 4, 5), None, CLASSES, "per_position", False, MAX_PARAMETERS),
    "table": Spec("table", (LONGEST,), None, CLASSES, "per_position", False, MAX_PARAMETERS),
}

pytestmark = pytest.mark.parametrize("seed", SEEDS)


def source_of(seed):
    return (FOLDER / f"{seed}.py").read_text()


def network_of(source, spec):
    """Return the network that a design's source builds, in evaluation mode."""
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("design", loader=None))
    exec(compile(source, "design.py", "exec"), module.__dict__)
    torch.manual_seed(0)
    return module.build(spec).eval()


def inputs_for(spec, batch=BATCH):
    generator = torch.Generator().manual_seed(1)
    if spec.kind == "tokens":
        return torch.randint(spec.vocab_size, (batch, *spec.input_shape), generator=generator)
    return torch.randn(batch, *spec.input_shape, generator=generator)


def positions(spec):
    return spec.input_shape[1] * spec.input_shape[2] if spec.kind == "image" else spec.input_shape[0]


def function(tree, name):
    return next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)


def classes(tree):
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def names_used(node):
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("output", ["per_position", "one"])
@pytest.mark.parametrize("kind", SPECS)
def test_a_seed_serves_every_kind_of_input_and_output(seed, kind, output, causal):
    spec = replace(SPECS[kind], output=output, causal=causal)
    network = network_of(source_of(seed), spec)
    logits = network(inputs_for(spec))
    expected = (BATCH, positions(spec), CLASSES) if output == "per_position" else (BATCH, CLASSES)
    assert logits.shape == expected
    assert logits.isfinite().all()
    logits.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize("causal", [True, False])
def test_a_seed_works_at_every_length_up_to_the_longest(seed, causal):
    spec = replace(SPECS["tokens"], causal=causal)
    network = network_of(source_of(seed), spec)
    for length in (1, 2, SHORTER, LONGEST):
        logits = network(inputs_for(spec)[:, :length])
        assert logits.shape == (BATCH, length, CLASSES)
        assert logits.isfinite().all()


@pytest.mark.parametrize("kind", ["tokens", "series"])
def test_a_causal_seed_never_reads_a_later_position(seed, kind):
    spec = replace(SPECS[kind], causal=True)
    network = network_of(source_of(seed), spec)
    inputs = inputs_for(spec)
    before = network(inputs)
    for time in range(1, LONGEST):
        changed = inputs.clone()
        changed[:, time:] = (changed[:, time:] + 7) % 64
        after = network(changed)
        torch.testing.assert_close(after[:, :time], before[:, :time], rtol=0, atol=1e-5)
        assert not torch.allclose(after[:, time:], before[:, time:]), "the change went unnoticed altogether"


def test_a_causal_seed_says_the_same_of_a_beginning_with_or_without_its_continuation(seed):
    spec = replace(SPECS["tokens"], causal=True)
    network = network_of(source_of(seed), spec)
    inputs = inputs_for(spec)
    whole, beginning = network(inputs), network(inputs[:, :SHORTER])
    torch.testing.assert_close(beginning, whole[:, :SHORTER], rtol=0, atol=1e-5)


def test_a_seed_that_may_look_ahead_does(seed):
    spec = SPECS["tokens"]
    network = network_of(source_of(seed), spec)
    inputs = inputs_for(spec)
    changed = inputs.clone()
    changed[:, SHORTER] = (changed[:, SHORTER] + 7) % 64
    assert not torch.allclose(network(changed)[:, SHORTER - 1], network(inputs)[:, SHORTER - 1])


def test_an_item_is_judged_by_itself_whatever_else_is_in_the_batch(seed):
    spec = replace(SPECS["tokens"], causal=True)
    network = network_of(source_of(seed), spec)
    inputs = inputs_for(spec, batch=4)
    torch.testing.assert_close(network(inputs[:1]), network(inputs)[:1], rtol=0, atol=1e-5)


def test_the_same_torch_seed_gives_the_same_network_and_the_same_answers(seed):
    spec = SPECS["tokens"]
    first, second = (network_of(source_of(seed), spec)(inputs_for(spec)) for _ in range(2))
    assert torch.equal(first, second)


def test_a_seed_stays_well_under_the_parameter_cap_at_a_usual_size(seed):
    spec = replace(SPECS["tokens"], input_shape=(96,), n_outputs=64, causal=True)
    count = sum(p.numel() for p in network_of(source_of(seed), spec).parameters())
    assert 40_000 <= count <= 0.6 * MAX_PARAMETERS


def test_the_docstring_names_the_design_then_gives_the_idea_and_a_dated_source(seed):
    name, *rest = ast.get_docstring(ast.parse(source_of(seed))).split("\n\n")
    assert "\n" not in name
    assert re.fullmatch(r"[A-Z][^.]*\.", name)
    assert any(paragraph.startswith("Idea: ") for paragraph in rest)
    assert any(re.match(r"Source: .*\b(19|20)\d\d\b", paragraph, re.DOTALL) for paragraph in rest)


def test_layers_is_one_list_of_residual_parts_or_names_of_shared_ones(seed):
    tree = ast.parse(source_of(seed))
    listing = function(tree, "layers")
    assert [argument.arg for argument in listing.args.args] == ["width", "length", "causal"]
    _docstring, *shared, result = listing.body
    assert isinstance(result, ast.Return)
    assert isinstance(result.value, ast.List)
    named = {statement.targets[0].id: statement.value for statement in shared}
    for entry in result.value.elts:
        layer = named[entry.id] if isinstance(entry, ast.Name) else entry
        assert re.fullmatch(
            r"Residual\(width, \w+\(width(, length)?(, causal)?(, \w+=\d+)+\)\)", ast.unparse(layer)
        )
    lines = [entry.lineno for entry in result.value.elts]
    assert len(set(lines)) == len(lines), "one layer a line"
    uses = [entry.id for entry in result.value.elts if isinstance(entry, ast.Name)]
    assert all(uses.count(name) >= 2 for name in named), "a part is named because it is used twice"


def test_a_part_refers_to_nothing_of_its_file_but_other_classes(seed):
    tree = ast.parse(source_of(seed))
    defined = classes(tree)
    constants = {target.id for node in tree.body if isinstance(node, ast.Assign) for target in node.targets}
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert constants == {"WIDTH"}
    assert functions == {"layers", "build"}
    for name, part in defined.items():
        if name != "Network":
            assert not names_used(part) & (constants | functions)


def test_classes_of_one_name_are_one_class_in_all_seeds(seed):
    own = classes(ast.parse(source_of(seed)))
    assert {"Residual", "Embed", "Network"} <= own.keys()
    for other in SEEDS:
        theirs = classes(ast.parse(source_of(other)))
        for name in own.keys() & theirs.keys():
            assert ast.unparse(own[name]) == ast.unparse(theirs[name]), f"{name} differs in {other}.py"


def sizes(source):
    """Return `(start, end, value)` of every integer keyword of the layers in a design's source."""
    beginning = source.index("def layers(")
    return [
        (beginning + match.start(1), beginning + match.end(1), int(match.group(1)))
        for match in re.finditer(r"\b\w+=(\d+)", source[beginning:])
    ]


@pytest.mark.parametrize("causal", [True, False])
def test_every_size_can_be_doubled_or_halved(seed, causal):
    spec = replace(SPECS["tokens"], causal=causal)
    source = source_of(seed)
    for start, end, value in sizes(source):
        for mutated in {2 * value, max(1, value // 2)}:
            network = network_of(source[:start] + str(mutated) + source[end:], spec)
            assert network(inputs_for(spec)).isfinite().all()


@pytest.mark.parametrize("width", [32, 48, 80, 128])
def test_the_width_can_be_changed_alone_or_with_every_other_size(seed, width):
    source = re.sub(r"^WIDTH = \d+$", f"WIDTH = {width}", source_of(seed), flags=re.MULTILINE)
    for factor in (0.5, 1, 2):
        mutated = source
        for start, end, value in reversed(sizes(source)):
            mutated = mutated[:start] + str(max(1, int(factor * value))) + mutated[end:]
        for causal in (True, False):
            spec = replace(SPECS["tokens"], causal=causal)
            logits = network_of(mutated, spec)(inputs_for(spec)[:, :SHORTER])
            assert logits.shape == (BATCH, SHORTER, CLASSES)
            assert logits.isfinite().all()
