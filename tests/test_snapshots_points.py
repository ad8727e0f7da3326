"""Worlds of points: toys and their exact densities, Lorenz, and the star cluster."""

import math

import numpy as np
import pytest
import torch

from eqflow_nb.rollout import rk4
from eqflow_nb.scores import of_density
from eqflow_nb.snapshots import NAMES, world
from eqflow_nb.snapshots.base import blur
from eqflow_nb.snapshots.plummer import binding, plummer
from eqflow_nb.snapshots.zoo import system

DENSE = ("two_peaks", "ring", "two_moons", "checkerboard")
BLUR = 0.15
STARS = 100_000


def blurred(name, n, seed, sigma=BLUR):
    return blur(world(name).sample(n, seed).double(), sigma, seed + 1)


def grid(cells=320, reach=6.5):
    """Centres (cells^2, 2) and the area of the cells of a square grid."""
    edges = torch.linspace(-reach, reach, cells + 1, dtype=torch.float64)
    centres = (edges[:-1] + edges[1:]) / 2
    return torch.cartesian_prod(centres, centres), float(edges[1] - edges[0]) ** 2


def score(name, x, sigma=BLUR):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(world(name).log_density(x, sigma).sum(), x)[0]


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_float32_centred_of_unit_deviation_and_each_is_new(name):
    n = 20_000
    x = world(name).sample(n, 7)
    assert x.shape == (n, len(world(name).axes)) and x.dtype == torch.float32
    # Four standard errors of a mean, and of a deviation at these kurtoses (at most 3).
    assert x.mean(dim=0).abs().max() < 4 / math.sqrt(n)
    assert (x.std(dim=0) - 1).abs().max() < 4 * math.sqrt(0.5 / n)
    assert len(x[:5000].unique(dim=0)) == 5000


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_fixes_the_draw_and_another_changes_it(name):
    sample, before = world(name).sample, torch.random.get_rng_state()
    assert torch.equal(sample(50, 3), sample(50, 3))
    assert not torch.isclose(sample(50, 3), sample(50, 4)).any(dim=1).all()
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("name", DENSE)
@pytest.mark.parametrize("sigma", [0, 0.05, 0.5])
def test_densities_integrate_to_one_with_the_blur_added_to_unit_deviation(name, sigma):
    if name == "checkerboard" and not sigma:
        pytest.skip("no smooth density without blur")
    points, area = grid()
    mass = world(name).log_density(points, sigma).exp() * area
    assert abs(mass.sum() - 1) < 1e-6
    assert (mass @ points).abs().max() < 1e-6
    assert (mass @ points**2 - 1 - sigma**2).abs().max() < 1e-4


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
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_far_tails_stay_finite_and_pull_inwards(name, dtype):
    x = torch.tensor([[6.0, 0.1], [-6.0, 0.1], [0.1, 6.0], [0.1, -6.0]], dtype=dtype)
    s = score(name, x)
    assert world(name).log_density(x, BLUR).dtype == dtype
    assert torch.isfinite(s).all() and ((s * x).sum(dim=1) < -30).all()


@pytest.mark.parametrize("name", ["two_peaks", "two_moons"])
def test_a_mixture_is_the_density(name):
    weights, means, covariances = world(name).mixture(BLUR)
    x = blurred(name, 100, 4)
    p = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(weights),
        torch.distributions.MultivariateNormal(means, covariances),
    )
    assert torch.allclose(p.log_prob(x), world(name).log_density(x, BLUR), atol=1e-12)
    assert abs(weights.sum() - 1) < 1e-12


# Lorenz.


def test_lorenz_velocity_and_jacobian_are_those_of_the_table_of_systems():
    lorenz = world("lorenz")
    x, known = lorenz.sample(200, 1).double(), system("lorenz")
    raw = lorenz.raw(x)
    torch.testing.assert_close(lorenz.scaled(raw), x)
    torch.testing.assert_close(lorenz.velocity(x), known.velocity(raw) / lorenz.scale)
    jacobian = known.jacobian(raw) * lorenz.scale / lorenz.scale[:, None]
    torch.testing.assert_close(lorenz.velocity.jacobian(x), jacobian)
    divergence = lorenz.velocity.jacobian(x).diagonal(dim1=1, dim2=2).sum(dim=1)
    assert (divergence - sum(known.published)).abs().max() < 1e-4


def test_lorenz_snapshots_are_stationary():
    # E dg/dt = 0 for g = z, z^2, x^2 and x y, to four standard errors over independent snapshots.
    lorenz = world("lorenz")
    x = lorenz.sample(20_000, 11).double()
    v = lorenz.velocity(x)
    rates = v[:, 2], x[:, 2] * v[:, 2], x[:, 0] * v[:, 0], x[:, 0] * v[:, 1] + x[:, 1] * v[:, 0]
    for rate in rates:
        assert abs(rate.mean()) < 4 * rate.std() / math.sqrt(len(x))


# Stars.


@pytest.fixture(scope="module")
def cluster():
    return plummer()


@pytest.fixture(scope="module")
def stars(cluster):
    return cluster.sample(STARS, 7).double()


def test_stars_have_mean_zero_and_unit_deviation(cluster, stars):
    assert stars.shape == (STARS, 6)
    spread = stars.pow(4).mean(0).sqrt() / STARS**0.5
    assert (stars.mean(0).abs() < 5 / STARS**0.5).all()
    assert ((stars.square().mean(0) - 1).abs() < 5 * spread).all()


@pytest.mark.parametrize("radius", [0.5, 1.3, 3.0, 10.0])
def test_the_mass_within_a_radius_is_plummers(radius):
    world = plummer(reach=1e4)  # hardly a star is left out
    r = (world.sample(40_000, 1).double() * world.scale)[:, :3].norm(dim=1)
    inside = radius**3 / (1 + radius**2) ** 1.5
    error = math.sqrt(inside * (1 - inside) / 40_000)
    assert float((r < radius).double().mean()) == pytest.approx(inside, abs=4 * error)


def test_no_test_function_changes_along_the_motion(cluster, stars):
    """Stationarity: E[grad psi . v] = 0 for any smooth psi."""
    v = cluster.velocity(stars)
    waves = torch.randn(6, 8, generator=torch.Generator().manual_seed(0)).double()
    tests = {
        "virial": lambda y: (y[:, :3] * y[:, 3:]).sum(1),
        "radius": lambda y: y[:, :3].norm(dim=1),
        "speed": lambda y: y[:, 3:].norm(dim=1),
        **{f"wave {k}": lambda y, k=k: torch.sin(y @ waves[:, k] + k) for k in range(8)},
    }
    for name, psi in tests.items():
        rate = (torch.func.grad(lambda y, f=psi: f(y).sum())(stars) * v).sum(1)
        assert abs(float(rate.mean())) < 4 * float(rate.std()) / STARS**0.5, name
    v[:, 3:] *= 1.1  # a wrong pull is noticed
    rate = (stars[:, :3] * v[:, 3:] + v[:, :3] * stars[:, 3:]).sum(1)
    assert abs(float(rate.mean())) > 10 * float(rate.std()) / STARS**0.5


def test_the_density_is_constant_along_the_motion_and_normalised(cluster, stars):
    log = cluster.log_density(stars, 0.0)
    assert log.isfinite().all()
    few = stars[:2000]
    s = of_density(lambda x: cluster.log_density(x, 0.0))(few)
    assert float((s * cluster.velocity(few)).sum(1).abs().max()) < 1e-10
    # E_p[q / p] is the integral of q, for any q within the support.
    width = 0.4
    q = -stars.square().sum(1) / (2 * width**2) - 6 * math.log(width * math.sqrt(2 * math.pi))
    ratio = (q - log).exp()
    assert float(ratio.mean()) == pytest.approx(1, abs=4 * float(ratio.std()) / STARS**0.5)


def test_energy_is_kept_and_no_star_goes_beyond_the_reach(cluster, stars):
    start = stars[:200]
    *_, (_, end) = rk4(cluster.velocity, start, 0.02, 500)
    raw = end * cluster.scale
    torch.testing.assert_close(binding(raw), binding(start * cluster.scale), rtol=0, atol=1e-6)
    assert float((stars * cluster.scale)[:, :3].norm(dim=1).max()) <= 10 + 1e-4
