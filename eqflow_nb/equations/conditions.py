"""Stationarity, written as linear conditions M c = 0 on the coefficients of a library of terms.

If p is stationary under dx = v dt, every smooth test psi has E[grad psi . v] = 0, since E[psi] must
not change.  With v = sum_k c_k phi_k that is M c = 0, M_mk = E[grad psi_m . phi_k].  With noise,
dx = v dt + sqrt(2 D) dW adds a column E[D : grad grad psi_m] (method: Fokker-Planck, weak form).
"""

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import add
from typing import Any

import numpy as np

from eqflow_nb.equations.moments import BLOCKS, Moments, substitution
from eqflow_nb.equations.terms import Term, exponents, library, lower, units_of


class MomentConditions:
    """Conditions whose tests are the monomials up to a degree `tests`, from moments, without data.

    Terms are functions of x / scale, so that they are zero where the reader's own terms are, and
    are divided by their rms; c * units are their coefficients as the reader writes them.  Tests are
    monomials of the centred z = (x - centre) / scale.  c' gram c is the mean square of v, in scaled
    coordinates; `weights` (B,) are the fractions of the snapshots in the parts of `blocks`.  The
    size of D, of the form `diffusion` (d, d) in the data's own coordinates, is the last unknown.
    """

    def __init__(
        self, moments: Moments, tests: int, degree: int, diffusion: np.ndarray | None = None
    ) -> None:
        self.moments, self.count, self.weights = moments, moments.count, moments.weights
        at, scale, axes = moments.at, moments.scale, range(moments.dim)
        self.tests = [e for e in exponents(moments.dim, tests) if any(e)]
        self.terms = library(moments.dim, degree, extras=moments.extras)
        self.functions = self.terms[: len(self.terms) // moments.dim]
        # Where a test's slope, and its product with a function, are found; a slope of 0 anywhere.
        self.power = np.array([[e[i] for e in self.tests] for i in axes], float)
        self.slope = [[at.get((None, lower(e, i)), 0) for e in self.tests] for i in axes]
        self.at = np.array(
            [[[at.get((f.extra, tuple(map(add, f.powers, lower(e, i)))), 0) for e in self.tests]
              for f in self.functions] for i in axes]
        )  # fmt: skip
        monomials = [f.powers for f in self.functions if f.extra is None]
        degrees = range(degree + 1)
        binomials = np.array([[math.comb(n, k) for k in degrees] for n in degrees], float)
        uncentred = np.eye(len(self.functions))
        matrix = substitution(monomials, binomials, moments.centre / scale)
        uncentred[: len(monomials), : len(monomials)] = matrix.T
        places = [at[f.extra, f.powers] for f in self.functions]
        pairs = moments.second[np.ix_(places, places)]
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
                once = lower(e, i)
                if entry and e[i] and once[j]:
                    self.curvature[m, at[None, lower(once, j)]] += entry * e[i] * once[j]
            self.terms.append(Term(-1, (0,) * moments.dim))
            # What the drift D times a score of unit size would have.
            self.gram = np.pad(self.gram, (0, 1))
            self.gram[-1, -1] = (self.tensor**2).sum()
        self.units = units_of(self.terms, scale, self.rms)

    @functools.cached_property
    def matrix(self) -> np.ndarray:
        """M (m, K)."""
        return self._matrices(self.moments.second[:1], np.arange(len(self.terms)))[0]

    @functools.cached_property
    def slopes(self) -> np.ndarray:
        """The Gram matrix (m, m) of the tests' gradients, E[grad psi_m . grad psi_n]."""
        parts = zip(self.power, self.slope, strict=True)
        second = self.moments.second
        return np.sum([np.outer(p, p) * second[np.ix_(s, s)] for p, s in parts], axis=0)

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
        every = np.arange(len(rows))
        for i, f in zip(*np.nonzero(parts), strict=True):
            np.add.at(rows, (every, self.at[i, f]), parts[i, f] * self.power[i])
        return rows if self.tensor is None else rows + c[-1] * self.curvature

    def covariance(self, c: np.ndarray, half: int | None = None) -> np.ndarray:
        """The covariance (m, m) of grad psi_m . v for v of c, over all or every other part."""
        rows, moments = self.residual(c), self.moments
        if half is None:
            return rows @ moments.covariance @ rows.T
        second = moments.halves[half]
        return rows @ (second - np.outer(second[0], second[0])) @ rows.T


@dataclass(frozen=True)
class AtPoints:
    """What tests give: grad psi_m (d, N, m), functions (N, F), D : grad grad psi_m (N, m)."""

    gradients: np.ndarray
    functions: np.ndarray
    curvature: np.ndarray | None

    def along(self, c: np.ndarray) -> np.ndarray:
        """grad psi_m . v (N, m) at each point, for v of coefficients c."""
        dim, per = len(self.gradients), self.functions.shape[1]
        velocity = c[: dim * per].reshape(dim, per) @ self.functions.T
        total = sum(g * v[:, None] for g, v in zip(self.gradients, velocity, strict=True))
        return total if self.curvature is None else total + c[-1] * self.curvature

    def mean(self, rows: slice) -> np.ndarray:
        """M (m, K) over some of the points."""
        functions = self.functions[rows] / len(self.functions[rows])
        columns = [gradient[rows].T @ functions for gradient in self.gradients]
        if self.curvature is not None:
            columns.append(self.curvature[rows].mean(0)[:, None])
        return np.hstack(columns)


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
    samples: Any  # AtPoints or OfImages
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

    def covariance(self, c: np.ndarray, half: int | None = None) -> np.ndarray:
        """The covariance (m, m) of grad psi_m . v for v of c, over all or every other part.

        The tolerance adds an error of the mean, in all directions alike, so it counts N times.
        """
        rows = self.samples.along(c)
        rows = rows if half is None else rows[self.part % 2 == half]
        bias = self.count * self.tolerance**2 * float(c @ self.gram @ c) * self.slopes
        return np.cov(rows.T, ddof=0) + bias


Conditions = MomentConditions | SampledConditions
