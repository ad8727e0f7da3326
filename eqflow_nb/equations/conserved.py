"""Quantities a law conserves: where there are some, stills don't determine its speed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eqflow_nb.equations.conditions import MomentConditions
from eqflow_nb.equations.laws import Law
from eqflow_nb.equations.library import product
from eqflow_nb.equations.moments import Moments
from eqflow_nb.equations.resampling import bootstrap

DEGREE = 2  # of the invariants looked for
SLOW = 1e-3  # of the squared rate of change of the coordinates: what changes faster isn't conserved
NOISE = 4.0  # times what the errors of the coefficients would make a conserved quantity change
VARIES = 1e-6  # share of the variance of I in that of its parts, for I to vary at all


def conserved(law: Law, known: Moments) -> Law:
    """The law, or the verdict that it is one of many, if it conserves a quantity that varies.

    If v keeps p and v . grad I = 0, then f(I) v keeps p too, for any function f: the continuity
    equation along each level of I holds by itself.  A quantity that is merely slow changes by more
    than the errors of the coefficients explain.
    """
    decision = law.decision
    assert decision is not None
    conditions, c = decision.found.conditions, decision.found.fit.c
    conditions = getattr(conditions, "base", conditions)
    tests = [k for k, e in enumerate(conditions.tests) if sum(e) <= DEGREE]
    exponents = [conditions.tests[k] for k in tests]
    at = [known.at[0, e] for e in exponents]
    values, laws = _slowest(_change(conditions, c, tests, known), known.covariance[np.ix_(at, at)])
    draws = bootstrap(
        decision.found.conditions, decision.found.weighted, decision.found.fit, draws=40
    )
    noise = sum(_change(conditions, each - c, tests, known) for each in draws) / len(draws)
    rate = float(c @ conditions.gram @ c) / known.dim
    kept = [
        q
        for value, q in zip(values, laws.T, strict=True)
        if value < SLOW * rate and value < NOISE * float(q @ noise @ q) + 1e-12 * rate
    ]
    if not kept:
        return law
    text = (
        f"the law found conserves {len(kept)} quantities, such as "
        f"{_written(kept[0], exponents, law.names)} in centred, scaled coordinates; times any "
        "function of them, it keeps the snapshots as well"
    )
    many = law.null_dimension + len(kept)
    changed = replace(decision, verdict="undetermined", evidence=text)
    return replace(
        law, verdict="undetermined", terms=(), evidence=text, null_dimension=many, decision=changed
    )


def _change(
    conditions: MomentConditions, c: np.ndarray, tests: list[int], known: Moments
) -> np.ndarray:
    """E[(v . grad psi_m)(v . grad psi_n)] over the tests, for v of coefficients c."""
    rows = conditions.residual(c)[tests]
    return rows @ known.second @ rows.T


def _slowest(change: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean squares of change, least first, of combinations of variance 1, and those."""
    size = np.sqrt(np.diag(spread))
    variances, axes = np.linalg.eigh(spread / np.outer(size, size))
    axes = (axes / np.sqrt(np.maximum(variances, 1e-300)))[:, variances > VARIES] / size[:, None]
    values, turns = np.linalg.eigh(axes.T @ change @ axes)
    return values, axes @ turns


def _written(q: np.ndarray, tests: list[tuple[int, ...]], names: tuple[str, ...]) -> str:
    q = q / np.abs(q).max()
    parts = [
        f"{value:+.2f} {product(names, e)}"
        for value, e in zip(q, tests, strict=True)
        if abs(value) > 0.05
    ]
    return " ".join(parts).removeprefix("+")
