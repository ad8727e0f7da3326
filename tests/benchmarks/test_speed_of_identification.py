"""Costs of identification: moments against residuals kept snapshot by snapshot, and in all."""

import numpy as np
import pytest

from eqflow_nb.equations import identify
from eqflow_nb.equations.conditions import MomentConditions
from eqflow_nb.equations.elimination import search
from eqflow_nb.equations.moments import measure
from eqflow_nb.equations.terms import exponents, lower, monomials
from eqflow_nb.snapshots.zoo import system

TESTS, LIBRARY = 6, 2


@pytest.fixture(scope="module")
def lorenz():
    return system("lorenz").sample(10_000, 0)


@pytest.fixture(scope="module")
def best(lorenz):
    known = measure([lorenz], len(lorenz), TESTS - 1 + LIBRARY)
    conditions = MomentConditions(known, TESTS, LIBRARY)
    return search(conditions).fit.c


def by_moments(x, c):
    known = measure([x], len(x), TESTS - 1 + LIBRARY)
    conditions = MomentConditions(known, TESTS, LIBRARY)
    return [conditions.matrix] + [conditions.covariance(c) for _ in range(25)]


def by_snapshots(x, c):
    """The plain way: every test's slope times every term at every snapshot."""
    z = (x - x.mean(0)) / x.std(0)
    tests = [e for e in exponents(3, TESTS) if any(e)]
    terms = monomials(x / x.std(0), LIBRARY)
    slopes = np.zeros((len(x), 3, len(tests)))
    for m, e in enumerate(tests):
        for i in range(3):
            if e[i]:
                slopes[:, i, m] = e[i] * np.prod(z ** np.array(lower(e, i)), axis=1)
    matrix = np.concatenate([slopes[:, i].T @ terms / len(x) for i in range(3)], axis=1)
    velocity = terms @ c.reshape(3, -1).T
    out = [matrix]
    for _ in range(25):  # as often as a search weighs its tests
        rows = np.einsum("nim,ni->nm", slopes, velocity)
        out.append(np.cov(rows.T, ddof=0))
    return out


@pytest.mark.benchmark(group="conditions on 10,000 snapshots of Lorenz, 83 tests")
@pytest.mark.parametrize("way", [by_moments, by_snapshots])
def test_conditions(benchmark, lorenz, best, way):
    benchmark(way, lorenz, best)


@pytest.mark.benchmark(group="identify Lorenz")
@pytest.mark.parametrize("snapshots", [1000, 3000, 10_000])
def test_identify(benchmark, lorenz, snapshots):
    found = benchmark(identify, lorenz[:snapshots])
    assert found.verdict in ("determined", "too few snapshots")
