"""The equations behind unordered snapshots, from stationarity alone: no score, no velocities.

For every smooth test psi, E_p[grad psi . v] = 0 if dx = v dt keeps p; with a library of terms for v
that is linear.  Found laws come with a verdict, since a distribution need not determine its law.
Nearest work: Lu, Kusmierz & Mihalas, arXiv:2502.17690 (2025).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from eqflow_nb.equations import elimination, moments, verdicts
from eqflow_nb.equations.conditions import MomentConditions
from eqflow_nb.equations.conserved import conserved
from eqflow_nb.equations.cosine_tests import CosineConditions
from eqflow_nb.equations.laws import Law, law_of
from eqflow_nb.equations.library import (
    checked_columns,
    checked_diffusion,
    checked_extras,
    checked_noise,
    names_for,
)
from eqflow_nb.inputs import InputError, choice, count

# Degrees of polynomial tests worth trying, by dimension.
TESTS = {1: (6, 8, 10), 2: (5, 6, 7, 8, 9), 3: (5, 6, 7, 8), 4: (5, 6, 7), 5: (4, 5, 6), 6: (4, 5)}
MOST_FEATURES = 1300  # moments kept, so that their products stay under 20 MB
CARRIED = 8  # snapshots a test, at least: fewer can't tell the covariance of the tests
COSINES = ((100, 2.0), (200, 1.0))  # how many, and their width in deviations
FEW, MOST_ROWS = 3000, 10_000  # snapshots up to which cosines are always asked; used by them
FAMILIES = ("auto", "polynomials", "cosines", "both")


def identify(
    x: Any,
    degree: int = 2,
    *,
    noise: Any = 0.0,
    diffusion: Any = None,
    extras: Mapping[str, Callable[[np.ndarray], np.ndarray]] | None = None,
    relative_to: str | None = None,
    names: Sequence[str] | None = None,
    tests: str = "auto",
    seed: int = 0,
) -> Law:
    """Find the law dx = v dt (+ sqrt(2 D) dW) that unordered snapshots were drawn from.

    Parameters
    ----------
    x : array (N, d)
        Snapshots, in any order, at least 3 times as many as unknowns; d from 1 to 6.
    degree : int
        Of the library: all monomials up to it, in every equation.
    noise : float, array (d,) or "auto"
        Standard deviation of Gaussian observation noise, in the units of the columns; "auto"
        estimates it.  Its effect on all moments is removed exactly.
    diffusion : None, "fit", float, array (d,) or (d, d)
        None for no noise in the dynamics.  "fit" finds the size of an isotropic D along with v.  A
        number, a diagonal or a matrix is taken as known, in the units of the columns squared over
        those of time; then the law comes out in that unit of time.
    extras : mapping of str to callable (n, d) -> (n,), optional
        Further terms, such as {"sin(x)": lambda x: np.sin(x[:, 0])}.
    relative_to : str, optional
        The term whose coefficient is made 1, such as "x*y" or "2:x*y" (in equation 2); by default
        the one known best.  With noise in the dynamics the default is the size of D.
    names : sequence of str, optional
        Of the columns.
    tests : str
        The family of test functions: one of `FAMILIES`.  Its size, and with "auto" the family, are
        those whose law stands out most from the next best one.
    seed : int
        Of the bootstrap and the cosines.

    Returns
    -------
    Law

    Raises
    ------
    InputError
        If an argument can't be used: which, what it got, and what would do.
    """
    started = time.perf_counter()
    choice(tests, FAMILIES, "tests")
    degree = count(degree, "degree")
    x = checked_columns(x)
    functions = checked_extras(extras, x)
    known = moments_of([x], len(x), degree, list(functions.values()))
    return identify_from(
        known, degree, x=x, names=names, extras=functions, noise=noise, diffusion=diffusion,
        relative_to=relative_to, tests=tests, seed=seed, started=started,
    )  # fmt: skip


def moments_of(
    chunks: Iterable[np.ndarray],
    rows: int,
    degree: int,
    extras: Sequence[Callable[[np.ndarray], np.ndarray]] = (),
    progress: Callable[[int], object] = lambda rows: None,
) -> moments.Moments:
    """Measure all moments that `identify_from` needs, in one pass over chunks (n, d)."""
    chunks = iter(chunks)
    first = next(chunks)
    size = max(_sizes(first.shape[1], degree))
    every = (chunk for part in ([first], chunks) for chunk in part)
    return moments.measure(every, rows, size - 1 + degree, extras, size - 1, progress)


def identify_from(
    known: moments.Moments,
    degree: int,
    *,
    x: np.ndarray | None = None,
    names: Sequence[str] | None = None,
    extras: Mapping[str, Callable[[np.ndarray], np.ndarray]] | None = None,
    noise: Any = 0.0,
    diffusion: Any = None,
    relative_to: str | None = None,
    tests: str = "auto",
    seed: int = 0,
    started: float | None = None,
) -> Law:
    """`identify` from moments, for data that doesn't fit into memory; `x` is needed for cosines."""
    started = time.perf_counter() if started is None else started
    labels, functions = names_for(names, known.dim), dict(extras or {})
    tensor, amount = checked_diffusion(diffusion, known.dim)
    size = checked_noise(noise, known, list(functions))
    if size is None:
        size = estimate_noise(known, degree, tensor)
    if size.any() and tests in ("cosines", "both"):
        raise InputError(
            f"tests is {tests!r} and noise is {size.tolist()}; "
            "noise can only be taken out of polynomial tests, so use tests='polynomials'"
        )
    clean = known.without_noise(size)
    found = _polynomials(clean, degree, tensor) if tests != "cosines" else []
    # Where some sets of polynomials fit and others don't, rare far points may be to blame.
    torn = len({each.fits for each in found}) > 1 or known.count <= FEW
    rescue = tests == "auto" and not size.any() and torn and not verdicts.stands_out(found)
    if x is not None and (tests in ("cosines", "both") or rescue):
        found += _cosines(clean, x, degree, tensor, seed)
    decision = verdicts.decide(found)
    if not _sizes(known.dim, degree, known):
        decision = verdicts.too_few(decision, known.count)
    law = law_of(decision, clean, labels, functions, size, amount, relative_to, seed)
    if law.verdict == "determined" and tensor is None:
        law = conserved(law, clean)
    return replace(law, seconds=time.perf_counter() - started)


def _polynomials(
    known: moments.Moments, degree: int, tensor: np.ndarray | None
) -> list[verdicts.Found]:
    sizes = _sizes(known.dim, degree, known) or _sizes(known.dim, degree)[:1]
    fewest = len(moments.exponents(known.dim, sizes[0]))
    if known.count < 2 * fewest:
        raise InputError(
            f"x has {known.count} rows; a library of degree {degree} in {known.dim} dimensions "
            f"takes at least {2 * fewest}, and {CARRIED * fewest} for an answer; "
            "use a lower degree or more snapshots"
        )
    return [_search(MomentConditions(known, power, degree, tensor), power) for power in sizes]


def _cosines(
    known: moments.Moments, x: np.ndarray, degree: int, tensor: np.ndarray | None, seed: int
) -> list[verdicts.Found]:
    base = MomentConditions(known, 2, degree, tensor)
    few = x[:: -(-len(x) // MOST_ROWS)]
    found = []
    for number, width in COSINES:
        if 1.3 * len(base.terms) < number < len(few) / CARRIED:
            conditions = CosineConditions(base, few, number, width, seed)
            found.append(_search(conditions, f"{number} cosines"))
    return found


def _search(conditions: Any, tests: int | str) -> verdicts.Found:
    """Search under one set of tests; the diffusion is never dropped."""
    last = len(conditions.terms) - 1 if conditions.terms[-1].equation < 0 else None
    return verdicts.Found(conditions, *elimination.search(conditions, last), tests)


def _sizes(dim: int, degree: int, known: moments.Moments | None = None) -> list[int]:
    """Degrees of the tests to try: more conditions than unknowns, and no more than N can carry."""
    if dim not in TESTS:
        raise InputError(f"x has {dim} columns; the dimension must lie between 1 and 6")
    more = max(degree - 2, 0) if dim <= 3 else 0
    sizes = []
    for tests in TESTS[dim]:
        power = tests + more
        number = len(moments.exponents(dim, power)) - 1
        unknowns = dim * len(moments.exponents(dim, degree))
        fits = len(moments.exponents(dim, power - 1 + degree)) <= MOST_FEATURES
        carried = known is None or number < known.count / CARRIED
        if number >= 1.15 * unknowns and fits and carried:
            sizes.append(power)
    if known is None and not sizes:
        raise InputError(
            f"degree is {degree}, in {dim} dimensions that is "
            f"{dim * len(moments.exponents(dim, degree))} unknowns; use a lower degree"
        )
    return sizes


def estimate_noise(
    known: moments.Moments, degree: int, tensor: np.ndarray | None = None
) -> np.ndarray:
    """Estimate the observation noise (d,): the size at which the best law fits best.

    First one size for all columns, in units of their deviations, then each column by itself.
    """
    power = _sizes(known.dim, degree, known)[:2][-1]

    def misfit(parts: np.ndarray) -> float:
        clean = known.without_noise(parts * known.scale)
        lowest = np.linalg.eigvalsh(clean.second[: known.dim + 1, : known.dim + 1])[0]
        if lowest <= 1e-3:  # more noise than scatter
            return np.inf
        return _search(MomentConditions(clean, power, degree, tensor), power).fit.misfit

    parts = np.full(known.dim, _least(lambda s: misfit(np.full(known.dim, s)), 0.0, 0.5))
    for i in range(known.dim):
        parts = _one_better(misfit, parts, i)
    return parts * known.scale


def _one_better(misfit: Callable[[np.ndarray], float], parts: np.ndarray, i: int) -> np.ndarray:
    """The noise of column i chosen anew, the others' kept."""

    def changed(size: float) -> np.ndarray:
        return np.where(np.arange(len(parts)) == i, size, parts)

    return changed(_least(lambda s: misfit(changed(s)), 0.5 * parts[i], 1.5 * parts[i], 9))


def _least(function: Callable[[float], float], low: float, high: float, number: int = 21) -> float:
    """Where a function is least: a grid, then a parabola through the best three of it."""
    grid = np.linspace(low, high, number)
    values = np.array([function(s) for s in grid])
    k = int(np.argmin(values))
    if 0 < k < number - 1 and np.isfinite(values[k - 1 : k + 2]).all():
        left, middle, right = values[k - 1 : k + 2]
        bend = left - 2 * middle + right
        if bend > 0:
            return float(grid[k] + 0.5 * (left - right) / bend * (grid[1] - grid[0]))
    return float(grid[k])
