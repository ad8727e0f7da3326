"""Partial differential equations from unordered periodic images, by stationarity.

As for points: if p is stationary under dx/dt = v(x), every smooth functional psi of an image x_c(r)
has E[sum_c int dpsi/dx_c(r) v_c(r) dr] = 0, which is linear in the coefficients of v.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from eqflow_nb.equations import verdicts
from eqflow_nb.equations.conditions import OfImages, SampledConditions
from eqflow_nb.equations.elimination import Fit, Weighted, root_of_inverse, search, smallest
from eqflow_nb.equations.points import names_for
from eqflow_nb.equations.result import Equations, write
from eqflow_nb.equations.sampled_tests import Functional, Images, functionals
from eqflow_nb.inputs import InputError, count

SETS = ((4, 3), (5, 4))  # degree and pairs: 41 and 89 functionals of two channels, the first among
TOLERANCE = 3e-3  # of the velocity: less is asked of equations than that they hold more exactly
STILL = 4e-6  # of the mean square of the terms when moved apart: a combination that is zero
NOTICED = 4.0  # of misfit, 2 standard deviations: steps that images show
LONGEST = 0.1  # step tried, in deviations of a channel


def identify_fields(
    images: Any, degree: int = 3, *, library: str = "local", relative_to: str | None = None,
    names: Sequence[str] | None = None, seed: int = 0,
) -> Equations:  # fmt: skip
    """Find the partial differential equation that unordered periodic images are snapshots of.

    The images (N, C, H, W), or lines (N, C, L), must be as exact as single precision at least.  The
    library has monomials and Laplacians ("local"), squared gradients too ("gradients"), or both
    times monomials as well ("rich").  For the rest see `identify`; terms are "u*v^2" or "lap(u)".
    """
    started = time.perf_counter()
    known = Images(images, count(degree, "degree", at_least=0), library)
    number, channels = known.images.shape[:2]
    labels = names_for(names, channels, "uvw")
    if number < 2 * channels:
        raise InputError(f"images has {number}; at least {2 * channels} are needed")
    sets = [functionals(channels, *each) for each in SETS]
    largest = known.conditions(sets[-1], TOLERANCE)
    found = [search(among(largest, tests)) for tests in sets]
    still = known.vanishing(STILL)
    if still.shape[1]:
        text = (
            f"{still.shape[1]} combinations of the library's terms are zero at every pixel of "
            "every image: the patterns stand still, and any mixture of these equations keeps them"
        )
        decision = verdicts.Decision("undetermined", found[-1], still, text)
    else:
        decision = verdicts.decide(found)
    few = known.images[:: -(-number // 8)].swapaxes(0, 1)
    if decision.verdict != "determined" and any(len(np.unique(each)) <= 256 for each in few):
        text = f"{decision.evidence}; the images have only 256 shades, and rounding hides equations"
        decision = replace(decision, evidence=text)
    conditions: Any = decision.found.conditions
    fit = decision.found.fit
    if decision.verdict == "determined":
        fit = refit(conditions, fit)
        conditions, step = with_steps(known, conditions, fit.c)
        fit = refit(conditions, fit) if step else fit
    weighted = Weighted(conditions, root_of_inverse(conditions.covariance(fit.c)))
    source = replace(decision.found, conditions=conditions, weighted=weighted, fit=fit)
    return write(decision, [source], labels, relative_to=relative_to, seed=seed, started=started)


def among(conditions: SampledConditions, tests: Sequence[Functional]) -> SampledConditions:
    """The conditions of some of the tests."""
    at = [conditions.tests.index(each) for each in tests]
    samples, slopes = OfImages(conditions.samples.residuals[:, at]), conditions.slopes
    return replace(conditions, tests=tests, samples=samples, slopes=slopes[np.ix_(at, at)])


def refit(conditions: SampledConditions, fit: Fit) -> Fit:
    """The coefficients on a support, under a tolerance below the images' noise: 6 times smaller."""
    sharper = replace(conditions, tolerance=conditions.tolerance / 6)
    for _ in range(2):
        fit = Weighted(sharper, root_of_inverse(sharper.covariance(fit.c))).fit(fit.support)
    return fit


def with_steps(
    known: Images, conditions: SampledConditions, c: np.ndarray
) -> tuple[SampledConditions, float]:
    """Conditions for the equations of a simulation that moves by explicit steps, x -> x + tau v.

    E[psi] stays, so tau / 2 v . psi'' v adds to the residual, from coefficients c (K,) that nearly
    fit, of mean square velocity 1.  The step tau fits best, in deviations of a channel, or is 0 if
    the images show none; its sign is the arrow of time of c.
    """
    bent = known.second_derivatives(conditions, c) / 2
    support, along = np.flatnonzero(c), conditions.gram @ c
    gram = conditions.gram[np.ix_(support, support)]
    sharper = replace(conditions, tolerance=conditions.tolerance / 6)
    root = root_of_inverse(sharper.covariance(c))

    def misfit(tau: float) -> float:
        rows = conditions.matrix[:, support] + tau * np.outer(bent.mean(0), along[support])
        return conditions.count * float(smallest(root @ rows, gram)[0][0])

    taus = np.linspace(-LONGEST, LONGEST, 9)
    curve = np.polyfit(taus, [misfit(tau) for tau in taus], 2)
    least = -curve[1] / (2 * curve[0]) if curve[0] > 0 else 0.0
    tau = float(np.clip(least, -LONGEST, LONGEST))
    if misfit(0.0) - misfit(tau) < NOTICED * max(1.0, misfit(tau) / len(root)):
        tau = 0.0
    residuals = conditions.samples.residuals + tau * bent[:, :, None] * along
    return replace(conditions, samples=OfImages(residuals)), tau
