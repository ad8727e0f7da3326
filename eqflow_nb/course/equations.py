"""Laws found beside the laws they were found from: right or not, how far off, and rolled out.

The clock and the arrow of time are not in stills, so a law is compared
after the best scale, which may be negative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from eqflow_nb.equations.elimination import Weighted, root_of_inverse
from eqflow_nb.equations.laws import Law
from eqflow_nb.snapshots.zoo import Polynomial, System

HELD, FRESH = 2000, 987  # states on which fields are compared, of a seed of their own
FAR = 30.0  # deviations of the cloud beyond which a path has left for good


@dataclass(frozen=True)
class Trial:
    """One law found, and the truth about it.

    Attributes
    ----------
    law : Law
    right : bool
        Whether its terms are those of the truth.
    error : float
        |v_found - v| / |v| over fresh states, after the best scale.
    scale : float
        What the law found is multiplied by to run in the truth's time.
    """

    law: Law
    right: bool
    error: float
    scale: float

    @property
    def determined(self) -> bool:
        """Whether it says that it is the only one."""
        return self.law.verdict == "determined"

    @property
    def exact(self) -> bool:
        """Whether it is determined, and has the right terms."""
        return self.determined and self.right


def judge(law: Law, truth: System, x: np.ndarray | None = None) -> Trial:
    """Compare a law with the true one, over states x (n, d), by default fresh ones."""
    x = truth.sample(HELD, FRESH) if x is None else x
    v, found = truth.velocity(x), law.velocity(x)
    scale = float((v * found).sum() / (found**2).sum())
    error = float(np.linalg.norm(scale * found - v) / np.linalg.norm(v))
    return Trial(law.light(), terms_of(law) == _support(truth.terms), error, scale)


def terms_of(law: Law) -> set[tuple[int, tuple[int, ...]]]:
    """The candidate's terms, (equation, exponents)."""
    return {(t.equation, t.exponents) for t in law.candidate}


def _support(terms: Sequence[Polynomial]) -> set[tuple[int, tuple[int, ...]]]:
    return {(i, e) for i, equation in enumerate(terms) for e, c in equation.items() if c}


def as_system(law: Law, scale: float, like: System) -> System:
    """A polynomial law as a system, with the truth's clock, start and step; it can be followed."""
    found: list[Polynomial] = [{} for _ in law.names]
    for t in law.candidate:
        found[t.equation][t.exponents] = scale * t.coefficient
    return replace(like, name=f"{like.name}, found", terms=tuple(found))


def path(law: System, x0: Any, time: float, points: int = 2500) -> np.ndarray:
    """One trajectory (points, d) of a system over a time; NaN once it has left for good."""
    x = np.array(x0, float)[:, None]
    steps = max(1, round(time / points / law.step))
    dt = np.array([time / points / steps])
    out = np.full((points, law.dim), np.nan)
    limit = FAR * np.maximum(abs(x).max(), 1.0)
    for k in range(points):
        out[k] = x[:, 0]
        law.rk4(x, dt, steps)
        if not (abs(x) < limit).all():
            break
    return out


def contains(law: Law, field: np.ndarray, x: np.ndarray) -> float:
    """How much of a field (n, d) at points x lies in the space of laws that keep the snapshots.

    1 if it is one of them; the square root of its share of the mean square otherwise.
    """
    every = np.stack([_basis_velocity(law, b, x).ravel() for b in law.basis], axis=1)
    c, *_ = np.linalg.lstsq(every, field.ravel(), rcond=None)
    return float(np.linalg.norm(every @ c) / np.linalg.norm(field))


def _basis_velocity(law: Law, basis: Mapping[tuple[int, str], float], x: np.ndarray) -> np.ndarray:
    known = {t: k for k, t in enumerate(law.names)}
    out = np.zeros_like(x)
    for (equation, text), c in basis.items():
        if equation < 0:
            continue
        value = np.ones(len(x))
        for factor in text.split("*") if text != "1" else []:
            letter, _, power = factor.partition("^")
            value = value * x[:, known[letter]] ** int(power or 1)
        out[:, equation] += c * value
    return out


def spectrum(law: Law) -> np.ndarray:
    """Misfits (K,) of the library's laws over what noise gives, least first: below 2 they keep p.

    Where several laws keep p, the conditions are weighed by the noise of them all.
    """
    assert law.decision is not None
    found, weighted = law.decision.found, law.decision.found.weighted
    every = np.arange(found.conditions.matrix.shape[1])
    if law.verdict == "undetermined":
        total = sum(found.conditions.covariance(each) for each in law.decision.nulls.T)
        weighted = Weighted(found.conditions, root_of_inverse(total))
    return weighted.spectrum(every)[0] / max(weighted.tests - len(every) + 1, 1)
