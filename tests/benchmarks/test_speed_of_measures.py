"""Costs of the parts that every chapter calls; nothing is asserted about time."""

import pytest

from eqflow_nb.measures import lyapunov_spectrum, mmd, sinkhorn, sliced_wasserstein
from eqflow_nb.snapshots import NAMES, world


@pytest.mark.parametrize("name", NAMES)
def test_sampling(benchmark, name):
    assert benchmark(world(name).sample, 2000, 0).shape[0] == 2000


@pytest.mark.parametrize("distance", [sliced_wasserstein, mmd])
def test_distances_of_2000_points(benchmark, distance):
    x, y = (world("two_moons").sample(2000, seed) for seed in (0, 1))
    assert benchmark(distance, x, y) > 0


def test_sinkhorn_of_500_points(benchmark):
    x, y = (world("two_moons").sample(500, seed) for seed in (0, 1))
    assert benchmark(sinkhorn, x, y) > 0


@pytest.mark.parametrize("way", ["jacobian", "autograd"])
def test_spectrum_of_100_lorenz_trajectories_per_100_steps(benchmark, way):
    lorenz = world("lorenz")
    field = lorenz.velocity if way == "jacobian" else lambda x: lorenz.velocity(x)
    result = benchmark(lyapunov_spectrum, field, lorenz.sample(100, 0), 0.01, 100)
    assert result.exponents.shape == (100, 3)
