"""Quantities that equations conserve: where there are some, snapshots don't determine the speed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from eqflow_nb.equations.conditions import MomentConditions
from eqflow_nb.equations.resampling import bootstrap
from eqflow_nb.equations.terms import Term
from eqflow_nb.equations.verdicts import Decision

SLOW = 1e-3  # of the squared rate of change of the coordinates: what changes faster isn't conserved
NOISE = 4.0  # times what the errors of the coefficients would make a conserved quantity change
VARIES = 1e-6  # part of the variance of I in that of its terms, for I to vary at all


def conserved(decision: Decision, tests: MomentConditions, names: Sequence[str]) -> Decision:
    """The decision, or "undetermined" if the equations conserve a quantity that varies.

    If v keeps p and v . grad I = 0, then f(I) v keeps p too, for any function f: the continuity
    equation along each level of I holds by itself.  A quantity that is merely slow changes by more
    than the errors of the coefficients explain.

    Parameters
    ----------
    decision : Decision
    tests : MomentConditions
        With the decision's library; I is looked for among the combinations of its tests.
    names : sequence of str
        Of the coordinates.
    """
    known, fit = tests.moments, decision.found.fit
    at = [known.at[None, e] for e in tests.tests]
    values, quantities = _slowest(_change(tests, fit.c), known.covariance[np.ix_(at, at)])
    draws = bootstrap(decision.found, draws=40)
    noise = sum(_change(tests, each - fit.c) for each in draws) / len(draws)
    rate = float(fit.c @ tests.gram @ fit.c) / known.dim
    kept = [
        q
        for value, q in zip(values, quantities.T, strict=True)
        if value < SLOW * rate and value < NOISE * float(q @ noise @ q) + 1e-12 * rate
    ]
    if not kept:
        return decision
    q = kept[0] / np.abs(kept[0]).max()
    parts = [
        f"{value:+.2f} {Term(0, e).text(names)}"
        for value, e in zip(q, tests.tests, strict=True)
        if abs(value) > 0.05
    ]
    text = (
        f"the equations found conserve {len(kept)} quantities, such as "
        f"{' '.join(parts).removeprefix('+')} in centred, scaled coordinates; times any function "
        "of them, they keep the snapshots as well"
    )
    return replace(decision, verdict="undetermined", evidence=text, conserved=len(kept))


def _change(tests: MomentConditions, c: np.ndarray) -> np.ndarray:
    """E[(v . grad psi_m)(v . grad psi_n)] over the tests, for v of coefficients c."""
    rows = tests.residual(c)
    return rows @ tests.moments.second @ rows.T


def _slowest(change: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean squares of change, least first, of combinations of variance 1, and those."""
    size = np.sqrt(np.diag(spread))
    variances, axes = np.linalg.eigh(spread / np.outer(size, size))
    axes = (axes / np.sqrt(np.maximum(variances, 1e-300)))[:, variances > VARIES] / size[:, None]
    values, turns = np.linalg.eigh(axes.T @ change @ axes)
    return values, axes @ turns
