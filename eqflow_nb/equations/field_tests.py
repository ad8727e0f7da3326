"""Functionals of periodic images: what stationarity is tested against, and their derivatives.

They are pixel means of monomials f of the channels, and of products f . (G_r * g) of two of them,
one blurred by a Gaussian: which values occur, and which at what distance.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eqflow_nb.equations.field_laws import powers
from eqflow_nb.equations.moments import Exponents, exponents, lower
from eqflow_nb.inputs import InputError, as_numbers

SHIFTS = ((0.21, 0.47), (0.38, 0.12), (0.55, 0.71))  # of a side, by which channels are torn apart

Functional = tuple[Exponents, Exponents | None, float]


@dataclass(frozen=True)
class FieldTests:
    """A set of functionals: pixel means of monomials f, and of products f . (G_r * g).

    Attributes
    ----------
    degree : int
        Of the monomials f of one pixel.
    pairs : int
        Of f and g together in the products.
    radii : tuple of float
        Standard deviations of the blurs G_r, in pixels.
    """

    degree: int = 4
    pairs: int = 3
    radii: tuple[float, ...] = (1.0, 2.0, 4.0)

    def functionals(self, channels: int) -> list[Functional]:
        """All (f, g or None, radius), no two the same: the blur may stand on either factor."""
        ones = [e for e in exponents(channels, self.degree) if any(e)]
        out: list[Functional] = [(f, None, 0.0) for f in ones]
        few = [e for e in exponents(channels, max(self.pairs - 1, 0)) if any(e)]
        for radius in self.radii:
            out += [
                (f, g, radius)
                for k, f in enumerate(few)
                for g in few[k:]
                if sum(f) + sum(g) <= self.pairs
            ]
        return out


# Sets of increasing size: 36, 41, 89 and 112 functionals of two channels.
TESTS = (
    FieldTests(3, 3, (1.0, 2.0, 4.0)),
    FieldTests(4, 3, (1.0, 2.0, 4.0)),
    FieldTests(5, 4, (1.0, 2.0, 4.0)),
    FieldTests(5, 4, (1.0, 2.0, 4.0, 8.0)),
)


def derivatives(z: Tensor, tests: FieldTests) -> Iterator[Tensor]:
    """For each channel c, dpsi/dz_c at each pixel (n, m, ...) of all functionals, at z (n, C, ...).

    The blur is symmetric, so that of f . (G * g) is f' (G * g) + g' (G * f).
    """
    functionals = tests.functionals(z.shape[1])
    known = powers(z, max(tests.degree, tests.pairs))
    blurs = _blurs(known, functionals)
    zero = torch.zeros_like(z[:, 0])
    for c in range(z.shape[1]):
        rows = []
        for f, g, radius in functionals:
            total = f[c] * known[lower(f, c)] if f[c] else zero
            if g is not None:
                total = total * blurs[g, radius]
                if g[c]:
                    total = total + g[c] * known[lower(g, c)] * blurs[f, radius]
            rows.append(total)
        yield torch.stack(rows, 1)


def values(z: Tensor, tests: FieldTests) -> Tensor:
    """The functionals' integrands at each pixel (n, m, ...), at z (n, C, ...)."""
    functionals = tests.functionals(z.shape[1])
    known = powers(z, max(tests.degree, tests.pairs))
    blurs = _blurs(known, functionals)
    rows = [known[f] if g is None else known[f] * blurs[g, r] for f, g, r in functionals]
    return torch.stack(rows, 1)


def _blurs(
    known: dict[Exponents, Tensor],
    functionals: Sequence[Functional],
) -> dict[tuple[Exponents, float], Tensor]:
    """G_r * g for each factor g and radius r in the functionals, periodic, by Fourier transform."""
    needed: dict[Exponents, set[float]] = {}
    for f, g, radius in functionals:
        for factor in (f, g) if g is not None else ():
            needed.setdefault(factor, set()).add(radius)
    out: dict[tuple[Exponents, float], Tensor] = {}
    for factor, radii in needed.items():
        x = known[factor]
        axes = tuple(range(1, x.ndim))
        hat = torch.fft.rfftn(x, dim=axes)
        for radius in radii:
            kernel = gaussian(tuple(x.shape[1:]), radius)
            out[factor, radius] = torch.fft.irfftn(hat * kernel, s=x.shape[1:], dim=axes)
    return out


@functools.lru_cache(maxsize=32)
def gaussian(sides: tuple[int, ...], radius: float) -> Tensor:
    """The transform of a periodic Gaussian blur of some standard deviation, as `rfftn` lays it."""
    total = torch.zeros(1, dtype=torch.float64)
    for axis, side in enumerate(sides):
        last = axis == len(sides) - 1
        k = (torch.fft.rfftfreq if last else torch.fft.fftfreq)(side, dtype=torch.float64)
        total = total + k.reshape([-1 if a == axis else 1 for a in range(len(sides))]) ** 2
    return torch.exp(-2 * (torch.pi * radius) ** 2 * total)


def torn(x: Tensor, number: int, first: int = 0) -> Tensor:
    """Images whose channel c is shifted by first + c times the shift of some number."""
    axes = tuple(range(1, x.ndim - 1))
    out = []
    for c in range(x.shape[1]):
        shares = SHIFTS[number][: len(axes)]
        by = [round((first + c) * s * x.shape[a + 1]) for s, a in zip(shares, axes, strict=True)]
        out.append(x[:, c].roll(by, axes))
    return torch.stack(out, 1)


def checked_stills(stills: Any) -> Tensor:
    """The stills as a finite floating tensor, or `InputError`."""
    x = as_numbers(stills, "stills")
    shape = tuple(x.shape)
    if len(shape) not in (3, 4) or 0 in shape:
        raise InputError(f"stills has shape {shape}; it must be (N, C, H, W) or (N, C, L)")
    if not torch.isfinite(x.double()).all():
        raise InputError("stills has values that are NaN or infinite; leave those images out")
    return x.detach().cpu()


def channel_moments(stills: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (C,) of each channel, over stills and pixels."""
    over = [a for a in range(stills.ndim) if a != 1]
    centre = stills.mean(over, dtype=torch.float64)
    shifted = stills.mean(over, keepdim=True, dtype=torch.float64)
    variance = torch.stack([(x.double() - shifted[0]).square().flatten(1).mean(1) for x in stills])
    scale = variance.mean(0).sqrt()
    flat = (scale <= 1e-6 * centre.abs()).nonzero().flatten().tolist()
    if flat:
        raise InputError(f"channel(s) {flat} have one value all over; leave them out")
    return centre.numpy(), scale.numpy()
