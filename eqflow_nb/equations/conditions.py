"""Stationarity, written as linear conditions M c = 0 on the coefficients of a library of terms.

If p is stationary under dx = v dt, every smooth test psi has E[grad psi . v] = 0, since E[psi] must
not change.  With v = sum_k c_k phi_k that is M c = 0, M_mk = E[grad psi_m . phi_k].  With noise,
dx = v dt + sqrt(2 D) dW adds a column E[D : grad grad psi_m] (method: Fokker-Planck, weak form).

There are two kinds.  Where tests and terms are monomials, moments are enough, and no data is kept.
Other tests keep what they give at each snapshot.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from eqflow_nb.equations.moments import Moments
from eqflow_nb.equations.terms import Term, exponents, library, lower


class Conditions(Protocol):
    """What a search among m conditions on K coefficients needs.

    Attributes
    ----------
    terms : list of Term (K,)
    units : ndarray (K,)
        c * units are the coefficients of the terms as the reader writes them.
    count : int
        Snapshots N.
    matrix : ndarray (m, K)
        M.
    gram : ndarray (K, K)
        E[phi_k . phi_l]: c' gram c is the mean square of v, in scaled coordinates.
    slopes : ndarray (m, m)
        E[grad psi_m . grad psi_n].
    weights : ndarray (B,)
        The fraction of the snapshots in each of the parts that `blocks` keeps apart.
    """

    terms: list[Term]
    count: int
    gram: np.ndarray
    weights: np.ndarray

    @property
    def units(self) -> np.ndarray: ...  # noqa: D102
    @property
    def matrix(self) -> np.ndarray: ...  # noqa: D102
    @property
    def slopes(self) -> np.ndarray: ...  # noqa: D102

    def blocks(self, support: np.ndarray) -> np.ndarray:
        """M over each part of the data, (B, m, |support|), for the columns in `support`."""

    def covariance(self, c: np.ndarray) -> np.ndarray:
        """The covariance (m, m), over snapshots, of grad psi_m . v for v of coefficients c."""

    def halves(self, c: np.ndarray) -> list[np.ndarray]:
        """That covariance over every other one of the parts of `blocks`, and over the rest."""


def units_of(terms: Sequence[Term], scale: np.ndarray, rms: np.ndarray) -> np.ndarray:
    """Factors (K,) from coefficients of functions of x / scale, over rms (F,), to the reader's."""
    units = np.ones(len(terms))
    for k, term in enumerate(terms):
        if term.equation >= 0:
            units[k] = scale[term.equation] / rms[k % len(rms)] / np.prod(scale**term.powers)
        if term.operator is not None:
            units[k] /= scale[term.channel] ** {"lap": 1, "grad2": 2}[term.operator]
    return units


class MomentConditions:
    """`Conditions` whose tests are the monomials up to a degree, from moments alone.

    Terms are functions of x / scale, so that they are zero where the reader's own terms are, and
    are divided by their rms.  Tests are monomials of the centred z = (x - centre) / scale.

    Parameters
    ----------
    moments : Moments
    tests : int
        Degree of the tests.
    degree : int
        Of the library's monomials.
    diffusion : ndarray (d, d), optional
        The form of D, in the data's own coordinates; its size becomes the last unknown.
    """

    def __init__(
        self, moments: Moments, tests: int, degree: int, diffusion: np.ndarray | None = None
    ) -> None:
        self.moments, self.count, self.weights = moments, moments.count, moments.weights
        dim, scale = moments.dim, moments.scale
        self.tests = [e for e in exponents(dim, tests) if any(e)]
        self.terms = library(dim, degree, extras=moments.extras)
        self.functions = self.terms[: len(self.terms) // dim]
        self._find_products()
        uncentre = _uncentre(moments, self.functions)
        pairs = moments.second[np.ix_(self.places, self.places)]
        self.rms = np.sqrt(np.diag(uncentre.T @ pairs @ uncentre))
        self.basis = uncentre / self.rms
        self.gram = np.kron(np.eye(dim), self.basis.T @ pairs @ self.basis)
        self.tensor: np.ndarray | None = None
        if diffusion is not None:
            self.tensor = diffusion / np.outer(scale, scale)
            self.diffusion = self._curvature(self.tensor)
            self.terms.append(Term(-1, (0,) * dim))
            # What the drift D times a score of unit size would have.
            self.gram = np.pad(self.gram, (0, 1))
            self.gram[-1, -1] = (self.tensor**2).sum()
        self.units = units_of(self.terms, scale, self.rms)

    def _find_products(self) -> None:
        """Where in the moments each function, and its product with a test's slope, is found."""
        at, dim = self.moments.at, self.moments.dim
        self.places = [at[f.extra, f.powers] for f in self.functions]
        self.power = np.array([[e[i] for e in self.tests] for i in range(dim)], float)
        self.at = np.zeros((dim, len(self.functions), len(self.tests)), int)
        self.slope = np.zeros((dim, len(self.tests)), int)
        for i, (m, test) in itertools.product(range(dim), enumerate(self.tests)):
            if test[i]:
                slope = lower(test, i)
                self.slope[i, m] = at[None, slope]
                for f, function in enumerate(self.functions):
                    both = tuple(map(sum, zip(function.powers, slope, strict=True)))
                    self.at[i, f, m] = at[function.extra, both]

    def _curvature(self, tensor: np.ndarray) -> np.ndarray:
        """The features' coefficients (m, F) in D : grad grad psi, D (d, d) in scaled units."""
        rows = np.zeros((len(self.tests), len(self.moments.mean)))
        for (i, j), entry in np.ndenumerate(tensor):
            for m, test in enumerate(self.tests):
                if entry and test[i] and lower(test, i)[j]:
                    once = lower(test, i)
                    rows[m, self.moments.at[None, lower(once, j)]] += entry * test[i] * once[j]
        return rows

    @functools.cached_property
    def matrix(self) -> np.ndarray:
        """M (m, K)."""
        return self._matrices(self.moments.mean[None], np.arange(len(self.terms)))[0]

    @functools.cached_property
    def slopes(self) -> np.ndarray:
        """The Gram matrix (m, m) of the tests' gradients."""
        second = self.moments.second
        total = np.zeros((len(self.tests), len(self.tests)))
        for power, slope in zip(self.power, self.slope, strict=True):
            total += np.outer(power, power) * second[np.ix_(slope, slope)]
        return total

    def blocks(self, support: np.ndarray) -> np.ndarray:
        """M over each part of the data."""
        return self._matrices(self.moments.blocks, support)

    def _matrices(self, means: np.ndarray, support: np.ndarray) -> np.ndarray:
        """M (B, m, |support|) from means (B, F) of the features."""
        columns = []
        for k in support:
            if self.terms[k].equation < 0:
                columns.append(means @ self.diffusion.T)
                continue
            i, f = divmod(int(k), len(self.functions))
            used = np.nonzero(self.basis[:, f])[0]
            each = (self.basis[g, f] * means[:, self.at[i, g]] for g in used)
            columns.append(self.power[i] * sum(each))
        return np.stack(columns, axis=-1)

    def residual(self, c: np.ndarray) -> np.ndarray:
        """The features' coefficients (m, F) in grad psi_m . v + D : grad grad psi_m, for v of c."""
        dim, per = self.moments.dim, len(self.functions)
        rows = np.zeros((len(self.tests), len(self.moments.mean)))
        parts = c[: dim * per].reshape(dim, per) @ self.basis.T
        every = np.arange(len(self.tests))
        for i, f in zip(*np.nonzero(parts), strict=True):
            np.add.at(rows, (every, self.at[i, f]), parts[i, f] * self.power[i])
        return rows if self.tensor is None else rows + c[-1] * self.diffusion

    def covariance(self, c: np.ndarray) -> np.ndarray:
        """The covariance (m, m), over snapshots, of grad psi_m . v for v of coefficients c."""
        rows = self.residual(c)
        return rows @ self.moments.covariance @ rows.T

    def halves(self, c: np.ndarray) -> list[np.ndarray]:
        """That covariance over every other one of the parts of `blocks`, and over the rest."""
        rows = self.residual(c)
        covariances = (half - np.outer(half[0], half[0]) for half in self.moments.halves)
        return [rows @ covariance @ rows.T for covariance in covariances]


def _uncentre(moments: Moments, functions: Sequence[Term]) -> np.ndarray:
    """Monomials of x / scale (columns) in terms of those of z = (x - centre) / scale (rows)."""
    shift = moments.centre / moments.scale
    at = {f: k for k, f in enumerate(functions)}
    out = np.zeros((len(functions), len(functions)))
    for column, function in enumerate(functions):
        if function.extra is not None:
            out[column, column] = 1.0
            continue
        for part in itertools.product(*(range(power + 1) for power in function.powers)):
            factors = (
                math.comb(n, k) * a ** (n - k)
                for n, k, a in zip(function.powers, part, shift, strict=True)
            )
            out[at[Term(0, part)], column] = math.prod(factors)
    return out


@dataclass(frozen=True)
class Factored:
    """Tests at points: grad psi_m (d, N, m), functions (N, F), and D : grad grad psi_m (N, m)."""

    gradients: np.ndarray
    functions: np.ndarray
    curvature: np.ndarray | None = None

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
class Dense:
    """Tests on images: of each, the pixel mean of grad psi_m . phi_k, (N, m, K)."""

    residuals: np.ndarray

    def along(self, c: np.ndarray) -> np.ndarray:
        """grad psi_m . v (N, m) of each image, for v of coefficients c."""
        return self.residuals @ c

    def mean(self, rows: slice) -> np.ndarray:
        """M (m, K) over some of the images."""
        return self.residuals[rows].mean(0)


@dataclass(frozen=True)
class SampledConditions:
    """`Conditions` whose tests are any functions, from what they give at each snapshot.

    Attributes
    ----------
    terms, units, gram, slopes, count
        See `Conditions`.
    parts : int
        How many parts `blocks` keeps apart.
    samples : Factored or Dense
        What the tests give.
    tests : sequence
        The tests, in a form that whoever made them can read.
    tolerance : float
        What part of the velocity the true equations may differ by from every one in the library, as
        a simulation in steps differs from its equations.  Without it the best weights find
        combinations of conditions with so little noise that such a difference outweighs everything.
    """

    terms: list[Term]
    units: np.ndarray
    gram: np.ndarray
    slopes: np.ndarray
    count: int
    parts: int
    samples: Factored | Dense
    tests: Sequence[Any] = ()
    tolerance: float = 0.0

    @functools.cached_property
    def matrix(self) -> np.ndarray:
        """M (m, K)."""
        return self.samples.mean(slice(None))

    @property
    def weights(self) -> np.ndarray:
        """The fraction of the snapshots in each part."""
        return np.bincount(self._part) / self.count

    @property
    def _part(self) -> np.ndarray:
        return np.arange(self.count) * self.parts // self.count

    def blocks(self, support: np.ndarray) -> np.ndarray:
        """M over each part of the data, (B, m, |support|), for the columns in `support`."""
        edges = np.searchsorted(self._part, np.arange(self.parts + 1))
        rows = itertools.starmap(slice, itertools.pairwise(edges))
        return np.stack([self.samples.mean(part)[:, support] for part in rows])

    def covariance(self, c: np.ndarray) -> np.ndarray:
        """The covariance (m, m), over snapshots, of grad psi_m . v for v of coefficients c.

        The tolerance enters as an error of the mean, in all directions alike, so times N here.
        """
        return np.cov(self.samples.along(c).T, ddof=0) + self._bias(c)

    def halves(self, c: np.ndarray) -> list[np.ndarray]:
        """That covariance over every other one of the parts of `blocks`, and over the rest."""
        rows, odd = self.samples.along(c), self._part % 2
        return [np.cov(rows[odd == half].T, ddof=0) + self._bias(c) for half in (0, 1)]

    def _bias(self, c: np.ndarray) -> np.ndarray:
        return self.count * self.tolerance**2 * float(c @ self.gram @ c) * self.slopes
