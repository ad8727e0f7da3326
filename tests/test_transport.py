import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from eqflow_nb.inputs import InputError
from eqflow_nb.measures import bounded, mmd, noise_floor, preservation, sinkhorn, sliced_wasserstein

# Identities hold for what has settled; clouds twice as wide take more than the usual iterations.
DISTANCES = [sliced_wasserstein, partial(sinkhorn, iterations=2000), mmd]
seeds = st.integers(0, 10_000)
few = settings(max_examples=20, deadline=None)


def normal(n, seed, dim=2):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(n, dim, generator=rng, dtype=torch.float64)


@few
@given(seeds, st.floats(-5, 5))
def test_in_one_dimension_a_shift_is_its_own_distance(seed, shift):
    x = normal(60, seed, dim=1)
    moved = (x + shift).flip(0)
    assert sliced_wasserstein(x, moved) == pytest.approx(abs(shift), abs=1e-9)


@few
@given(seeds, st.integers(2, 40), st.integers(2, 40))
def test_in_one_dimension_it_is_the_wasserstein_distance_also_of_unequal_sizes(seed, n, m):
    x, y = normal(n, seed, dim=1), normal(m, seed + 1, dim=1)
    expected = wasserstein_distance(x.flatten(), y.flatten())
    assert sliced_wasserstein(x, y, p=1) == pytest.approx(expected)


@few
@given(seeds, st.integers(2, 4))
def test_a_shift_in_d_dimensions_is_seen_by_one_share_in_d(seed, dim):
    # Over random directions the mean of (u . shift)^2 is |shift|^2 / d.
    x, shift = normal(20, seed, dim), normal(1, seed + 1, dim)
    expected = float(shift.norm()) / math.sqrt(dim)
    assert sliced_wasserstein(x, x + shift, projections=20_000) == pytest.approx(expected, rel=0.03)


@settings(max_examples=8, deadline=None)
@given(seeds)
def test_distances_are_symmetric_and_blind_to_order_and_common_shifts(seed):
    x, y, shift = normal(30, seed), 2 * normal(20, seed + 1), normal(1, seed + 2)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    for distance in DISTANCES:
        value = distance(x, y)
        assert value > 0
        assert distance(y, x) == pytest.approx(value, rel=1e-5)
        assert distance(x[order], y) == pytest.approx(value, rel=1e-6)
        assert distance(x + shift, y + shift) == pytest.approx(value, rel=1e-6)
        assert distance(x, x[order]) == pytest.approx(0, abs=1e-4)


def test_lengths_scale_with_the_clouds():
    x, y = normal(50, 0), normal(50, 1) + 1
    assert sliced_wasserstein(3 * x, 3 * y) == pytest.approx(3 * sliced_wasserstein(x, y))
    assert sinkhorn(3 * x, 3 * y, reg=4.5) == pytest.approx(3 * sinkhorn(x, y, reg=0.5))
    assert mmd(3 * x, 3 * y, bandwidth=1.5) == pytest.approx(mmd(x, y, bandwidth=0.5))


def test_the_seed_chooses_the_directions():
    x, y = normal(50, 0), normal(50, 1)
    assert sliced_wasserstein(x, y, seed=1) == sliced_wasserstein(x, y, seed=1)
    assert sliced_wasserstein(x, y, seed=1) != sliced_wasserstein(x, y, seed=2)


@pytest.mark.parametrize("shift", [0.5, 30.0])
def test_sinkhorn_of_a_shifted_cloud_is_the_shift(shift):
    # The debiased divergence of x and x + a is |a|^2 exactly.  30 needs the log-space branch.
    x = normal(80, 0)
    moved = x + torch.tensor([shift, 0.0])
    assert sinkhorn(x, moved, reg=0.5, iterations=1000) == pytest.approx(shift, rel=1e-3)


def test_sinkhorn_of_single_atoms_is_their_distance():
    x, y = torch.zeros(2, 2), torch.tensor([[3.0, 4.0], [3.0, 4.0]])
    assert sinkhorn(x, y) == pytest.approx(5)


@pytest.mark.parametrize("unbiased", [False, True])
def test_mmd_of_two_normal_laws_is_the_closed_form(unbiased):
    # E k = (h^2 / (h^2 + 2))^(d/2) exp(-|a|^2 / (2 (h^2 + 2))) for unit normal laws a apart.
    n, h, shift = 3000, 0.5, 1.0
    x, y = normal(n, 0), normal(n, 1) + torch.tensor([shift, 0.0])
    kernel = h**2 / (h**2 + 2)
    expected = 2 * kernel * (1 - math.exp(-(shift**2) / (2 * (h**2 + 2))))
    bias = 0 if unbiased else 2 * (1 - kernel) / n
    assert mmd(x, y, h, unbiased) == pytest.approx(expected + bias, abs=0.004)


def test_the_unbiased_mmd_of_equal_laws_is_zero_on_average():
    values = [mmd(normal(40, 2 * i), normal(40, 2 * i + 1), unbiased=True) for i in range(200)]
    assert min(values) < 0
    assert abs(np.mean(values)) < 4 * np.std(values) / math.sqrt(len(values))


def test_the_floor_shrinks_with_the_root_of_the_sample_size():
    small, _ = noise_floor(sliced_wasserstein, normal, n=100, pairs=16)
    large, _ = noise_floor(sliced_wasserstein, normal, n=1600, pairs=16)
    assert small / large == pytest.approx(4, rel=0.3)


def test_the_floor_uses_no_sample_twice():
    used = []

    def draw(n, seed):
        used.append(seed)
        return normal(n, seed)

    for seed in range(3):
        noise_floor(sliced_wasserstein, draw, n=10, pairs=8, seed=seed)
        preservation(normal(10, 1), draw, floor=1.0, seed=seed)
    assert len(used) == len(set(used)) == 3 * 17


def test_the_floor_is_the_mean_over_pairs():
    mean, sd = noise_floor(
        lambda x, y: float((x - y).abs().sum()), lambda n, seed: normal(n, 0), 10
    )
    assert mean == sd == 0
    mean, sd = noise_floor(sliced_wasserstein, normal, n=500, pairs=40)
    again, _ = noise_floor(sliced_wasserstein, normal, n=500, pairs=40, seed=1)
    assert abs(mean - again) < 5 * sd * math.sqrt(2 / 40)


def test_a_fresh_sample_is_preserved_and_a_moved_one_is_not():
    fresh = [preservation(normal(500, 1000 + i), normal, seed=i) for i in range(10)]
    assert np.mean(fresh) == pytest.approx(1, abs=0.3)
    assert preservation(normal(500, 5) + 1, normal) > 5
    assert preservation(1.5 * normal(500, 5), normal) > 3


def test_preservation_is_the_distance_over_the_floor_given():
    x = normal(100, 0) + 0.5
    one, two = (preservation(x, normal, floor=f) for f in (1.0, 2.0))
    assert one == pytest.approx(2 * two)
    by_mmd = preservation(x, normal, floor=1.0, distance=mmd)
    assert by_mmd != one


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_cloud_that_left_to_infinity_is_infinitely_far(value):
    x = normal(50, 0)
    x[7, 1] = value
    assert preservation(x, normal) == math.inf


@given(st.lists(st.lists(st.floats(0, 8), min_size=3, max_size=3), min_size=1, max_size=5))
def test_bounded_counts_trajectories_that_never_leave(path):
    states = torch.tensor(path)[..., None] * torch.tensor([1.0, -0.5])
    expected = np.mean([max(column) < 4 for column in zip(*path, strict=True)])
    assert bounded(states.double()) == pytest.approx(expected)
    assert bounded(iter(states.double())) == pytest.approx(expected)


def test_bounded_counts_nan_as_outside_and_takes_a_limit():
    states = torch.tensor([[[0.0], [1.0], [math.nan], [-math.inf]]])
    assert bounded(states) == 0.5
    assert bounded(states, limit=0.5) == 0.25
    with pytest.raises(InputError, match="states is empty"):
        bounded([])


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_broken_clouds_are_refused_by_name(distance, value):
    good, bad = torch.zeros(3, 2), torch.full((3, 2), value)
    with pytest.raises(InputError, match="x has 6 value"):
        distance(bad, good)
    with pytest.raises(InputError, match="y has 6 value"):
        distance(good, bad)


@pytest.mark.parametrize("distance", DISTANCES)
def test_clouds_of_other_dimension_or_of_one_point_are_refused(distance):
    with pytest.raises(InputError, match="y has 3 column"):
        distance(torch.zeros(3, 2), torch.zeros(3, 3))
    with pytest.raises(InputError, match="y has 1 row"):
        distance(torch.zeros(3, 2), torch.zeros(1, 2))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: sliced_wasserstein(x, x, projections=0), "projections"),
        (lambda x: sliced_wasserstein(x, x, p=0), "p is"),
        (lambda x: sinkhorn(x, x, reg=-1), "reg"),
        (lambda x: sinkhorn(x, x, iterations=0), "iterations"),
        (lambda x: mmd(x, x, bandwidth=0), "bandwidth"),
        (lambda x: noise_floor(mmd, normal, pairs=1), "pairs"),
        (lambda x: preservation(x, normal, floor=0), "floor"),
        (lambda x: bounded(x[None], limit=0), "limit"),
    ],
)
def test_bad_settings_are_refused_by_name(call, name):
    with pytest.raises(InputError, match=name):
        call(normal(5, 0))
