"""The moments of a cloud: all that identification by stationarity needs to know about it.

With tests and library terms that are monomials, every average it asks for is a moment of the data.
So one pass over the snapshots, in chunks, replaces them for good: their number then costs nothing,
noise is taken out of the moments afterwards, and smaller libraries or fewer tests are sub-blocks.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.polynomial.hermite_e import herme2poly

from eqflow_nb.equations.terms import Exponents, exponents, monomials

AT_ONCE = 2_000_000  # numbers worked on at a time
BLOCKS = 128  # parts of the data whose moments are kept apart, for the bootstrap


@dataclass(frozen=True)
class Moments:
    """Means of features, and of their products, over a cloud in centred, scaled coordinates.

    z = (x - centre) / scale for data x.  The features are the monomials up to `degree`, 1 first,
    then each extra function of the reader's times the monomials up to `extra_degree`.  `halves`
    (2, F, F) are means of the products of two over every other part of the data, and over the rest;
    `blocks` (B, F) are means over each part, in the order it came, `weights` (B,) the parts' sizes.
    """

    centre: np.ndarray
    scale: np.ndarray
    degree: int
    extra_degree: int
    extras: tuple[str, ...]
    count: int
    halves: np.ndarray
    blocks: np.ndarray
    weights: np.ndarray

    @property
    def dim(self) -> int:
        """The dimension d."""
        return len(self.centre)

    @functools.cached_property
    def second(self) -> np.ndarray:
        """Means (F, F) of the products of two features over all the data."""
        odd = self.weights[1::2].sum()
        return (1 - odd) * self.halves[0] + odd * self.halves[1]

    @functools.cached_property
    def covariance(self) -> np.ndarray:
        """The covariance (F, F) of the features."""
        return self.second - np.outer(self.second[0], self.second[0])

    @functools.cached_property
    def at(self) -> dict[tuple[str | None, Exponents], int]:
        """Where a feature is: its number by (the name of an extra function or None, exponents)."""
        plain = [(None, e) for e in exponents(self.dim, self.degree)]
        times = exponents(self.dim, self.extra_degree)
        return {name: k for k, name in enumerate([*plain, *itertools.product(self.extras, times)])}

    def without_noise(self, noise: np.ndarray) -> Moments:
        """The moments of x, from those of y = x + noise * xi with xi ~ N(0, I), noise (d,).

        E[s^n He_n(y / s)] = x^n for probabilists' Hermite polynomials, variable by variable.  The
        products of two features are those of the unbiased features of y, since it is their scatter
        that limits us.
        """
        if not np.any(noise):
            return self
        undo = hermite(self.dim, self.degree, tuple(noise / self.scale))
        halves = np.stack([undo @ half @ undo.T for half in self.halves])
        return replace(self, halves=halves, blocks=self.blocks @ undo.T)


@functools.lru_cache(maxsize=8)
def hermite(dim: int, degree: int, noise: tuple[float, ...]) -> np.ndarray:
    """The matrix (M, M) from monomials of noisy points to unbiased ones of the clean points."""
    rows = [herme2poly(np.eye(degree + 1)[n, : n + 1]) for n in range(degree + 1)]
    table = np.array([np.pad(row, (0, degree + 1 - len(row))) for row in rows])
    return substitution(exponents(dim, degree), table, noise)


def substitution(
    powers: Sequence[Exponents], table: np.ndarray, sizes: Sequence[float]
) -> np.ndarray:
    """Monomials of variables with x^n = sum_k table[n, k] s^(n - k) y^k, s of `sizes`, in y's."""
    e, n = np.array(powers), np.arange(len(table))
    matrix = np.ones((len(e), len(e)))
    for column, s in zip(e.T, sizes, strict=True):
        one = table * s ** np.maximum(n[:, None] - n, 0)
        matrix *= one[column[:, None], column]
    return matrix


def measure(
    chunks: Iterable[np.ndarray], count: int, degree: int,
    extras: Mapping[str, Callable[[np.ndarray], np.ndarray]] | None = None, extra_degree: int = 0,
) -> Moments:  # fmt: skip
    """Measure the moments of `count` snapshots that come in chunks (n, d), in bounded memory.

    The first chunk sets the coordinates' centre and scale.
    """
    own, done, parts = dict(extras or {}), 0, min(BLOCKS, count)
    centre = scale = halves = sums = rows = np.zeros(0)
    for chunk in chunks:
        few = len(exponents(chunk.shape[1], extra_degree))
        if not done:
            centre, scale = np.mean(chunk, 0, dtype=float), np.std(chunk, 0, dtype=float)
            size = len(exponents(chunk.shape[1], degree)) + len(own) * few
            halves, sums, rows = np.zeros((2, size, size)), np.zeros((parts, size)), np.zeros(parts)
        most = max(1, AT_ONCE // sums.shape[-1])
        for start in range(0, len(chunk), most):
            x = np.asarray(chunk[start : start + most], dtype=np.float64)
            features = monomials((x - centre) / scale, degree)
            if own:
                times = (np.asarray(f(x))[:, None] * features[:, :few] for f in own.values())
                features = np.hstack([features, *times])
            part = np.arange(done, done + len(x)) * parts // count
            for block in np.unique(part):
                inside = features[part == block]
                halves[block % 2] += inside.T @ inside
                sums[block] += inside.sum(0)
                rows[block] += len(inside)
            done += len(x)
    halves /= np.array([rows[::2].sum(), rows[1::2].sum()])[:, None, None]
    about = centre, scale, degree, extra_degree, tuple(own)
    return Moments(*about, done, halves, sums / rows[:, None], rows / done)
