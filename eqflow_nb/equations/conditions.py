"""Stationarity, written as linear conditions on the coefficients of a law.

If p is stationary under dx = v dt, every smooth test psi has E[grad psi . v] = 0, since E[psi] must
not change.  With v = sum_k c_k phi_k that is M c = 0, M_mk = E[grad psi_m . phi_k].  With noise,
dx = v dt + sqrt(2 D) dW adds a column E[D : grad grad psi_m] (method: Fokker-Planck, weak form).
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from eqflow_nb.equations.moments import Exponents, Moments, exponents, lower

Feature = tuple[int, Exponents]


@dataclass(frozen=True)
class Term:
    """One term of a library: a function in one of the equations, or the diffusion.

    Attributes
    ----------
    equation : int
        Which equation it stands in, from 0; -1 for the diffusion.
    extra : int
        0 for a monomial, else which of the reader's functions.
    powers : tuple of int
        The monomial's exponents.
    """

    equation: int
    extra: int
    powers: Exponents


class MomentConditions:
    """Conditions whose tests are the monomials up to a degree, from moments alone.

    Terms are functions of x / scale, so that they are zero where the reader's own terms are, and
    are divided by their rms.  Tests are monomials of the centred z = (x - centre) / scale.

    Parameters
    ----------
    moments : Moments
    tests : int
        Degree of the tests.
    library : int
        Degree of the library's monomials.
    diffusion : ndarray (d, d), optional
        The form of D, in the data's own coordinates; its size becomes the last unknown.

    Attributes
    ----------
    count : int
        Snapshots N.
    matrix : ndarray (m, K)
        M.
    gram : ndarray (K, K)
        E[phi_k . phi_l]: c' gram c is the mean square of v, in scaled coordinates.
    slopes : ndarray (m, m)
        E[grad psi_m . grad psi_n].
    weights : ndarray (B,)
        The share of the snapshots in each of the parts that `blocks` keeps apart.
    """

    def __init__(
        self, moments: Moments, tests: int, library: int, diffusion: np.ndarray | None = None
    ) -> None:
        self.moments, self.count, self.weights = moments, moments.count, moments.weights
        dim, zero = moments.dim, (0,) * moments.dim
        self.tests = [e for e in exponents(dim, tests) if any(e)]
        extras = range(1, moments.extras + 1)
        functions = [(0, e) for e in exponents(dim, library)] + [(k, zero) for k in extras]
        self.terms = [Term(i, *f) for i in range(dim) for f in functions]
        self._places(functions)
        uncentre = _uncentre(moments, functions)
        pairs = moments.second[np.ix_(self.functions, self.functions)]
        self.rms = np.sqrt(np.diag(uncentre.T @ pairs @ uncentre))
        self.basis = uncentre / self.rms
        gram = np.kron(np.eye(dim), self.basis.T @ pairs @ self.basis)
        self.diffusion: np.ndarray | None = None
        if diffusion is not None:
            scaled = diffusion / np.outer(moments.scale, moments.scale)
            self.tensor = scaled
            self.diffusion = self._curvature(scaled)
            self.terms.append(Term(-1, 0, zero))
            # What the drift D times a score of unit size would have.
            gram = np.pad(gram, (0, 1))
            gram[-1, -1] = (scaled**2).sum()
        self.gram = gram

    def _places(self, functions: list[Feature]) -> None:
        """Where in the moments the product of a test's slope and a function is found."""
        at, dim = self.moments.at, self.moments.dim
        self.functions = [at[f] for f in functions]
        self.power = np.array([[e[i] for e in self.tests] for i in range(dim)], float)
        self.at = np.zeros((dim, len(functions), len(self.tests)), int)
        self.slope = np.zeros((dim, len(self.tests)), int)
        for i, (m, test) in itertools.product(range(dim), enumerate(self.tests)):
            if test[i]:
                slope = lower(test, i)
                self.slope[i, m] = at[0, slope]
                for f, (extra, e) in enumerate(functions):
                    self.at[i, f, m] = at[extra, tuple(map(sum, zip(e, slope, strict=True)))]

    def _curvature(self, tensor: np.ndarray) -> np.ndarray:
        """The features' coefficients (m, F) in D : grad grad psi, D (d, d) in scaled units."""
        rows = np.zeros((len(self.tests), len(self.moments.mean)))
        for (i, j), entry in np.ndenumerate(tensor):
            for m, test in enumerate(self.tests):
                if entry and test[i] and lower(test, i)[j]:
                    once = lower(test, i)
                    rows[m, self.moments.at[0, lower(once, j)]] += entry * test[i] * once[j]
        return rows

    @functools.cached_property
    def matrix(self) -> np.ndarray:
        """M (m, K)."""
        return self._matrices(self.moments.mean[None], range(len(self.terms)))[0]

    @functools.cached_property
    def slopes(self) -> np.ndarray:
        """The Gram matrix (m, m) of the tests' gradients."""
        second = self.moments.second
        total = np.zeros((len(self.tests), len(self.tests)))
        for power, slope in zip(self.power, self.slope, strict=True):
            total += np.outer(power, power) * second[np.ix_(slope, slope)]
        return total

    def blocks(self, support: np.ndarray) -> np.ndarray:
        """M over each part of the data, (B, m, |support|), for the columns in `support`."""
        return self._matrices(self.moments.blocks, support)

    def _matrices(self, means: np.ndarray, support: Iterable[int]) -> np.ndarray:
        """M (B, m, |support|) from means (B, F) of the features."""
        per = len(self.functions)
        columns = []
        for k in support:
            if self.diffusion is not None and k == len(self.terms) - 1:
                columns.append(means @ self.diffusion.T)
                continue
            i, f = divmod(int(k), per)
            used = np.nonzero(self.basis[:, f])[0]
            each = (self.basis[g, f] * means[:, self.at[i, g]] for g in used)
            columns.append(self.power[i] * sum(each))
        return np.stack(columns, axis=-1)

    def residual(self, c: np.ndarray) -> np.ndarray:
        """The features' coefficients (m, F) in grad psi_m . v + D : grad grad psi_m, for v of c."""
        dim, per = self.moments.dim, len(self.functions)
        rows = np.zeros((len(self.tests), len(self.moments.mean)))
        shares = c[: dim * per].reshape(dim, per) @ self.basis.T
        every = np.arange(len(self.tests))
        for i, f in zip(*np.nonzero(shares), strict=True):
            np.add.at(rows, (every, self.at[i, f]), shares[i, f] * self.power[i])
        return rows if self.diffusion is None else rows + c[-1] * self.diffusion

    def covariance(self, c: np.ndarray) -> np.ndarray:
        """The covariance (m, m), over snapshots, of grad psi_m . v for v of coefficients c."""
        rows = self.residual(c)
        return rows @ self.moments.covariance @ rows.T

    def halves(self, c: np.ndarray) -> list[np.ndarray]:
        """That covariance over every other one of the parts of `blocks`, and over the rest."""
        rows = self.residual(c)
        covariances = (half - np.outer(half[0], half[0]) for half in self.moments.halves)
        return [rows @ covariance @ rows.T for covariance in covariances]

    def own(self, c: np.ndarray) -> np.ndarray:
        """Coefficients (K,) of the terms as the reader writes them, in the data's coordinates."""
        scale = self.moments.scale
        out = np.array(c, float)
        for k, term in enumerate(self.terms):
            if term.equation >= 0:
                out[k] *= scale[term.equation] / self.rms[k % len(self.rms)]
                if not term.extra:
                    out[k] /= math.prod(scale ** np.array(term.powers))
        return out


def _uncentre(moments: Moments, functions: list[Feature]) -> np.ndarray:
    """Monomials of x / scale (columns) in terms of those of z = (x - centre) / scale (rows)."""
    shift = moments.centre / moments.scale
    at = {f: k for k, f in enumerate(functions)}
    out = np.zeros((len(functions), len(functions)))
    for column, (extra, e) in enumerate(functions):
        if extra:
            out[column, column] = 1.0
            continue
        for part in itertools.product(*(range(power + 1) for power in e)):
            factors = (
                math.comb(n, k) * a ** (n - k) for n, k, a in zip(e, part, shift, strict=True)
            )
            out[at[0, part], column] = math.prod(factors)
    return out
