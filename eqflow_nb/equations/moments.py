"""The moments of a cloud: all that identification by stationarity needs to know about it.

With tests and library terms that are monomials, every average it asks for is a moment of the data.
So one pass over the snapshots, in chunks, replaces them for good: their number then costs nothing,
noise is taken out of the moments afterwards, and smaller libraries or fewer tests are sub-blocks.
All this stays so for monomials under a Gaussian window, which keeps few far points from deciding.
"""

from __future__ import annotations

import functools
import itertools
import math
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
    then each extra function of the reader's times the monomials up to `extra_degree`; all of them
    times exp(-sum_i z_i^2 / (2 window_i)), if the `window` (d,) isn't infinite.  `blocks` (B, F)
    are means over each part of the data, in the order it came, `weights` (B,) the parts' sizes.
    Means of the products of two features are the sum of `halves` (2, F, F), what parts of even and
    of odd number give to them.  `plain` are the moments without the window, up to a lower degree;
    from `noisy` ones noise of over a twentieth of a deviation was taken.
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
    window: np.ndarray
    windowless: Moments | None = None
    noisy: bool = False

    def half(self, k: int) -> Moments:
        """The moments of the parts of the data of even (0) or odd (1) number."""
        weights, blocks = self.weights[k::2], self.blocks[k::2]
        share = weights.sum()
        one = replace(self, halves=self.halves[k, None] / share, count=round(share * self.count))
        return replace(one, weights=weights / share, blocks=blocks)

    @functools.cached_property
    def second(self) -> np.ndarray:
        """The means (F, F) of the products of two features."""
        return self.halves.sum(0)

    @property
    def plain(self) -> Moments:
        """The moments without a window."""
        return self.windowless or self

    def about(self, origin: np.ndarray) -> Moments:
        """The moments of x - origin."""
        moved = self.windowless and self.windowless.about(origin)
        return replace(self, centre=self.centre - origin, windowless=moved)

    def up_to(self, degree: int) -> Moments:
        """The moments of monomials up to a lower degree, and of all extra functions."""
        n = math.comb(self.dim + degree, self.dim)
        if self.extras or degree >= self.degree:
            return self
        halves = self.halves[:, :n, :n]
        return replace(self, degree=degree, halves=halves, blocks=self.blocks[:, :n])

    @property
    def dim(self) -> int:
        """The dimension d."""
        return len(self.centre)

    @functools.cached_property
    def covariance(self) -> np.ndarray:
        """The covariance (F, F) of the features."""
        return self.second - np.outer(self.mean, self.mean)

    @property
    def mean(self) -> np.ndarray:
        """The means (F,) of the features."""
        return self.weights @ self.blocks

    @functools.cached_property
    def at(self) -> dict[tuple[str | None, Exponents], int]:
        """Where a feature is: its number by (the name of an extra function or None, exponents)."""
        plain = [(None, e) for e in exponents(self.dim, self.degree)]
        times = exponents(self.dim, self.extra_degree)
        return {name: k for k, name in enumerate([*plain, *itertools.product(self.extras, times)])}

    def without_noise(self, noise: np.ndarray) -> Moments:
        """The moments of x, from those of y = x + noise * xi with xi ~ N(0, I), noise (d,).

        E[s^n He_n(y / s)] = x^n for probabilists' Hermite polynomials, variable by variable.  Noise
        makes a window of variance R wider, R + s^2, and its middle shrinks what is inside by
        a = R / (R + s^2) and blurs it by b = s sqrt(a).  The products of two features are those of
        the unbiased features of y, since it is their scatter that limits us.
        """
        if not np.any(noise):
            return self
        undo = hermite(self.dim, self.degree, tuple(noise / self.scale), tuple(self.window))
        halves, window = undo @ self.halves @ undo.T, self.window + (noise / self.scale) ** 2
        bare = self.windowless and self.windowless.without_noise(noise)
        shared = dict(window=window, windowless=bare, noisy=bool((noise > self.scale / 20).any()))
        return replace(self, halves=halves, blocks=self.blocks @ undo.T, **shared)


@functools.lru_cache(maxsize=8)
def hermite(dim: int, degree: int, noise: Sequence[float], window: Sequence[float]) -> np.ndarray:
    """The matrix (M, M) from monomials of noisy points to unbiased ones of the clean points."""
    rows = [herme2poly(np.eye(degree + 1)[n, : n + 1]) for n in range(degree + 1)]
    table = np.array([np.pad(row, (0, degree + 1 - len(row))) for row in rows])
    shrinks = 1 / (1 + np.square(noise) / window)
    matrix = substitution(exponents(dim, degree), table, list(noise * np.sqrt(shrinks)))
    back = np.prod(shrinks ** -np.array(exponents(dim, degree)), axis=1)
    return matrix * (back / np.sqrt(np.prod(shrinks)))[:, None]


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
    window: float = np.inf, plain: int = 0,
) -> Moments:  # fmt: skip
    """Measure the moments of `count` snapshots that come in chunks (n, d), in bounded memory.

    The first chunk sets the coordinates' centre and scale.  With a `window`, its variance in these,
    monomials up to the degree `plain` are measured without it too.
    """
    own, done, parts = dict(extras or {}), 0, min(BLOCKS, count)
    centre = scale = np.zeros(0)
    sums: list[_Sums] = []
    for chunk in chunks:
        dim = chunk.shape[1]
        few, *sizes = (len(exponents(dim, top)) for top in (extra_degree, degree, plain))
        if not done:
            centre, scale = np.mean(chunk, 0, dtype=float), np.std(chunk, 0, dtype=float)
            kinds = sizes if np.isfinite(window) else sizes[:1]
            sums = [_Sums(parts, size + len(own) * few) for size in kinds]
        most = max(1, AT_ONCE // sums[0].sums.shape[1])
        for start in range(0, len(chunk), most):
            x = np.asarray(chunk[start : start + most], dtype=np.float64)
            z = (x - centre) / scale
            part = np.arange(done, done + len(x)) * parts // count
            features = monomials(z, degree)
            times = [np.asarray(f(x))[:, None] * features[:, :few] for f in own.values()]
            if np.isfinite(window):
                sums[1].add(np.hstack([features[:, : sizes[1]], *times]), part)
            features = np.hstack([features, *times]) if own else features
            sums[0].add(features * np.exp(-(z**2).sum(1, keepdims=True) / (2 * window)), part)
            done += len(x)
    about, own_names, wide = (centre, scale), tuple(own), np.ones(len(centre))
    known, *bare = (
        Moments(*about, top, extra_degree, own_names, done, *each.means(), width * wide)
        for each, top, width in zip(sums, (degree, plain), (window, np.inf), strict=False)
    )
    return replace(known, windowless=bare[0] if bare else None)


class _Sums:
    """Sums of products of features over halves of the data, of features over parts, and sizes."""

    def __init__(self, parts: int, size: int) -> None:
        self.halves, self.sums = np.zeros((2, size, size)), np.zeros((parts, size))
        self.rows = np.zeros(parts)

    def add(self, features: np.ndarray, part: np.ndarray) -> None:
        starts = np.flatnonzero(np.diff(part, prepend=-1))
        self.sums[part[starts]] += np.add.reduceat(features, starts)
        self.rows += np.bincount(part, minlength=len(self.rows))
        for k, half in enumerate(self.halves):
            some = features[part % 2 == k]
            half += some.T @ some

    def means(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What halves give to means of products (2, F, F); means (B, F) over parts, sizes (B,)."""
        total = self.rows.sum()
        return self.halves / total, self.sums / self.rows[:, None], self.rows / total
