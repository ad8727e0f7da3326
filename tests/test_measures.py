"""Distances, floors, agreement, chaos and patterns, where the answers are known."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mixtures import noise
from mixtures import normal as standard
from scipy.spatial.distance import pdist, squareform

from eqflow_nb import fourier, measures
from eqflow_nb.measures import (
    embed,
    kaplan_yorke,
    lyapunov_spectrum,
    mmd,
    noise_floor,
    patterns,
    preservation,
    signed_similarity,
    similarity,
    sinkhorn,
    sliced_wasserstein,
)
from eqflow_nb.rollout import rk4
from eqflow_nb.snapshots import world
from eqflow_nb.snapshots.zoo import system

few = settings(max_examples=20, deadline=None)
seeds = st.integers(0, 10_000)
# Identities hold for what has settled; clouds twice as wide take more than the usual iterations.
DISTANCES = [sliced_wasserstein, partial(sinkhorn, iterations=2000), mmd]


def normal(n, seed, dim=2):
    return standard(n, dim, seed=seed)


# Transport


@few
@given(seeds, st.integers(2, 12), st.integers(2, 12))
def test_in_one_dimension_it_is_the_wasserstein_distance_also_of_unequal_sizes(seed, n, m):
    x, y = normal(n, seed, dim=1).flatten(), normal(m, seed + 1, dim=1).flatten()
    # Repeated to a common size, sorted points are paired in order.
    pairs = zip(x.repeat_interleave(m).sort()[0], y.repeat_interleave(n).sort()[0], strict=True)
    expected = math.sqrt(np.mean([float(a - b) ** 2 for a, b in pairs]))
    assert sliced_wasserstein(x[:, None], y[:, None]) == pytest.approx(expected)


@few
@given(seeds, st.integers(2, 4))
def test_a_shift_in_d_dimensions_is_seen_by_one_share_in_d(seed, dim):
    # Over random directions the mean of (u . shift)^2 is |shift|^2 / d.
    x, shift = normal(20, seed, dim), normal(1, seed + 1, dim)
    expected = float(shift.norm()) / math.sqrt(dim)
    assert sliced_wasserstein(x, x + shift, projections=20_000) == pytest.approx(expected, rel=0.03)


@settings(max_examples=3, deadline=None)
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


@pytest.mark.parametrize("shift", [0.5, 30.0])
def test_sinkhorn_of_a_shifted_cloud_is_the_shift(shift):
    # The debiased divergence of x and x + a is |a|^2 exactly.  30 needs the log-space branch.
    x = normal(80, 0)
    moved = x + torch.tensor([shift, 0.0])
    assert sinkhorn(x, moved, reg=0.5, iterations=1000) == pytest.approx(shift, rel=1e-3)


def test_mmd_of_two_normal_clouds_is_the_closed_form():
    # E k = (h^2 / (h^2 + 2))^(d/2) exp(-|a|^2 / (2 (h^2 + 2))) for unit normal clouds a apart.
    n, h, shift = 3000, 0.5, 1.0
    x, y = normal(n, 0), normal(n, 1) + torch.tensor([shift, 0.0])
    kernel = h**2 / (h**2 + 2)
    expected = 2 * kernel * (1 - math.exp(-(shift**2) / (2 * (h**2 + 2))))
    assert mmd(x, y, h) == pytest.approx(expected + 2 * (1 - kernel) / n, abs=0.004)


def test_the_floor_shrinks_with_the_root_of_the_sample_size():
    small, _ = noise_floor(sliced_wasserstein, normal, n=100, pairs=16)
    large, _ = noise_floor(sliced_wasserstein, normal, n=1600, pairs=16)
    assert small / large == pytest.approx(4, rel=0.3)


def test_the_floor_is_the_mean_over_pairs_also_of_random_halves():
    mean, sd = noise_floor(sliced_wasserstein, normal, n=500, pairs=40)
    again, _ = noise_floor(sliced_wasserstein, normal, n=500, pairs=40, seed=1)
    assert abs(mean - again) < 5 * sd * math.sqrt(2 / 40)
    halves = measures.random_halves(normal(1000, 3), splits=40)
    assert measures.mean_distance(sliced_wasserstein, halves)[0] == pytest.approx(mean, rel=0.2)


def test_a_fresh_sample_is_preserved_and_a_moved_one_is_not():
    fresh = [preservation(normal(500, 1000 + i), normal, seed=i) for i in range(10)]
    assert np.mean(fresh) == pytest.approx(1, abs=0.3)
    assert preservation(normal(500, 5) + 1, normal) > 5
    assert preservation(1.5 * normal(500, 5), normal) > 3


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_cloud_that_left_to_infinity_is_infinitely_far(value):
    x = normal(50, 0)
    x[7, 1] = value
    assert preservation(x, normal) == math.inf


def test_half_turns_of_the_lorenz_attractor_and_of_a_lopsided_cloud():
    turns = measures.half_turns(world("lorenz").sample(4000, 1))
    assert turns[0].signs.tolist() == [-1, -1, 1] and turns[0].holds
    assert not any(turn.holds for turn in turns[1:])
    cloud = torch.distributions.Exponential(1.0).sample((4000, 2)) - 1
    assert not any(turn.holds for turn in measures.half_turns(cloud))


# Sampling


def autoregressive(memory, chains, steps, seed=0):
    """x <- memory x + noise keeps N(0, I); its slowest observable is x itself."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(chains, 2, generator=generator)
    yield 0.0, x
    for step in range(1, steps + 1):
        x = memory * x + math.sqrt(1 - memory**2) * torch.randn(x.shape, generator=generator)
        yield float(step), x


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.8])
def test_effective_samples_of_an_autoregressive_chain(memory):
    steps, floor = 400, noise_floor(sliced_wasserstein, normal, n=500)[0]
    path = autoregressive(memory, 500, steps)
    effective, over_floor = measures.assess(path, steps, 1, normal, floor)
    # The integrated autocorrelation time of x is (1 + a) / (1 - a).
    assert effective == pytest.approx((1 - memory) / (1 + memory), rel=0.25)
    assert over_floor < 1.5
    shifted = ((t, x + 1) for t, x in autoregressive(memory, 500, 50))
    assert measures.assess(shifted, 50, 1, normal, floor)[1] > 1.5


# Agreement of fields

values = st.floats(-1e3, 1e3).filter(lambda a: a == 0 or abs(a) > 1e-3)
pairs = hnp.arrays(
    np.float64, st.tuples(st.just(2), st.integers(1, 8), st.integers(1, 3)), elements=values
)
factors = st.floats(1e-200, 1e200)


@given(pairs, factors, factors, st.sampled_from([1, -1]))
def test_similarity_is_the_cosine_and_ignores_speed_and_the_direction_of_time(pair, a, b, sign):
    v, w = pair
    assume(v.any() and w.any())
    cosine = (v * w).sum() / math.sqrt((v**2).sum() * (w**2).sum())
    assert signed_similarity(v, w) == pytest.approx(cosine, abs=1e-12)
    assert similarity(v, w) == similarity(w, v) <= 1
    assert similarity(a * v, sign * b * w) == pytest.approx(similarity(v, w), abs=1e-12)
    assert signed_similarity(v, sign * w) == pytest.approx(sign * signed_similarity(v, w))


def test_one_sign_holds_for_the_whole_set_of_states():
    # Agreement on one half of the states and reversal on the other cancel.
    v = torch.ones(4, 3)
    assert similarity(v, v * torch.tensor([1.0, 1.0, -1.0, -1.0])[:, None]) == 0


@few
@given(st.integers(3, 8), seeds)
def test_embed_recovers_the_distances_of_a_configuration(m, seed):
    distances = squareform(pdist(np.random.default_rng(seed).uniform(0, 0.5, (m, 2))))
    found = embed(1 - distances)
    assert np.allclose(squareform(pdist(found.numpy())), distances, atol=1e-6)
    assert torch.allclose(found.mean(dim=0), torch.zeros(2).double(), atol=1e-9)
    assert (found.max(dim=0).values >= -found.min(dim=0).values).all(), "its orientation is fixed"


# Chaos


class Linear:
    """dx/dt = A x, with its Jacobian."""

    def __init__(self, matrix):
        self.matrix = torch.as_tensor(matrix, dtype=torch.float64)

    def __call__(self, x):
        return x @ self.matrix.T

    def jacobian(self, x):
        return self.matrix.expand(len(x), -1, -1)


def plain(field):
    """Hide a field's Jacobian, so that it is differentiated."""
    return lambda x: field(x)


def duffing(x):
    """Nonlinear with position-dependent divergence, d = 2."""
    return torch.stack([x[:, 1], x[:, 0] - x[:, 0] ** 3 - 0.3 * x[:, 0] ** 2 * x[:, 1]], dim=1)


@pytest.mark.parametrize(
    "matrix", [[[0.3, 5.0], [0.0, -1.0]], [[-0.2, 3.0, 0.0], [-3.0, -0.2, 0.0], [0.5, 0.5, -1.5]]]
)
@pytest.mark.parametrize("way", [lambda f: f, plain])
def test_a_linear_system_has_the_real_parts_of_its_eigenvalues(matrix, way):
    field = Linear(matrix)
    expected = np.sort(np.linalg.eigvals(field.matrix.numpy()).real)[::-1]
    x0 = 0.1 * torch.ones(2, len(matrix), dtype=torch.float64)
    found = lyapunov_spectrum(way(field), x0, 0.02, 800, burn=300).exponents
    assert np.allclose(found.numpy(), expected, atol=0.03)


def test_the_spectrum_sums_to_the_mean_divergence_along_the_way():
    x0, dt, steps = torch.tensor([[0.5, 0.2], [1.2, -0.3]], dtype=torch.float64), 0.005, 800
    total = lyapunov_spectrum(duffing, x0, dt, steps).exponents.sum(dim=1)
    divergence = [-0.3 * x[:, 0] ** 2 for _, x in rk4(duffing, x0, dt, steps)]
    mean = torch.trapezoid(torch.stack(divergence), dx=1 / steps, dim=0)
    assert torch.allclose(total, mean, atol=1e-4)
    assert total[0] != pytest.approx(float(total[1]), abs=0.01)


def test_lorenz_has_its_known_spectrum_dimension_and_loss_of_volume():
    lorenz = world("lorenz")
    found = lyapunov_spectrum(lorenz.velocity, lorenz.sample(400, 3), 0.01, 1500, burn=500)
    spectrum, totals = found.exponents.mean(dim=0), found.exponents.sum(dim=1)
    assert spectrum[0] == pytest.approx(system("lorenz").published[0], rel=0.03)
    assert spectrum[1] == pytest.approx(0, abs=0.02)
    assert torch.allclose(totals, torch.full_like(totals, -41 / 3), rtol=1e-3)
    assert kaplan_yorke(spectrum) == pytest.approx(2.06, abs=0.01)


def test_a_trajectory_that_leaves_to_infinity_is_nan_and_spares_the_others():
    x0 = torch.tensor([[0.5], [-0.5]], dtype=torch.float64)
    found = lyapunov_spectrum(lambda x: x**2, x0, 0.05, 200)
    assert found.exponents[0].isnan().all()
    assert torch.isfinite(found.exponents[1]).all() and torch.isfinite(found.history[-1]).all()


@pytest.mark.parametrize(
    ("exponents", "dimension"),
    [
        ((-14.5723, 0.9056, 0.0), 2 + 0.9056 / 14.5723),
        ((0.5, -1.0), 1.5),
        ((-1.0, -2.0), 0.0),
        ((1.0, 0.5), 2.0),
    ],
)
def test_kaplan_yorke_dimension(exponents, dimension):
    assert kaplan_yorke(exponents) == pytest.approx(dimension)


# Patterns


def test_patches_wrap_around_and_are_found_in_the_image():
    some = patterns.patches(torch.arange(36.0).reshape(1, 1, 6, 6), 3)
    assert some.shape == (patterns.PATCHES, 9)
    assert len(torch.unique(some[:, 4])) == 36, "every pixel is the middle of a patch"
    row = some[some[:, 0] == 35.0][0].tolist()  # the last corner: the rest comes from other sides
    assert row == [35, 30, 31, 5, 0, 1, 11, 6, 7]


def test_a_shifted_image_is_the_same_pattern_and_a_blurred_one_is_not():
    x = fourier.filtered(
        torch.exp(-((8 * fourier.frequencies(32, 32)) ** 2))[..., None, None] * torch.eye(2),
        noise(4, 2, 32, 32),
    )
    couples = [(x[[i]].roll(7 * i, 3), x[[i + 1]]) for i in range(3)]
    floor, _ = measures.mean_distance(patterns.patch_distance, couples)
    assert patterns.patch_distance(x[:1], x[:1].roll((5, 9), (2, 3))) < floor
    assert patterns.patch_distance(x, 2 * x) > 2 * floor
    assert patterns.spectrum_distance(x, x) == 0
    assert patterns.spectrum_distance(x, 10 * x) == pytest.approx(2.0)


def test_a_wave_has_its_power_at_its_wavelength():
    wave = torch.cos(2 * math.pi * 8 * torch.arange(64) / 64).expand(1, 1, 64, 64)
    k, power = patterns.spectrum(wave, 32)
    assert float(k[power[0].argmax()]) == pytest.approx(8 / 64, abs=0.01)


def test_fresh_images_are_one_floor_away_and_others_are_more():
    low = fourier.blur(16, 16, 1.5)[..., None, None] * torch.eye(2)
    images = [fourier.filtered(low, noise(n, 2, 16, 16, seed=n)) for n in (32, 6)]
    reference = patterns.reference_sets(images[0], 2)
    assert len(reference.sets) == 16
    found = reference.distances(images[1])
    assert len(found) == 3 and 0.6 < np.mean(found) < 1.6
    assert np.mean(reference.distances(2 * images[1])) > 2


def test_pairs_of_noise_cancel_in_a_linear_field():
    x = noise(5, 2, 4, 4)
    torch.testing.assert_close(patterns.smoothed(lambda y: 3 * y, x, 2.0, 1), 3 * x)
