"""The star cluster: its law, and that its motion keeps it."""

from __future__ import annotations

import math

import pytest
import torch

from eqflow_nb.inputs import InputError
from eqflow_nb.rollout import rk4
from eqflow_nb.scores import of_density
from eqflow_nb.snapshots.plummer import binding, plummer

STARS = 100_000


@pytest.fixture(scope="module")
def cluster():
    return plummer()


@pytest.fixture(scope="module")
def stars(cluster):
    return cluster.sample(STARS, 7).double()


def test_coordinates_have_mean_zero_and_unit_deviation(stars) -> None:
    assert stars.shape == (STARS, 6)
    spread = stars.pow(4).mean(0).sqrt() / STARS**0.5
    assert (stars.mean(0).abs() < 5 / STARS**0.5).all()
    assert ((stars.square().mean(0) - 1).abs() < 5 * spread).all()


@pytest.mark.parametrize("radius", [0.5, 1.3, 3.0, 10.0])
def test_the_mass_within_a_radius_is_plummers(radius) -> None:
    world = plummer(reach=1e4)  # hardly a star is left out
    r = (world.sample(40_000, 1).double() * world.scale)[:, :3].norm(dim=1)
    share = radius**3 / (1 + radius**2) ** 1.5
    error = math.sqrt(share * (1 - share) / 40_000)
    assert float((r < radius).double().mean()) == pytest.approx(share, abs=4 * error)


def test_no_test_function_changes_along_the_motion(cluster, stars) -> None:
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
        error = float(rate.std()) / STARS**0.5
        assert abs(float(rate.mean())) < 4 * error, name


def test_a_wrong_pull_is_noticed(cluster, stars) -> None:
    v = cluster.velocity(stars)
    v[:, 3:] *= 1.1
    rate = (stars[:, :3] * v[:, 3:] + v[:, :3] * stars[:, 3:]).sum(1)
    assert abs(float(rate.mean())) > 10 * float(rate.std()) / STARS**0.5


def test_the_density_is_constant_along_the_motion_and_normalised(cluster, stars) -> None:
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


def test_energy_is_kept_and_no_star_goes_beyond_the_reach(cluster, stars) -> None:
    start = stars[:200]
    *_, (_, end) = rk4(cluster.velocity, start, 0.02, 500)
    raw = end * cluster.scale
    torch.testing.assert_close(binding(raw), binding(start * cluster.scale), rtol=0, atol=1e-6)
    assert float((stars * cluster.scale)[:, :3].norm(dim=1).max()) <= 10 + 1e-4


def test_samples_follow_their_seed(cluster) -> None:
    assert torch.equal(cluster.sample(50, 1), cluster.sample(50, 1))
    assert not torch.equal(cluster.sample(50, 1), cluster.sample(50, 2))


def test_bad_input_is_refused(cluster, stars) -> None:
    with pytest.raises(InputError, match="reach is"):
        plummer(math.inf)
    with pytest.raises(InputError, match=r"sigma is 0\.1"):
        cluster.log_density(stars[:2], 0.1)
    with pytest.raises(InputError, match="n is 0"):
        cluster.sample(0, 1)
