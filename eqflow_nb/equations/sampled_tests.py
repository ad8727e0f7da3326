"""Tests of periodic images, which keep what they give of each.

They are functionals: pixel means of monomials f of the channels, and of products f . (G_r * g) of
two of them, one blurred by a Gaussian: which values occur, and at what distance.
"""

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import scipy.linalg

from eqflow_nb.equations import terms
from eqflow_nb.equations.conditions import OfImages, SampledConditions
from eqflow_nb.equations.terms import Exponents, evaluate, exponents, lower
from eqflow_nb.inputs import InputError, as_array, check_finite

MEMORY = 1.5e7  # bytes of functional derivatives worked on at a time
REACH = 0.05  # of a velocity of mean square 1, along which second derivatives are taken
SHIFTS = ((0.21, 0.47), (0.38, 0.12), (0.55, 0.71))  # of a side, by which channels are moved apart

Functional = tuple[Exponents, Exponents | None, float]  # f, g and the radius r of G_r * g


def functionals(
    channels: int, degree: int, pairs: int, radii: Sequence[float] = (1.0, 2.0, 4.0)
) -> list[Functional]:
    """All f up to a degree, and f . (G_r * g) with both up to `pairs`, once; radii in pixels."""
    out: list[Functional] = [(f, None, 0.0) for f in exponents(channels, degree) if any(f)]
    few = [e for e in exponents(channels, max(pairs - 1, 0)) if any(e)]
    both = [(f, g) for k, f in enumerate(few) for g in few[k:] if sum(f) + sum(g) <= pairs]
    return out + [(f, g, radius) for radius in radii for f, g in both]


def derivatives(z: np.ndarray, tests: Sequence[Functional]) -> Iterator[np.ndarray]:
    """For each channel c, dpsi/dz_c at each pixel (n, m, ...) of functionals, at z (n, C, ...)."""
    known, blurs = _factors(z, tests)
    for c in range(z.shape[1]):
        rows = np.zeros((len(z), len(tests), *z.shape[2:]))
        for m, (f, g, radius) in enumerate(tests):  # of f . (G * g): f' . (G * g) + g' . (G * f)
            if f[c]:
                slope = f[c] * known[lower(f, c)]
                rows[:, m] = slope if g is None else slope * blurs[g, radius]
            if g is not None and g[c]:
                rows[:, m] += g[c] * known[lower(g, c)] * blurs[f, radius]
        yield rows


def values(z: np.ndarray, tests: Sequence[Functional]) -> np.ndarray:
    """The functionals (n, m) of images z (n, C, ...)."""
    known, blurs = _factors(z, tests)
    pixels = tuple(range(1, z.ndim - 1))
    rows = (known[f] if g is None else known[f] * blurs[g, r] for f, g, r in tests)
    return np.stack([row.mean(pixels) for row in rows], 1)


def _factors(
    z: np.ndarray, tests: Sequence[Functional]
) -> tuple[dict[Exponents, np.ndarray], dict[tuple[Exponents, float], np.ndarray]]:
    """The monomials of images z, and G_r * g for each factor g and radius r in the functionals."""
    degree = max(sum(e) for f, g, _ in tests for e in (f, g or ()))
    every = exponents(z.shape[1], degree)
    known = dict(zip(every, np.moveaxis(terms.monomials(z, degree), 1, 0), strict=True))
    axes, sides = tuple(range(1, z.ndim - 1)), z.shape[2:]
    needed = {(e, r) for f, g, r in tests if g is not None for e in (f, g)}
    waves = {e: np.fft.rfftn(known[e], axes=axes) for e in {e for e, _ in needed}}
    return known, {
        (e, r): np.fft.irfftn(waves[e] * blur(sides, r), s=sides, axes=axes) for e, r in needed
    }


@functools.lru_cache(maxsize=32)
def blur(sides: tuple[int, ...], radius: float) -> np.ndarray:
    """The transform of a periodic Gaussian blur of some standard deviation, as `rfftn` lays it."""
    waves = [np.fft.fftfreq(side) for side in sides[:-1]] + [np.fft.rfftfreq(sides[-1])]
    square = sum(k**2 for k in np.meshgrid(*waves, indexing="ij"))
    return np.exp(-2 * (np.pi * radius) ** 2 * square)


class Images:
    """Periodic images or lines with a library of terms: what they say about their equations.

    Scales and centres are used as in `MomentConditions`.
    """

    def __init__(self, images: Any, degree: int = 3, kind: str = "local") -> None:
        self.images = as_array(images, "images")
        shape = self.images.shape
        if len(shape) not in (3, 4) or 0 in shape:
            raise InputError(f"images has shape {shape}; it must be (N, C, H, W) or (N, C, L)")
        check_finite(self.images, "images")
        self.terms = terms.library(shape[1], degree, kind)
        self.functions = [t for t in self.terms if t.equation == 0]
        self.one_each = (shape[1], *[1] * (len(shape) - 2))  # a shape that broadcasts over images
        over = (0, *range(2, len(shape)))
        self.centre, self.scale = self.images.mean(over, dtype=np.float64), np.ones(shape[1])
        squares = [(self.centred(x) ** 2).mean(over) for x in self._chunks(1)]
        sizes = [len(x) for x in self._chunks(1)]
        self.scale = np.sqrt(np.average(squares, axis=0, weights=sizes))
        flat = np.flatnonzero(self.scale <= 1e-6 * abs(self.centre)).tolist()
        if flat:
            raise InputError(f"channel(s) {flat} have one value all over; leave them out")

    def conditions(self, tests: Sequence[Functional], tolerance: float = 0.0) -> SampledConditions:
        """Conditions with these tests, in one pass over the images."""
        per, channels = len(self.functions), len(self.scale)
        pairs, slopes, done = np.zeros((per, per)), np.zeros((len(tests), len(tests))), 0
        residuals = np.empty((len(self.images), len(tests), channels * per))
        for x in self._chunks(len(tests)):
            phi = _flat(evaluate(self.functions, self.divided(x)))
            part, pixels = slice(done, done + len(x)), phi.shape[-1]
            pairs += _product(phi, phi)
            for c, slope in enumerate(map(_flat, derivatives(self.centred(x), tests))):
                slopes += _product(slope, slope)
                residuals[part, :, c * per : (c + 1) * per] = slope @ phi.swapaxes(1, 2) / pixels
            done += len(x)
        total = done * pixels
        rms = np.sqrt(np.diag(pairs) / total)
        self.rms = np.where(rms > 0, rms, 1.0)
        self.pairs = pairs / total / np.outer(self.rms, self.rms)
        return SampledConditions(
            self.terms, terms.units_of(self.terms, self.scale, self.rms),
            np.kron(np.eye(channels), self.pairs), slopes / total, done,
            OfImages(residuals / np.tile(self.rms, channels)), tests, tolerance,
        )  # fmt: skip

    def _chunks(self, tests: int) -> Iterator[np.ndarray]:
        """A few images at a time, in double precision."""
        size = max(1, int(MEMORY / (8.0 * self.images[0].size * tests)))
        for start in range(0, len(self.images), size):
            yield self.images[start : start + size].astype(np.float64)

    def divided(self, x: np.ndarray) -> np.ndarray:
        """Images in units of the channels' deviations."""
        return x / self.scale.reshape(self.one_each)

    def centred(self, x: np.ndarray) -> np.ndarray:
        """Images with channels of mean 0 and deviation 1."""
        return self.divided(x - self.centre.reshape(self.one_each))

    def second_derivatives(self, conditions: SampledConditions, c: np.ndarray) -> np.ndarray:
        """v . psi'' v (N, m) of each image for v of coefficients c, by differences along v."""
        found, tests = [], conditions.tests
        equations = dict(zip(self.terms, c * conditions.units, strict=True))
        for x in self._chunks(len(tests)):
            z, ahead = self.centred(x), REACH * self.divided(terms.velocity(equations, x))
            both = values(z + ahead, tests) + values(z - ahead, tests)
            found.append((both - 2 * values(z, tests)) / REACH**2)
        return np.concatenate(found)

    def vanishing(self, threshold: float) -> np.ndarray:
        """Coefficients (K, n) of combinations of terms that are zero at every pixel.

        The mean square is judged against that of images whose channels, and what operators are
        taken of, are moved apart, as only relations between what the images show shall count.
        """
        apart = np.zeros_like(self.pairs)
        for x in map(self.divided, self._chunks(len(self.functions))):
            for shift in SHIFTS:
                other = _moved_apart(x, shift, len(self.scale))
                phi = _flat(evaluate(self.functions, _moved_apart(x, shift, 0), operand=other))
                apart += _product(phi, phi) / phi.shape[-1]
        apart /= len(self.images) * len(SHIFTS) * np.outer(self.rms, self.rms)
        apart += 1e-13 * np.diag(np.diag(apart))
        ratios, vectors = scipy.linalg.eigh(self.pairs, apart)
        return np.kron(np.eye(len(self.scale)), vectors[:, ratios < threshold])


def _moved_apart(x: np.ndarray, shift: Sequence[float], first: int) -> np.ndarray:
    """Images whose channel c is shifted by first + c times some parts of the sides."""
    out, sides = [], x.shape[2:]
    for c, channel in enumerate(x.swapaxes(0, 1), start=first):
        pixels = [round(c * part * side) for part, side in zip(shift, sides, strict=False)]
        out.append(np.roll(channel, pixels, tuple(range(1, channel.ndim))))
    return np.stack(out, 1)


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(*x.shape[:2], -1)


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Sum over images and pixels of a (n, F, P) times b (n, G, P), (F, G)."""
    return (a @ b.swapaxes(1, 2)).sum(0)
