import numpy as np
import pytest

from agentarch.kinds.probes import COPIES_OF_A_KIND, make_probes, mixing_descriptors, two_sides

LENGTH, VOCAB = 32, 16


def made(inputs, is_causal=True, seed=1):
    return make_probes(inputs, is_causal, np.random.default_rng(seed))


@pytest.fixture
def tokens():
    return np.random.default_rng(0).integers(0, VOCAB, (512, LENGTH))


def measured(tokens, network):
    probes = made(tokens)
    first, again = network(tokens)[probes.originals], network(probes.inputs)
    return mixing_descriptors(first.astype(np.float32), again.astype(np.float32), probes)


def embedded(tokens):
    return np.random.default_rng(2).normal(size=(VOCAB, 4))[tokens]


def shifted_sum(tokens, reach):
    x = embedded(tokens)
    return sum(np.pad(x, ((0, 0), (k, 0), (0, 0)))[:, : tokens.shape[1]] for k in range(reach + 1))


# What is measured.


def test_a_network_that_looks_at_each_position_alone_does_not_mix(tokens):
    assert measured(tokens, embedded)["mixing_range"] == 0


def test_a_constant_network_neither_mixes_nor_depends_on_content(tokens):
    def constant(tokens):
        return np.ones((*tokens.shape, 4))

    assert measured(tokens, constant) == {"mixing_range": 0, "content_dependence": 0}


def test_reaching_further_is_measured_as_a_longer_range(tokens):
    ranges = [measured(tokens, lambda t, k=k: shifted_sum(t, k))["mixing_range"] for k in (1, 4, 16, LENGTH)]
    assert ranges == sorted(ranges)
    assert ranges[0] < 0.3
    assert ranges[-1] > 0.6


def test_routing_by_content_is_told_from_a_fixed_pattern(tokens):
    def by_content(tokens):  # reads the position that the token names
        x = embedded(tokens)
        return np.take_along_axis(x, (tokens % LENGTH)[..., None], axis=1)

    fixed = measured(tokens, lambda t: shifted_sum(t, 8))["content_dependence"]
    assert fixed < 0.01  # whatever the content, the same outputs move alike
    assert measured(tokens, by_content)["content_dependence"] > 0.2


def test_a_single_output_has_both_measures_too(tokens):
    def gated(tokens):
        x = embedded(tokens)
        return (x * (tokens % 2)[..., None]).mean(axis=1)

    first = measured(tokens, lambda t: embedded(t)[:, 0])
    pooled = measured(tokens, lambda t: embedded(t).mean(axis=1))
    assert first["mixing_range"] == pytest.approx(0, abs=1e-6)
    assert pooled["mixing_range"] > 0.8
    assert measured(tokens, gated)["content_dependence"] > pooled["content_dependence"] > 0


# What is asked.


def test_each_probe_is_a_copy_of_one_input_changed_where_it_says(tokens):
    probes = made(tokens)
    assert len(set(probes.originals)) == len(probes.originals) == len(tokens)
    changed = probes.inputs != tokens[probes.originals]
    inside = (np.arange(LENGTH) >= probes.starts[:, None]) & (np.arange(LENGTH) < probes.ends[:, None])
    assert not changed[~inside].any()
    assert not changed[probes.same].any()
    assert (changed[probes.single].sum(axis=1) == 1).all()
    assert changed[probes.cut].any(axis=1).all()
    assert probes.same.sum() == probes.cut.sum() == COPIES_OF_A_KIND
    assert (probes.same ^ probes.cut ^ probes.single).all()


def test_no_box_is_asked_about_an_input_and_its_copy(tokens):
    probes = made(tokens)
    sides = two_sides(len(tokens), probes, np.random.default_rng(0))
    assert sorted(np.concatenate(sides)) == list(range(2 * len(tokens)))
    for side in sides:
        scored, copies = set(side[side < len(tokens)]), side[side >= len(tokens)] - len(tokens)
        assert not scored & set(probes.originals[copies])
        assert abs(len(scored) - len(tokens) / 2) < 1


def test_copies_with_another_end_are_made_only_where_looking_ahead_is_a_fault(tokens):
    assert made(tokens, is_causal=False).cut.sum() == 0


@pytest.mark.parametrize("items", [2, 5, 24, 64])
def test_few_inputs_give_few_probes(items, tokens):
    probes = made(tokens[:items])
    assert len(probes.originals) <= items
    assert probes.single.any()


def test_probes_look_like_the_inputs_they_are_made_from():
    inputs = np.zeros((100, LENGTH), np.int16)
    inputs[:, ::2] = np.random.default_rng(0).integers(1, 5, (100, LENGTH // 2))
    inputs[:, -1] = 9
    probes = made(inputs)
    assert probes.inputs.dtype == inputs.dtype
    assert set(np.unique(probes.inputs)) <= set(np.unique(inputs))
    assert (probes.inputs[probes.single] != inputs[probes.originals][probes.single]).any(axis=1).all()


def test_every_pixel_of_an_image_is_a_position():
    inputs = np.random.default_rng(0).normal(size=(100, 2, 5, 6)).astype(np.float32)
    probes = made(inputs)
    assert probes.inputs.shape[1:] == (2, 5, 6)
    assert probes.length == 30
    changed = (probes.inputs != inputs[probes.originals]).all(axis=1)  # a pixel is changed in every channel
    assert (changed.sum(axis=(1, 2)) == probes.single).all()


def test_long_real_valued_inputs_are_probed_at_some_positions():
    inputs = np.random.default_rng(0).normal(size=(600, 200, 2)).astype(np.float32)
    probes = made(inputs)
    assert len(np.unique(probes.starts[probes.single])) == 48
