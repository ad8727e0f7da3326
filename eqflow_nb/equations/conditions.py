"""Stationarity, written as linear conditions M c = 0 on the coefficients of a library of terms.

If p is stationary under dx = v dt, every smooth test psi has E[grad psi . v] = 0, since E[psi] must
not change.  With v = sum_k c_k phi_k that is M c = 0, M_mk = E[grad psi_m . phi_k].  With noise,
dx = v dt + sqrt(2 D) dW adds a column E[D : grad grad psi_m] (method: Fokker-Planck, weak form).
"""

import copy
import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import add
from typing import Any

import numpy as np

from eqflow_nb.equations.moments import BLOCKS, Moments, substitution
from eqflow_nb.equations.terms import Exponents, Term, exponents, library, lower, units_of


class MomentConditions:
    """Conditions whose tests are the monomials up to a degree `tests`, from moments, without data.

    Terms are functions of x / scale, so that they are zero where the reader's own terms are, and
    are divided by their rms; c * units are their coefficients as the reader writes them.  Tests are
    monomials of the centred z = (x - centre) / scale, times the window of the moments.  c' gram c
    is the mean square of v, in scaled coordinates; `weights` (B,) are the fractions of the
    snapshots in the parts of `blocks`.  The size of D, of the form `diffusion` (d, d) in the data's
    own coordinates, is the last unknown.
    """

    def __init__(
        self, moments: Moments, tests: int, degree: int, diffusion: np.ndarray | None = None
    ) -> None:
        self.windowed = bool(np.isfinite(moments.window).all())
        moments = moments.up_to(tests + degree + (1 if self.windowed else -1))
        self.moments, self.count, self.weights = moments, moments.count, moments.weights
        scale, plain = moments.scale, moments.plain
        self.tests = [e for e in exponents(moments.dim, tests) if any(e) or self.windowed]
        self.terms = library(moments.dim, degree, extras=moments.extras)
        self.functions = self.terms[: len(self.terms) // moments.dim]
        self.slope = [self._slope(i) for i in range(moments.dim)]
        monomials = [f.powers for f in self.functions if f.extra is None]
        degrees = range(degree + 1)
        binomials = np.array([[math.comb(n, k) for k in degrees] for n in degrees], float)
        uncentred = np.eye(len(self.functions))
        matrix = substitution(monomials, binomials, moments.centre / scale)
        uncentred[: len(monomials), : len(monomials)] = matrix.T
        places = [plain.at[f.extra, f.powers] for f in self.functions]
        pairs = plain.second[np.ix_(places, places)]
        self.rms = np.sqrt(np.diag(uncentred.T @ pairs @ uncentred))
        self.basis = uncentred / self.rms
        self.gram = np.kron(np.eye(moments.dim), self.basis.T @ pairs @ self.basis)
        self.tensor: np.ndarray | None = None
        if diffusion is not None:
            self.tensor = diffusion / np.outer(scale, scale)
            # The features' coefficients (m, F) in D : grad grad psi.
            self.curvature = np.zeros((len(self.tests), len(moments.second)))
            for ((i, j), entry), (m, e) in itertools.product(
                np.ndenumerate(self.tensor), enumerate(self.tests)
            ):
                for a, once in self._slopes(e, i) if entry else ():
                    for b, twice in self._slopes(once, j):
                        self.curvature[m, moments.at[None, twice]] += entry * a * b
            self.terms.append(Term(-1, (0,) * moments.dim))
            # What the drift D times a score of unit size would have.
            self.gram = np.pad(self.gram, (0, 1))
            self.gram[-1, -1] = (self.tensor**2).sum()
        self.units = units_of(self.terms, scale, self.rms)

    def _slopes(self, e: Exponents, i: int) -> Iterator[tuple[float, Exponents]]:
        """The slope of a monomial under the window along axis i, as a sum of such monomials."""
        if e[i]:
            yield float(e[i]), lower(e, i)
        if self.windowed:
            yield -1 / float(self.moments.window[i]), (*e[:i], e[i] + 1, *e[i + 1 :])

    def _slope(self, i: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Tests, factors, and the features (F, m) of their slopes along i times each function."""
        at, rows = self.moments.at, [list(self._slopes(e, i)) for e in self.tests]
        parts = []
        for k in range(2 if self.windowed else 1):
            chosen = [m for m, row in enumerate(rows) if len(row) > k]
            places = [
                [at[f.extra, tuple(map(add, f.powers, rows[m][k][1]))] for m in chosen]
                for f in self.functions
            ]
            factors = np.array([rows[m][k][0] for m in chosen])
            parts.append((np.array(chosen), factors, np.array(places)))
        return parts

    @functools.cached_property
    def matrix(self) -> np.ndarray:
        """M (m, K)."""
        return self._matrices(self.moments.mean[None], np.arange(len(self.terms)))[0]

    @functools.cached_property
    def slopes(self) -> np.ndarray:
        """The Gram matrix (m, m) of the tests' gradients, E[grad psi_m . grad psi_n]."""
        total = np.zeros((len(self.tests), len(self.tests)))
        for slope in self.slope:
            rows = np.zeros((len(self.tests), len(self.moments.second)))
            for m, factors, places in slope:
                rows[m, places[0]] += factors  # the first function is 1
            total += rows @ self.moments.second @ rows.T
        return total

    def half(self, k: int) -> "MomentConditions":
        """The same tests and terms, on the parts of the data of even (0) or odd (1) number."""
        known, one = self.moments.half(k), copy.copy(self)
        vars(one).update(moments=known, count=known.count, weights=known.weights)
        vars(one).pop("matrix", None)  # if it was asked for, it is the whole's
        return one

    def blocks(self, support: np.ndarray) -> np.ndarray:
        """M over each part of the data, (B, m, n), for the n columns in `support`."""
        return self._matrices(self.moments.blocks, support)

    def _matrices(self, means: np.ndarray, support: np.ndarray) -> np.ndarray:
        units = np.eye(len(self.terms))
        return np.stack([means @ self.residual(units[k]).T for k in support], axis=-1)

    def residual(self, c: np.ndarray) -> np.ndarray:
        """The features' coefficients (m, F) in grad psi_m . v + D : grad grad psi_m, for v of c."""
        dim, per = self.moments.dim, len(self.functions)
        rows = np.zeros((len(self.tests), len(self.moments.second)))
        parts = c[: dim * per].reshape(dim, per) @ self.basis.T
        for i, f in zip(*np.nonzero(parts), strict=True):
            for m, factors, places in self.slope[i]:
                rows[m, places[f]] += parts[i, f] * factors
        return rows if self.tensor is None else rows + c[-1] * self.curvature

    def covariance(self, c: np.ndarray) -> np.ndarray:
        """The covariance (m, m) of grad psi_m . v for v of coefficients c."""
        rows = self.residual(c)
        return rows @ self.moments.covariance @ rows.T


@dataclass(frozen=True)
class OfImages:
    """What tests give: of each image the pixel mean of grad psi_m . phi_k, (N, m, K)."""

    residuals: np.ndarray

    def along(self, c: np.ndarray) -> np.ndarray:
        """grad psi_m . v (N, m) of each image, for v of coefficients c."""
        return self.residuals @ c

    def mean(self, rows: slice) -> np.ndarray:
        """M (m, K) over some of the images."""
        return self.residuals[rows].mean(0)


@dataclass(frozen=True)
class SampledConditions:
    """Conditions whose tests are any functions, from what they give at each snapshot.

    `tolerance` is what part of the velocity the truth may differ by from every equation in the
    library, as a simulation in steps does.  Without it the best weights find combinations with so
    little noise that this outweighs everything.
    """

    terms: list[Term]
    units: np.ndarray
    gram: np.ndarray
    slopes: np.ndarray
    count: int
    samples: OfImages
    tests: Sequence[Any] = ()
    tolerance: float = 0.0

    @functools.cached_property
    def matrix(self) -> np.ndarray:
        """M (m, K)."""
        return self.samples.mean(slice(None))

    @property
    def part(self) -> np.ndarray:
        """Which part each snapshot is in, (N,)."""
        return np.arange(self.count) * min(BLOCKS, self.count) // self.count

    @property
    def weights(self) -> np.ndarray:
        """The fraction of the snapshots in each part."""
        return np.bincount(self.part) / self.count

    def blocks(self, support: np.ndarray) -> np.ndarray:
        """M over each part of the data, (B, m, n), for the n columns in `support`."""
        edges = np.flatnonzero(np.diff(self.part, prepend=-1, append=-1))
        rows = itertools.starmap(slice, itertools.pairwise(edges))
        return np.stack([self.samples.mean(part)[:, support] for part in rows])

    def covariance(self, c: np.ndarray) -> np.ndarray:
        """The covariance (m, m) of grad psi_m . v for v of coefficients c.

        The tolerance adds an error of the mean, in all directions alike, so it counts N times.
        """
        rows = self.samples.along(c)
        bias = self.count * self.tolerance**2 * float(c @ self.gram @ c) * self.slopes
        return np.cov(rows.T, ddof=0) + bias


Conditions = MomentConditions | SampledConditions
