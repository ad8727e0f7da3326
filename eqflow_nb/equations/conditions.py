"""Stationarity, written as linear conditions M c = 0 on the coefficients of a library of terms.

If p is stationary under dx = v dt, every smooth test psi has E[grad psi . v] = 0, since E[psi] must
not change.  With v = sum_k c_k phi_k that is M c = 0, M_mk = E[grad psi_m . phi_k].  With noise,
dx = v dt + sqrt(2 D) dW adds a column E[D : grad grad psi_m] (method: Fokker-Planck, weak form).
"""

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from operator import add
from typing import Any

import numpy as np

from eqflow_nb.equations.moments import BLOCKS, Moments
from eqflow_nb.equations.terms import Term, exponents, library, lower, shift, slopes_of, units_of


class MomentConditions:
    """Conditions whose tests are the monomials up to a degree `tests`, from moments, without data.

    Tests and terms are monomials of the centred z = (x - centre) / scale.  Terms are divided by
    their rms: c * units are the coefficients of monomials of x - centre.  c' gram c is the mean
    square of v, in scaled coordinates; `weights` (B,) are the fractions of the snapshots in the
    parts of `blocks`.  The size of D, of the form `diffusion` (d, d) in the data's own coordinates,
    is the last unknown.
    """

    def __init__(
        self, moments: Moments, tests: int, degree: int, diffusion: np.ndarray | None = None
    ) -> None:
        self.moments, self.count, self.weights = moments, moments.count, moments.weights
        self.centre, self.scale = moments.centre, moments.scale
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
        places = [at[f.extra, f.powers] for f in self.functions]
        pairs = moments.second[np.ix_(places, places)]
        self.rms = np.sqrt(np.diag(pairs))
        self.gram = np.kron(np.eye(moments.dim), pairs / np.outer(self.rms, self.rms))
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
        return self._matrices(self.moments.second[:1], np.eye(len(self.terms)))[0]

    @functools.cached_property
    def slopes(self) -> np.ndarray:
        """The Gram matrix (m, m) of the tests' gradients, E[grad psi_m . grad psi_n]."""
        parts = zip(self.power, self.slope, strict=True)
        second = self.moments.second
        return np.sum([np.outer(p, p) * second[np.ix_(s, s)] for p, s in parts], axis=0)

    def blocks(self, vectors: np.ndarray, runs: bool = False) -> np.ndarray:
        """M times n vectors of coefficients (K, n), over each part of the data: (B, m, n).

        The parts are in the order the rows came, if they shall be `runs`.
        """
        return self._matrices(self.moments.runs if runs else self.moments.blocks, vectors)

    def _matrices(self, means: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        return np.stack([means @ self.residual(c).T for c in vectors.T], axis=-1)

    def residual(self, c: np.ndarray) -> np.ndarray:
        """The features' coefficients (m, F) in grad psi_m . v + D : grad grad psi_m, for v of c."""
        dim, per = self.moments.dim, len(self.functions)
        rows = np.zeros((len(self.tests), len(self.moments.second)))
        parts = c[: dim * per].reshape(dim, per) / self.rms
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
    centre: np.ndarray
    scale: np.ndarray
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

    def blocks(self, vectors: np.ndarray, runs: bool = False) -> np.ndarray:
        """M times n vectors of coefficients (K, n), over each part of the data: (B, m, n).

        The parts are in the order of the snapshots, which may know nothing of that of the rows.
        """
        edges = np.flatnonzero(np.diff(self.part, prepend=-1, append=-1))
        rows = itertools.starmap(slice, itertools.pairwise(edges))
        return np.stack([self.samples.mean(part) @ vectors for part in rows])

    def covariance(self, c: np.ndarray, half: int | None = None) -> np.ndarray:
        """The covariance (m, m) of grad psi_m . v for v of c, over all or every other part.

        The tolerance adds an error of the mean, in all directions alike, so it counts N times.
        """
        rows = self.samples.along(c)
        rows = rows if half is None else rows[self.part % 2 == half]
        bias = self.count * self.tolerance**2 * float(c @ self.gram @ c) * self.slopes
        return np.cov(rows.T, ddof=0) + bias


class Conditions:
    """Conditions of either kind on terms that are functions of x - origin, origin (d,).

    The library is the same, whatever the origin; how many terms equations have is not.  Its
    coefficients are `change` (K, K) times ours, and ours * units those of monomials of x - origin.
    """

    def __init__(
        self, base: MomentConditions | SampledConditions, origin: np.ndarray | None = None
    ) -> None:
        self.base, self.origin = base, base.centre if origin is None else origin
        self.terms, self.count, self.weights = base.terms, base.count, base.weights
        self.slopes = base.slopes
        turn = shift(slopes_of(base.terms), base.centre - self.origin)
        change = turn * base.units / base.units[:, None]
        size = np.sqrt(np.einsum("jk,jl,lk->k", change, base.gram, change, optimize=True))
        self.change, self.units = change / size, base.units / size
        self.gram = self.change.T @ base.gram @ self.change

    @functools.cached_property
    def matrix(self) -> np.ndarray:
        """M (m, K)."""
        return self.base.matrix @ self.change

    def blocks(self, vectors: np.ndarray, runs: bool = False) -> np.ndarray:
        """M times n vectors of coefficients (K, n), over each part of the data: (B, m, n)."""
        return self.base.blocks(self.change @ vectors, runs)

    def covariance(self, c: np.ndarray, half: int | None = None) -> np.ndarray:
        """The covariance (m, m) of grad psi_m . v for v of c, over all or every other part."""
        return self.base.covariance(self.change @ c, half)

    def slope(self, c: np.ndarray) -> np.ndarray:
        """The derivatives (K, d) of v of coefficients c along the coordinates, per deviation."""
        along = slopes_of(self.terms) @ (c * self.units) * self.base.scale[:, None]
        return (along / self.units).T

    def at_zero(self, vectors: np.ndarray) -> np.ndarray:
        """Coefficients (..., K) as they are of monomials of x itself."""
        return vectors * self.units @ shift(slopes_of(self.terms), -self.origin).T
