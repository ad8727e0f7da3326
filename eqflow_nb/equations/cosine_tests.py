"""Stationarity conditions whose tests are random cosines: bounded, unlike polynomials."""

from __future__ import annotations

import functools
import itertools

import numpy as np

from eqflow_nb.equations.conditions import MomentConditions
from eqflow_nb.equations.moments import BLOCKS


class CosineConditions:
    """Conditions with the tests cos(w . z + b), w ~ N(0, width^-2 C^-1), b uniform.

    C is the covariance of the cloud in scaled coordinates, so that all directions are tested alike.
    Everything but the tests is shared with polynomial conditions.

    Parameters
    ----------
    conditions : MomentConditions
        Whose library and coordinates are used.
    x : ndarray (N, d)
        The snapshots, in their own coordinates.
    tests : int
        How many.
    width : float
        Of the cosines, in standard deviations of the cloud.
    seed : int
    """

    def __init__(
        self, conditions: MomentConditions, x: np.ndarray, tests: int, width: float, seed: int = 0
    ) -> None:
        self.base, self.count = conditions, len(x)
        self.gram, self.terms = conditions.gram, conditions.terms
        self.weights = np.full(min(BLOCKS, len(x)), 1 / min(BLOCKS, len(x)))
        moments = conditions.moments
        z = (x - moments.centre) / moments.scale
        values, vectors = np.linalg.eigh(np.cov(z.T, ddof=0).reshape(moments.dim, -1))
        white = (vectors / np.sqrt(np.maximum(values, 1e-9 * values[-1]))).T
        rng = np.random.default_rng(seed)
        self.waves = rng.standard_normal((tests, moments.dim)) @ white / width
        angle = z @ self.waves.T + rng.uniform(0, 2 * np.pi, tests)
        self.sine, self.cosine = np.sin(angle), np.cos(angle)
        monomial = np.stack(
            [np.prod((x / moments.scale) ** np.array(t.powers), axis=1)
             for t in conditions.terms[: len(conditions.functions)]], axis=1
        )  # fmt: skip
        self.functions = monomial / conditions.rms

    @functools.cached_property
    def matrix(self) -> np.ndarray:
        """M (m, K)."""
        return self._matrix(slice(None))

    def blocks(self, support: np.ndarray) -> np.ndarray:
        """M over each part of the data, (B, m, |support|), for the columns in `support`."""
        edges = -(-np.arange(len(self.weights) + 1) * self.count // len(self.weights))
        parts = (slice(a, b) for a, b in itertools.pairwise(edges))
        return np.stack([self._matrix(part)[:, support] for part in parts])

    def _matrix(self, rows: slice) -> np.ndarray:
        sine, functions = self.sine[rows], self.functions[rows]
        mixed = sine.T @ functions / len(sine)
        columns = [-self.waves[:, i, None] * mixed for i in range(self.waves.shape[1])]
        if self.base.diffusion is not None:
            columns.append(self._curvature()[rows].mean(0)[:, None])
        return np.hstack(columns)

    @functools.cached_property
    def slopes(self) -> np.ndarray:
        """The Gram matrix (m, m) of the tests' gradients."""
        return (self.waves @ self.waves.T) * (self.sine.T @ self.sine) / self.count

    def covariance(self, c: np.ndarray) -> np.ndarray:
        """The covariance (m, m), over snapshots, of grad psi_m . v for v of coefficients c."""
        summands = self._summands(c)
        summands -= summands.mean(0)
        return summands.T @ summands / self.count

    def halves(self, c: np.ndarray) -> list[np.ndarray]:
        """That covariance over every other one of the parts of `blocks`, and over the rest."""
        part = np.arange(self.count) * len(self.weights) // self.count
        summands = self._summands(c)
        return [np.cov(summands[part % 2 == half].T, ddof=0) for half in (0, 1)]

    def _summands(self, c: np.ndarray) -> np.ndarray:
        """grad psi_m . v (N, m), for v of coefficients c."""
        dim = self.waves.shape[1]
        velocity = self.functions @ c[: dim * self.functions.shape[1]].reshape(dim, -1).T
        summands = -self.sine * (velocity @ self.waves.T)
        if self.base.diffusion is not None:
            summands += c[-1] * self._curvature()
        return summands

    def _curvature(self) -> np.ndarray:
        """D : grad grad psi (N, m), D in scaled coordinates and of unit size."""
        size = np.einsum("mi,ij,mj->m", self.waves, self.base.tensor, self.waves)
        return -self.cosine * size
