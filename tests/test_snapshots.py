import math

import numpy as np
import pytest
import torch

from eqflow_nb.inputs import InputError
from eqflow_nb.snapshots import NAMES, world
from eqflow_nb.snapshots.lorenz import BETA, LYAPUNOV, RHO, SIGMA, _advance, _settled, trajectories

DENSE = ("two_peaks", "ring", "two_moons", "checkerboard")
MIXED = ("two_peaks", "two_moons")
BLUR = 0.15


def blurred(name, n, seed, sigma=BLUR):
    x = world(name).sample(n, seed).double()
    noise = torch.Generator().manual_seed(seed + 1)
    return x + sigma * torch.randn(n, 2, generator=noise, dtype=torch.float64)


def grid(cells=320, reach=6.5):
    """Centres (cells^2, 2) and the area of the cells of a square grid."""
    edges = torch.linspace(-reach, reach, cells + 1, dtype=torch.float64)
    centres = (edges[:-1] + edges[1:]) / 2
    return torch.cartesian_prod(centres, centres), float(edges[1] - edges[0]) ** 2


def score(name, x, sigma=BLUR):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(world(name).log_density(x, sigma).sum(), x)[0]


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_float32_centred_and_of_unit_deviation(name):
    n = 20_000
    x = world(name).sample(n, 7)
    assert x.shape == (n, world(name).dim) and x.dtype == torch.float32
    # Four standard errors of a mean, and of a deviation at these kurtoses (at most 3).
    assert x.mean(dim=0).abs().max() < 4 / math.sqrt(n)
    assert (x.std(dim=0) - 1).abs().max() < 4 * math.sqrt(0.5 / n)


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_fixes_the_draw_and_another_changes_it(name):
    sample = world(name).sample
    assert torch.equal(sample(50, 3), sample(50, 3))
    assert not torch.isclose(sample(50, 3), sample(50, 4)).any(dim=1).all()
    before = torch.random.get_rng_state()
    sample(50, 3)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("name", NAMES)
def test_no_snapshot_is_drawn_twice(name):
    x = world(name).sample(5000, 0)
    assert len(x.unique(dim=0)) == 5000


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [0, -1, 2.5])
def test_a_number_of_samples_that_is_none_is_refused(name, n):
    with pytest.raises(InputError, match="n is"):
        world(name).sample(n, 0)


@pytest.mark.parametrize("name", DENSE)
@pytest.mark.parametrize("sigma", [0.05, BLUR, 0.5])
def test_densities_integrate_to_one(name, sigma):
    points, area = grid()
    total = world(name).log_density(points, sigma).exp().sum() * area
    assert abs(total - 1) < 1e-6


@pytest.mark.parametrize("name", ["two_peaks", "ring", "two_moons"])
def test_densities_without_blur_integrate_to_one_and_have_unit_deviation(name):
    points, area = grid()
    mass = world(name).log_density(points, 0).exp() * area
    assert abs(mass.sum() - 1) < 1e-6
    assert (mass @ points).abs().max() < 1e-6
    assert (mass @ points**2 - 1).abs().max() < 1e-5


@pytest.mark.parametrize("name", DENSE)
def test_densities_agree_with_a_histogram_of_blurred_samples(name):
    n, cells = 200_000, 30
    counts, *_ = np.histogram2d(*blurred(name, n, 1).T.numpy(), bins=cells, range=[[-3, 3]] * 2)
    fine, area = grid(cells * 8, 3.0)
    mass = world(name).log_density(fine, BLUR).exp() * area
    expected = n * mass.reshape(cells, 8, cells, 8).sum(dim=(1, 3)).numpy()
    full = expected > 20
    chi2 = ((counts - expected) ** 2 / expected)[full].sum()
    # Chi-squared has mean k and deviation sqrt(2 k) for k cells.
    assert abs(chi2 - full.sum()) < 5 * math.sqrt(2 * full.sum())


@pytest.mark.parametrize("name", DENSE)
def test_the_score_is_that_of_a_kernel_density_of_the_samples(name):
    # The blurred law is the limit of Gaussian kernels of width sigma at many samples.
    centres = world(name).sample(1_000_000, 2)
    x = blurred(name, 20, 9).float()
    kernel_scores = []
    for point in x:
        offsets = centres - point
        weights = (-(offsets**2).sum(dim=1) / (2 * BLUR**2)).softmax(dim=0)
        kernel_scores.append(weights @ offsets / BLUR**2)
    exact = score(name, x)
    assert (exact - torch.stack(kernel_scores)).norm() < 0.05 * exact.norm()


@pytest.mark.parametrize("name", DENSE)
def test_a_score_averages_to_zero_and_to_minus_the_dimension_with_x(name):
    # Integration by parts: E s = 0 and E x.s = -d.
    points, area = grid(200)
    mass = world(name).log_density(points, BLUR).exp() * area
    s = score(name, points)
    assert (mass @ s).abs().max() < 1e-6
    assert abs(mass @ (s * points).sum(dim=1) + 2) < 1e-5


@pytest.mark.parametrize("name", DENSE)
def test_densities_obey_the_heat_equation_in_the_blur(name):
    # d p / d(sigma^2 / 2) = laplacian p, by finite differences in both.
    density, h = world(name).log_density, 1e-3
    x = blurred(name, 50, 5)
    p = density(x, BLUR).exp()
    steps = h * torch.eye(2, dtype=torch.float64)
    laplacian = sum(
        (density(x + e, BLUR).exp() + density(x - e, BLUR).exp() - 2 * p) / h**2 for e in steps
    )
    up, down = math.sqrt(BLUR**2 + h**2), math.sqrt(BLUR**2 - h**2)
    heat = (density(x, up).exp() - density(x, down).exp()) / h**2
    assert torch.allclose(heat, laplacian, rtol=1e-3, atol=1e-3 * float(laplacian.abs().max()))


@pytest.mark.parametrize("name", DENSE)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_far_tails_stay_finite_and_pull_inwards(name, dtype):
    x = torch.tensor([[6.0, 0.1], [-6.0, 0.1], [0.1, 6.0], [0.1, -6.0]], dtype=dtype)
    s = score(name, x)
    assert world(name).log_density(x, BLUR).dtype == dtype
    assert torch.isfinite(s).all() and ((s * x).sum(dim=1) < -30).all()


@pytest.mark.parametrize("name", MIXED)
def test_a_mixture_is_the_density(name):
    weights, means, covariances = world(name).mixture(BLUR)
    x = blurred(name, 100, 4)
    law = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(weights),
        torch.distributions.MultivariateNormal(means, covariances),
    )
    assert torch.allclose(law.log_prob(x), world(name).log_density(x, BLUR), atol=1e-12)
    assert abs(weights.sum() - 1) < 1e-12


def test_the_moons_quadrature_has_converged(monkeypatch):
    x, _ = grid(80, 3.0)
    coarse = world("two_moons").log_density(x, 0).exp()
    monkeypatch.setattr("eqflow_nb.snapshots.toys.MOON_NODES", 200)
    fine = world("two_moons").log_density(x, 0).exp()
    assert (coarse - fine).abs().max() < 1e-10 * fine.max()


def test_the_peaks_have_a_saddle_that_can_be_crossed():
    peak = world("two_peaks").log_density(torch.tensor([[1.0, 0.0]]) / 1.16**0.5, BLUR)
    saddle = world("two_peaks").log_density(torch.zeros(1, 2), BLUR)
    assert 0.05 < (saddle - peak).exp() < 0.3


@pytest.mark.parametrize("name", DENSE)
@pytest.mark.parametrize("sigma", [-0.1, math.nan, math.inf, "wide"])
def test_a_bad_noise_level_is_refused(name, sigma):
    with pytest.raises(InputError, match="sigma"):
        world(name).log_density(torch.zeros(1, 2), sigma)


def test_the_board_has_no_smooth_density_without_blur():
    with pytest.raises(InputError, match="sigma is 0"):
        world("checkerboard").log_density(torch.zeros(1, 2), 0)


def test_an_unknown_world_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=", ".join(NAMES)):
        world("rossler")


def raw_lorenz(raw):
    x, y, z = raw.T
    return torch.stack([SIGMA * (y - x), x * (RHO - z) - y, x * y - BETA * z], dim=1)


def test_lorenz_velocity_is_that_of_the_raw_equations():
    lorenz = world("lorenz")
    x = lorenz.sample(200, 1).double()
    expected = raw_lorenz(lorenz.centre + lorenz.scale * x) / lorenz.scale
    assert torch.allclose(lorenz.velocity(x), expected)


def test_lorenz_jacobian_is_the_derivative_of_its_velocity():
    velocity = world("lorenz").velocity
    x = world("lorenz").sample(5, 1).double()
    by_autograd = torch.stack([torch.autograd.functional.jacobian(velocity, row) for row in x])
    assert torch.allclose(velocity.jacobian(x), by_autograd)
    divergence = velocity.jacobian(x).diagonal(dim1=1, dim2=2).sum(dim=1)
    assert torch.allclose(divergence, torch.full((5,), sum(LYAPUNOV), dtype=torch.float64))


def test_lorenz_trajectories_solve_its_equation():
    dt, x = 0.002, trajectories(20, 400, 0.002, 3).double()
    assert x.shape == (401, 20, 3)
    slopes = (x[2:] - x[:-2]) / (2 * dt)
    velocity = world("lorenz").velocity(x[1:-1].flatten(0, 1)).reshape(slopes.shape)
    assert (slopes - velocity).norm() < 1e-3 * velocity.norm()


def test_lorenz_trajectories_do_not_depend_on_how_often_they_are_read():
    often, seldom = trajectories(5, 8, 0.01, 3), trajectories(5, 2, 0.04, 3)
    assert torch.allclose(often[::4], seldom, atol=1e-5)


def test_lorenz_steps_are_of_fourth_order(monkeypatch):
    ends = {}
    for step in (0.02, 0.01, 0.00125):
        monkeypatch.setattr("eqflow_nb.snapshots.lorenz.STEP", step)
        state = np.array([[1.0, -5.0, 8.0], [2.0, -7.0, 5.0], [20.0, 25.0, 30.0]])
        _advance(state, 0.4)
        ends[step] = state
    coarse, fine = (np.linalg.norm(ends[step] - ends[0.00125]) for step in (0.02, 0.01))
    assert 12 < coarse / fine < 22


def test_lorenz_can_advance_each_trajectory_by_its_own_time():
    start = _settled(2, 0)
    together = start.copy()
    _advance(together, np.array([0.3, 0.15]))
    alone = start[:, 1:].copy()
    _advance(alone, 0.15)
    assert np.allclose(together[:, 1:], alone, atol=1e-6)


def test_lorenz_snapshots_are_stationary():
    # E dg/dt = 0 for g = z, z^2 and x^2, to four standard errors over independent snapshots.
    lorenz = world("lorenz")
    x = lorenz.sample(20_000, 11).double()
    v = lorenz.velocity(x)
    for rate in (
        v[:, 2],
        x[:, 2] * v[:, 2],
        x[:, 0] * v[:, 0],
        x[:, 0] * v[:, 1] + x[:, 1] * v[:, 0],
    ):
        assert abs(rate.mean()) < 4 * rate.std() / math.sqrt(len(x))


def test_lorenz_snapshots_are_decorrelated():
    # Row i + 2000 is the same trajectory as row i, 4 time units later.
    x = world("lorenz").sample(20_000, 2).reshape(10, 2000, 3)
    assert (x[1:] * x[:-1]).mean(dim=(0, 1)).abs().max() < 0.1
    neighbours = x[:, 1:] * x[:, :-1]
    assert neighbours.mean(dim=(0, 1)).abs().max() < 4 / math.sqrt(neighbours[..., 0].numel())


@pytest.mark.parametrize("bad", [{"n": 0}, {"steps": -1}, {"dt": 0.0}, {"dt": math.nan}])
def test_lorenz_trajectories_refuse_bad_numbers(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        trajectories(**({"n": 2, "steps": 2, "dt": 0.01, "seed": 0} | bad))


@pytest.mark.parametrize("name", NAMES)
def test_blurring_adds_the_noise_and_repeats_itself(name):
    draw = world(name).blurred(0.5)
    one, again, other = draw(4000, 3), world(name).blurred(0.5)(4000, 3), draw(4000, 4)
    assert torch.equal(one, again) and not torch.equal(one, other)
    noise = one - world(name).sample(4000, 3)
    assert noise.std().item() == pytest.approx(0.5, rel=0.05)
    correlation = (noise * world(name).sample(4000, 3)).mean().item()
    assert abs(correlation) < 0.05
