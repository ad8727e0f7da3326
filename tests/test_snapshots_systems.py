"""Chaotic systems and noisy processes: snapshots are stationary, exponents the published ones."""

from functools import cache
from itertools import product

import numpy as np
import pytest
import torch
from scipy.linalg import solve_continuous_lyapunov

from eqflow_nb.inputs import InputError
from eqflow_nb.snapshots.base import rk4_step
from eqflow_nb.snapshots.noisy import (
    double_well_with_rotation,
    ornstein_uhlenbeck,
    stochastic_lorenz,
)
from eqflow_nb.snapshots.zoo import BATCH, SYSTEMS, TABLE, parse, read, system

READINGS = 4

# Of every kind: three to six dimensions, cubic, fast and slow.  The others are tried nightly.
FEW = (
    "lorenz",
    "rossler",
    "chen",
    "sprott_b",
    "sprott_n",
    "halvorsen",
    "aizawa",
    "arneodo",
    "hyper_rossler",
    "lotka_volterra",
    "lorenz96_5",
    "two_scale_lorenz",
)
EACH = [pytest.param(name, marks=() if name in FEW else pytest.mark.slow) for name in SYSTEMS]


@cache
def snapshots(name):
    """READINGS x BATCH snapshots, the same trajectories at each reading."""
    return system(name).sample(READINGS * BATCH, 5)


def stationarity(x, v, diffusion=0.0):
    """d/dt of every monomial up to degree 3 at states x (n, d): an array (n, monomials)."""
    scale = x.std(axis=0)
    x, v, diffusion = (x - x.mean(axis=0)) / scale, v / scale, diffusion / scale**2
    axes = range(x.shape[1])
    rates = []
    for powers in product(range(4), repeat=x.shape[1]):
        if not 1 <= sum(powers) <= 3:
            continue
        others = [np.prod([x[:, j] ** powers[j] for j in axes if j != i], axis=0) for i in axes]
        rate = 0
        for i, power in enumerate(powers):
            if power >= 1:
                rate = rate + power * x[:, i] ** (power - 1) * others[i] * v[:, i]
            if power >= 2:
                second = power * (power - 1) * x[:, i] ** (power - 2) * others[i]
                rate = rate + second * np.broadcast_to(diffusion, len(axes))[i]
        rates.append(rate)
    return np.stack(rates, axis=1)


def standard_errors_from_zero(values):
    """Means over (n, m) in units of their standard errors, for independent rows."""
    return values.mean(axis=0) / (values.std(axis=0) / np.sqrt(len(values)))


def by_trajectory(values):
    """Means over the readings of each trajectory: independent where readings may not be."""
    return values.reshape(READINGS, BATCH, -1).mean(axis=0)


def largest_exponent(law, x, turns=50, burn=20):
    """Largest exponent of each trajectory by following two neighbours, distances in deviations."""
    scale, time, small = x.std(axis=0), law.period / 2, 1e-7
    apart = np.random.default_rng(0).standard_normal(x.shape)
    total = np.zeros(len(x))
    for turn in range(burn + turns):
        lengths = np.linalg.norm(apart, axis=1)
        total += np.log(lengths / small) if turn > burn else 0
        neighbour = x + scale * apart * (small / lengths)[:, None]
        x, neighbour = law.advance(x, time), law.advance(neighbour, time)
        apart = (neighbour - x) / scale
    return total / (time * (turns - 1))


def test_an_equation_is_read_as_its_terms():
    terms = {(1, 0, 0): 28, (1, 0, 1): -1, (0, 2, 0): -8 / 3, (0, 0, 0): 1}
    assert parse("28 x - x z - 8/3 y^2 + 1", 3) == terms
    assert parse("-x^2 y + 0.5 x y x", 2) == {(2, 1): -0.5}


def test_the_table_has_systems_of_all_kinds():
    assert {law.dim for law in SYSTEMS.values()} == {3, 4, 5, 6}
    assert sum(law.degree == 3 for law in SYSTEMS.values()) >= 3
    assert sum(law.fast_slow for law in SYSTEMS.values()) >= 3
    with pytest.raises(InputError, match="did you mean 'rossler'"):
        system("rosler")


@pytest.mark.parametrize("name", EACH)
def test_snapshots_are_stationary(name):
    x = snapshots(name)
    rates = by_trajectory(stationarity(x, system(name).velocity(x)))
    # Five standard errors, since there are some 2,000 such means.
    assert np.abs(standard_errors_from_zero(rates)).max() < 5


@pytest.mark.parametrize("name", EACH)
def test_readings_agree_and_are_nearly_independent(name):
    x = snapshots(name)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    z = z.reshape(READINGS, BATCH, -1)
    changes = np.concatenate([z[-1] - z[0], z[-1] ** 2 - z[0] ** 2], axis=1)
    assert np.abs(standard_errors_from_zero(changes)).max() < 4.5
    # .1, and four standard errors of a correlation among BATCH pairs.
    neighbours = (z[1:] * z[:-1]).mean(axis=(0, 1))
    assert np.abs(neighbours).max() < 0.1 + 4 / np.sqrt(BATCH * (READINGS - 1))


@pytest.mark.parametrize("name", EACH)
def test_systems_are_chaotic_with_their_exponent(name):
    law = system(name)
    found = largest_exponent(law, snapshots(name)[-200:])
    error = found.std() / np.sqrt(len(found))
    assert found.mean() > 5 * error
    assert abs(found.mean() - law.lyapunov) < 0.05 * law.lyapunov + 4 * error


def test_exponents_are_the_published_ones():
    known = {name: law for name, law in SYSTEMS.items() if law.published}
    assert len(known) >= 16
    for law in known.values():
        assert law.lyapunov == pytest.approx(law.published[0], rel=0.025), law.name


@pytest.mark.parametrize("name", EACH)
def test_halving_the_step_changes_no_mean(name):
    # In the same time, from the same states: the differences are errors of the integrator alone.
    law, x = system(name), snapshots(name)[:300]
    coarse, fine = (x.T.copy() for _ in range(2))
    law.rk4(coarse, np.full(300, law.step), 1)
    law.rk4(fine, np.full(300, law.step / 2), 2)
    speed = np.sqrt((law.velocity(x) ** 2).mean(axis=0))
    assert np.abs((coarse - fine).mean(axis=1) / law.step / speed).max() < 2e-5


@pytest.mark.parametrize("name", ["lorenz", "aizawa", "hyper_qi"])
def test_the_compiled_step_is_that_of_rk4(name):
    law = system(name)
    x = np.array(law.start) * (1 + 0.01 * np.random.default_rng(0).standard_normal((7, law.dim)))
    compiled, dt = x.T.copy(), np.linspace(0.5, 1, 7) * law.step
    law.rk4(compiled, dt, 1)
    assert np.allclose(compiled.T, rk4_step(law.velocity, x, dt[:, None]), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", ["arneodo", "qi", "lorenz96_5", "two_scale_lorenz"])
def test_a_jacobian_is_the_derivative_of_the_velocity(name):
    law = system(name)
    x = torch.from_numpy(snapshots(name)[:4])
    by_autograd = [torch.autograd.functional.jacobian(lambda r: law(r[None])[0], row) for row in x]
    assert torch.allclose(law.jacobian(x), torch.stack(by_autograd))
    assert np.allclose(law.velocity(x.numpy()), law(x).numpy())


def test_a_seed_fixes_the_snapshots_and_one_that_leaves_is_told():
    draw = system("chen").sample
    assert np.array_equal(draw(30, 1), draw(30, 1))
    assert not np.isclose(draw(30, 1), draw(30, 2)).any(axis=1).any()
    with pytest.raises(RuntimeError, match="rossler: a trajectory left"):
        system("rossler").advance(np.array([[100.0, 0.0, 100.0]]), 100.0)


@pytest.mark.parametrize("D", [1.0, 20.0])
def test_the_noisy_lorenz_is_stationary_with_its_noise_and_not_without(D):
    x = stochastic_lorenz(10_000, 3, D)
    v = system("lorenz").velocity(x)
    assert np.abs(standard_errors_from_zero(stationarity(x, v, D))).max() < 4
    if D > 10:
        assert np.abs(standard_errors_from_zero(stationarity(x, v))).max() > 6


def test_ornstein_uhlenbeck_snapshots_have_the_covariance_of_their_equation():
    A = np.array([[1.0, 2.0, 0.0], [-2.0, 0.5, 0.3], [0.0, 0.1, 2.0]])
    D = np.diag([1.0, 0.5, 0.2])
    C = solve_continuous_lyapunov(A, 2 * D)
    n = 100_000
    x = ornstein_uhlenbeck(A, D, n, 0)
    found = x.T @ x / n
    error = np.sqrt((C**2 + np.outer(C.diagonal(), C.diagonal())) / n)
    assert (np.abs(found - C) < 4 * error).all()


def test_the_double_well_is_kept_by_its_drift():
    x, D, c = double_well_with_rotation(200_000, 0), 0.7, 1.3
    slope = np.stack([4 * x[:, 0] ** 3 - 4 * x[:, 0], 2 * x[:, 1]], axis=1)  # grad U
    drift = -D * slope + c * np.stack([slope[:, 1], -slope[:, 0]], axis=1)
    rates = stationarity(x, drift, D)
    assert np.abs(standard_errors_from_zero(rates)).max() < 4


def test_the_double_well_is_its_density():
    n, x = 200_000, double_well_with_rotation(200_000, 1)
    edges = np.linspace(-2.2, 2.2, 45)
    centres = np.linspace(-3, 3, 60_001)
    p = np.exp(-((centres**2 - 1) ** 2))
    cell = np.digitize(centres, edges)
    expected = n * np.array([p[cell == i].sum() for i in range(1, len(edges))]) / p.sum()
    counts, _ = np.histogram(x[:, 0], edges)
    full = expected > 20
    chi2 = ((counts - expected) ** 2 / expected)[full].sum()
    assert abs(chi2 - full.sum()) < 5 * np.sqrt(2 * full.sum())
    assert abs(x[:, 1].var() - 0.5) < 4 * 0.5 * np.sqrt(2 / n)


def test_the_benchmark_has_its_systems_coefficients():
    benchmark = read(TABLE.with_name("benchmark_systems.toml"))
    assert len(benchmark) == 80 and max(each.dim for each in benchmark.values()) == 6
    x = np.array([[1.0, 2.0, 3.0]])
    assert benchmark["Lorenz"](x).tolist() == [[10.0, 23.0, pytest.approx(2 - 3 * 2.667)]]
    for each in ("Lorenz96", "Qi", "LorenzBounded"):
        assert np.isfinite(benchmark[each].sample(20, 0)).all()
