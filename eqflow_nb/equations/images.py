"""Partial differential equations from unordered periodic images, by stationarity.

As for points: if p is stationary under dx/dt = v(x), every smooth functional psi of an image x_c(r)
has E[sum_c int dpsi/dx_c(r) v_c(r) dr] = 0, which is linear in the coefficients of v.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from eqflow_nb.equations import verdicts
from eqflow_nb.equations.conditions import Dense, SampledConditions
from eqflow_nb.equations.elimination import Fit, Found, Weighted, root_of_inverse, search, smallest
from eqflow_nb.equations.points import names_for
from eqflow_nb.equations.result import Equations, write
from eqflow_nb.equations.sampled_tests import Functionals, Images
from eqflow_nb.inputs import InputError, count

# Of two channels 41 and 89 functionals; the first are among the second.
SETS = (Functionals(4, 3, (1.0, 2.0, 4.0)), Functionals(5, 4, (1.0, 2.0, 4.0)))
CHANNELS = ("u", "v", "w")
TOLERANCE = 3e-3  # of the velocity: less is asked of equations than that they hold more exactly
STILL = 4e-6  # of the mean square of the terms when moved apart: a combination that is zero
NOTICED = 4.0  # of misfit, 2 standard deviations: steps that images show
LONGEST = 0.1  # step tried, in deviations of a channel


def identify_fields(
    stills: Any,
    degree: int = 3,
    *,
    library: str = "local",
    relative_to: str | None = None,
    names: Sequence[str] | None = None,
    seed: int = 0,
) -> Equations:
    """Find the partial differential equation that unordered periodic images are snapshots of.

    Parameters
    ----------
    stills : array (N, C, H, W) or (N, C, L)
        Periodic images or lines, in their own units, as exact as single precision at least.
    degree : int
        Of the library's monomials of the channels.
    library : str
        "local": monomials and Laplacians; "gradients": squared gradients too; "rich": both times
        monomials as well.
    relative_to : str, optional
        The term whose coefficient is made 1 in size, such as "lap(u)" or "1:v"; by default the one
        known best.
    names : sequence of str, optional
        Of the channels; u, v, w by default.
    seed : int
        Of the bootstrap.
    """
    started = time.perf_counter()
    images = Images(stills, count(degree, "degree", at_least=0), library)
    number, channels = images.stills.shape[:2]
    labels = names_for(names, channels, CHANNELS)
    if number < 2 * channels:
        raise InputError(f"stills has {number}; at least {2 * channels} are needed")
    largest = images.conditions(SETS[-1].of(channels), TOLERANCE)
    found = [search(among(largest, each.of(channels))) for each in SETS]
    still = images.vanishing(STILL)
    if still.shape[1]:
        text = (
            f"{still.shape[1]} combinations of the library's terms are zero at every pixel of "
            "every image: the patterns stand still, and any mixture of these equations keeps them"
        )
        decision = verdicts.Decision("undetermined", found[-1], still, text)
    else:
        decision = verdicts.decide(found)
    if decision.verdict != "determined" and _coarse(images.stills):
        text = f"{decision.evidence}; the images have only 256 shades, and rounding hides equations"
        decision = replace(decision, evidence=text)
    return write(
        decision, [_sharpened(images, decision)], labels, relative_to=relative_to, seed=seed,
        started=started,
    )  # fmt: skip


def among(conditions: SampledConditions, tests: Sequence[Any]) -> SampledConditions:
    """The conditions of some of the tests."""
    at = [conditions.tests.index(each) for each in tests]
    return replace(
        conditions,
        tests=tests,
        samples=Dense(conditions.samples.residuals[:, at]),
        slopes=conditions.slopes[np.ix_(at, at)],
    )


def _coarse(stills: np.ndarray) -> bool:
    """Whether some channel has no more shades than a byte."""
    few = stills[:: -(-len(stills) // 8)]
    return any(len(np.unique(channel)) <= 256 for channel in few.swapaxes(0, 1))


def _sharpened(images: Images, decision: verdicts.Decision) -> Found:
    """What was found, with sharper coefficients if it is determined, and their weights."""
    conditions, fit = decision.found.conditions, decision.found.fit
    if decision.verdict == "determined":
        fit = refit(conditions, fit)
        conditions, step = with_steps(images, conditions, fit.c)
        fit = refit(conditions, fit) if step else fit
    weighted = Weighted(conditions, root_of_inverse(conditions.covariance(fit.c)))
    return replace(decision.found, conditions=conditions, weighted=weighted, fit=fit)


def refit(conditions: SampledConditions, fit: Fit, rounds: int = 2) -> Fit:
    """The coefficients on a support that has been found, under a tolerance 6 times smaller.

    Which terms there are is safest asked with a tolerance over the images' noise; how large they
    are, with one below it.
    """
    sharper = replace(conditions, tolerance=conditions.tolerance / 6)
    for _ in range(rounds):
        fit = Weighted(sharper, root_of_inverse(sharper.covariance(fit.c))).fit(fit.support)
    return fit


def with_steps(
    images: Images, conditions: SampledConditions, c: np.ndarray
) -> tuple[SampledConditions, float]:
    """Conditions for the equations of a simulation that moves by explicit steps, x -> x + tau v.

    Such a simulation keeps E[psi(x + tau v)], which adds tau / 2 v . psi'' v to the residual: found
    from coefficients c (K,), of mean square velocity 1, that nearly fit, with the step tau under
    which they fit best.

    Returns
    -------
    SampledConditions
        The same with the residuals of steps tau; linear in coefficients near c.
    float
        tau: the root mean square of a step, in deviations of a channel; its sign is the arrow of
        time of c, and 0 if the images show no steps.
    """
    bent = images.second_derivatives(conditions, c) / 2
    support = np.flatnonzero(c)
    sharper = replace(conditions, tolerance=conditions.tolerance / 6)
    root, along = root_of_inverse(sharper.covariance(c)), conditions.gram @ c

    def misfit(tau: float) -> float:
        rows = conditions.matrix[:, support] + tau * np.outer(bent.mean(0), along[support])
        gram = conditions.gram[np.ix_(support, support)]
        return conditions.count * float(smallest(root @ rows, gram)[0][0])

    taus = np.linspace(-LONGEST, LONGEST, 9)
    curve = np.polyfit(taus, [misfit(tau) for tau in taus], 2)
    least = -curve[1] / (2 * curve[0]) if curve[0] > 0 else 0.0
    tau = float(np.clip(least, -LONGEST, LONGEST))
    if misfit(0.0) - misfit(tau) < NOTICED * max(1.0, misfit(tau) / len(root)):
        tau = 0.0
    residuals = conditions.samples.residuals + tau * bent[:, :, None] * along
    return replace(conditions, samples=Dense(residuals)), tau
