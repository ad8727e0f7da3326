"""The moments of a cloud: all that identification by stationarity needs to know about it.

With tests and library terms that are monomials, every average it asks for is a moment of the data.
So one pass over the snapshots, in chunks, replaces them for good: their number then costs nothing,
noise is taken out of the moments afterwards, and smaller libraries or fewer tests are sub-blocks.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from eqflow_nb.equations.terms import Exponents, exponents, monomials

AT_ONCE = 2_000_000  # numbers worked on at a time
BLOCKS = 128  # parts of the data whose moments are kept apart, for the bootstrap


@dataclass(frozen=True)
class Moments:
    """Means of features, and of their products, over a cloud in centred, scaled coordinates.

    The features are the monomials up to `degree`, then each extra function of the reader's times
    the monomials up to `extra_degree`.

    Attributes
    ----------
    centre, scale : ndarray (d,)
        z = (x - centre) / scale, x the data in its own coordinates.
    degree, extra_degree : int
    extras : tuple of str
        What the reader's functions are called.
    count : int
        Snapshots N.
    halves : ndarray (2, F, F)
        Means of the products of two features over every other part of the data, and over the rest;
        the first feature is 1.
    blocks : ndarray (B, F)
        Means of the features over each of B parts of the data, in the order it came.
    weights : ndarray (B,)
        The fraction of the snapshots in each part.
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
        share = self.weights[1::2].sum()
        return (1 - share) * self.halves[0] + share * self.halves[1]

    @property
    def mean(self) -> np.ndarray:
        """The mean (F,) of each feature."""
        return self.second[0]

    @functools.cached_property
    def covariance(self) -> np.ndarray:
        """The covariance (F, F) of the features."""
        return self.second - np.outer(self.mean, self.mean)

    @functools.cached_property
    def at(self) -> dict[tuple[str | None, Exponents], int]:
        """Where a feature is: its number by (the name of an extra function or None, exponents)."""
        plain = [(None, e) for e in exponents(self.dim, self.degree)]
        times = exponents(self.dim, self.extra_degree)
        return {name: k for k, name in enumerate([*plain, *itertools.product(self.extras, times)])}

    def without_noise(self, noise: np.ndarray) -> Moments:
        """The moments of x, from those of y = x + noise * xi with xi ~ N(0, I).

        E[s^n He_n(y / s)] = x^n for probabilists' Hermite polynomials, variable by variable, since
        exp(-s^2/2 d^2/dy^2) undoes a Gaussian blur and, applied to y^n, ends after n/2 terms.  The
        products of two features are those of the unbiased features of y, whose scatter is what
        limits us, not of x.

        Parameters
        ----------
        noise : ndarray (d,)
            Standard deviation of the noise in each of the data's own coordinates.
        """
        if not np.any(noise):
            return self
        undo = hermite(self.dim, self.degree, tuple(noise / self.scale))
        halves = np.stack([undo @ half @ undo.T for half in self.halves])
        return replace(self, halves=halves, blocks=self.blocks @ undo.T)


@functools.lru_cache(maxsize=8)
def hermite(dim: int, degree: int, noise: tuple[float, ...]) -> np.ndarray:
    """The matrix (M, M) from monomials of noisy points to unbiased ones of the clean points."""
    known = exponents(dim, degree)
    at = {e: k for k, e in enumerate(known)}
    undo = np.zeros((len(known), len(known)))
    for row, e in enumerate(known):
        for cut in itertools.product(*(range(power // 2 + 1) for power in e)):
            factor = math.prod(
                _hermite(power, k) * s ** (2 * k) for power, k, s in zip(e, cut, noise, strict=True)
            )
            undo[row, at[tuple(power - 2 * k for power, k in zip(e, cut, strict=True))]] = factor
    return undo


def _hermite(n: int, k: int) -> float:
    """The coefficient of y^(n - 2k) in He_n."""
    return (-1) ** k * math.factorial(n) / (2**k * math.factorial(k) * math.factorial(n - 2 * k))


def measure(
    chunks: Iterable[np.ndarray],
    count: int,
    degree: int,
    extras: Mapping[str, Callable[[np.ndarray], np.ndarray]] | None = None,
    extra_degree: int = 0,
) -> Moments:
    """Measure the moments of snapshots that come in chunks, in one pass and bounded memory.

    Parameters
    ----------
    chunks : iterable of ndarray (n, d)
        The snapshots; the first chunk sets the coordinates' centre and scale.
    count : int
        How many snapshots there are in all.
    degree : int
        Of the monomials.
    extras : mapping of str to callable (n, d) -> (n,), optional
        The reader's own functions, of points in their own coordinates.
    extra_degree : int
        Of the monomials they are multiplied with.
    """
    own = dict(extras or {})
    done, parts = 0, min(BLOCKS, count)
    centre = scale = halves = sums = rows = np.zeros(0)
    for chunk in chunks:
        few = len(exponents(chunk.shape[1], extra_degree))
        if not done:
            centre, scale = np.mean(chunk, 0, dtype=float), np.std(chunk, 0, dtype=float)
            size = len(exponents(chunk.shape[1], degree)) + len(own) * few
            halves, sums = np.zeros((2, size, size)), np.zeros((parts, size))
            rows = np.zeros(parts)
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
    return Moments(
        centre, scale, degree, extra_degree, tuple(own), done, halves,
        sums / rows[:, None], rows / done,
    )  # fmt: skip
