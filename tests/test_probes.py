import numpy as np
import pytest

from agentarch.kinds.probes import make_probes, mixing_descriptors

LENGTH, VOCAB = 32, 16


@pytest.fixture
def probes():
    inputs = np.random.default_rng(0).integers(0, VOCAB, (64, LENGTH))
    return make_probes(inputs, np.random.default_rng(1))


def measured(probes, network):
    return mixing_descriptors(network(probes.inputs).astype(np.float32), probes)


def embedded(tokens):
    return np.random.default_rng(2).normal(size=(VOCAB, 4))[tokens]


def shifted_sum(tokens, reach):
    x = embedded(tokens)
    return sum(np.pad(x, ((0, 0), (k, 0), (0, 0)))[:, : tokens.shape[1]] for k in range(reach + 1))


def test_a_network_that_looks_at_each_position_alone_does_not_mix(probes):
    assert measured(probes, embedded)["mixing_range"] == 0


def test_a_constant_network_neither_mixes_nor_depends_on_content(probes):
    def constant(tokens):
        return np.ones((*tokens.shape, 4))

    assert measured(probes, constant) == {"mixing_range": 0, "content_dependence": 0}


def test_reaching_further_is_measured_as_a_longer_range(probes):
    ranges = [measured(probes, lambda t, k=k: shifted_sum(t, k))["mixing_range"] for k in (1, 4, 16, LENGTH)]
    assert ranges == sorted(ranges)
    assert ranges[0] < 0.3
    assert ranges[-1] > 0.6


def test_routing_by_content_is_told_from_a_fixed_pattern(probes):
    def by_content(tokens):  # reads the position that the token names
        x = embedded(tokens)
        return np.take_along_axis(x, (tokens % LENGTH)[..., None], axis=1)

    fixed = measured(probes, lambda t: shifted_sum(t, 8))["content_dependence"]
    assert measured(probes, by_content)["content_dependence"] > 2 * fixed


def test_a_single_output_has_a_range_too(probes):
    first = measured(probes, lambda t: embedded(t)[:, 0])["mixing_range"]
    pooled = measured(probes, lambda t: embedded(t).mean(axis=1))["mixing_range"]
    assert first == pytest.approx(0, abs=1e-6)
    assert pooled > 0.8


def test_probes_look_like_the_inputs_they_are_made_from():
    inputs = np.zeros((20, LENGTH), np.int16)
    inputs[:, ::2] = np.random.default_rng(0).integers(1, 5, (20, LENGTH // 2))
    inputs[:, -1] = 9
    probes = make_probes(inputs, np.random.default_rng(0))
    assert probes.inputs.dtype == inputs.dtype
    assert set(np.unique(probes.inputs)) <= set(np.unique(inputs))
    changes = probes.inputs[probes.bases :].reshape(probes.bases, len(probes.positions), LENGTH)
    for base, rows in zip(probes.inputs[: probes.bases], changes, strict=True):
        assert [np.flatnonzero(row != base).tolist() for row in rows] == [[p] for p in probes.positions]


def test_every_pixel_of_an_image_is_a_position():
    inputs = np.random.default_rng(0).normal(size=(30, 2, 5, 6)).astype(np.float32)
    probes = make_probes(inputs, np.random.default_rng(0))
    assert probes.inputs.shape == (8 * 31, 2, 5, 6)
    assert probes.length == 30
    changed = probes.inputs[8:38] != probes.inputs[0]
    assert (changed.sum(axis=(2, 3)) == 1).all()


def test_long_real_valued_inputs_are_probed_at_some_positions():
    inputs = np.random.default_rng(0).normal(size=(30, 200, 2)).astype(np.float32)
    probes = make_probes(inputs, np.random.default_rng(0))
    assert len(probes.positions) == 48
    assert probes.inputs.shape == (8 * 49, 200, 2)
