"""Costs of identification."""

import pytest

from eqflow_nb.equations import identify
from eqflow_nb.snapshots.zoo import system


@pytest.fixture(scope="module")
def lorenz():
    return system("lorenz").sample(10_000, 0)


@pytest.mark.parametrize("snapshots", [1000, 3000, 10_000])
def test_identify(benchmark, lorenz, snapshots):
    found = benchmark(identify, lorenz[:snapshots])
    assert found.verdict in ("determined", "too few snapshots")
