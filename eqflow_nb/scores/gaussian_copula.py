"""A score that knows spectrum and histograms: a Gaussian random field seen through a warp."""

from __future__ import annotations

import numpy as np
import torch
from scipy.interpolate import PchipInterpolator
from scipy.special import ndtr
from torch import Tensor

from eqflow_nb.inputs import as_images, between, positive
from eqflow_nb.scores.gaussian_field import GaussianFieldScore, fit_gaussian_field
from eqflow_nb.snapshots.base import blur

RIDGE = 1e-3  # noise level of a warped field's spectrum, which has the stills' own noise in it
REACH = 3.0  # deviations up to which a warp is bent; beyond it is straight
PIXELS = 500_000  # of a channel, enough for its quantiles


class MonotoneMap:
    """A rising map y = g(x) of each channel's values: cubic pieces, straight beyond the last.

    Parameters
    ----------
    knots : Tensor (C, m)
        Where the pieces meet, rising.
    pieces : Tensor (4, C, m - 1)
        Coefficients of each, the cubic one first, in the distance from its left knot.
    """

    def __init__(self, knots: Tensor, pieces: Tensor) -> None:
        self.knots, self.pieces = knots, pieces

    def __call__(self, x: Tensor) -> Tensor:
        """g(x), (B, C, H, W)."""
        return self.slopes(x)[0]

    def slopes(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """g, g' and g'' at images (B, C, H, W), each of their shape."""
        flat = x.transpose(0, 1).flatten(1)
        knots = self.knots.to(x)
        inside = torch.minimum(torch.maximum(flat, knots[:, :1]), knots[:, -1:])
        a, b, c, d, left = self._piece(inside, knots)
        h = inside - left
        slope = (3 * a * h + 2 * b) * h + c
        value = ((a * h + b) * h + c) * h + d + slope * (flat - inside)
        bend = torch.where(flat == inside, 6 * a * h + 2 * b, torch.zeros_like(flat))
        shape = (x.shape[1], x.shape[0], *x.shape[2:])
        first, second, third = (z.reshape(shape).transpose(0, 1) for z in (value, slope, bend))
        return first, second, third

    def back(self, y: Tensor) -> Tensor:
        """The x with g(x) = y, (B, C, H, W), by bisection."""
        low = self.knots[:, 0].to(y)[:, None, None] - torch.zeros_like(y)
        high = self.knots[:, -1].to(y)[:, None, None] + torch.zeros_like(y)
        ends = [self.slopes(x) for x in (low, high)]
        for _ in range(30 if y.dtype == torch.float32 else 60):
            middle = (low + high) / 2
            below = self(middle) < y
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        x = (low + high) / 2
        for (value, slope, _), side, knot in zip(ends, (-1, 1), (0, -1), strict=True):
            past = side * (y - value) > 0
            straight = self.knots[:, knot].to(y)[:, None, None] + (y - value) / slope
            x = torch.where(past, straight, x)
        return x

    def _piece(self, x: Tensor, knots: Tensor) -> list[Tensor]:
        """Coefficients and left knots, each (C, N), of the pieces where x (C, N) is."""
        index = torch.searchsorted(knots, x.contiguous()) - 1
        index = index.clamp(0, knots.shape[1] - 2)
        return [table.gather(1, index) for table in (*self.pieces.to(x), knots)]


class GaussianCopulaScore:
    """Score of images x that are a Gaussian random field y = g(x), seen through a warp.

    s(x) = g'(x) s_y(g(x)) + g''(x) / g'(x), as p(x) = p_y(g(x)) prod g'(x): a Gaussian copula
    (Liu, Lafferty & Wasserman, JMLR 10, 2295, 2009).  It knows the spectrum and the histograms.

    Parameters
    ----------
    warp : MonotoneMap
    inner : GaussianFieldScore
        Of y.
    sigma : float
        Noise level of x, which is in the law of y already.
    """

    def __init__(self, warp: MonotoneMap, inner: GaussianFieldScore, sigma: float) -> None:
        self.warp, self.inner, self.sigma = warp, inner, positive(sigma, "sigma")

    def __call__(self, x: Tensor) -> Tensor:
        """Score (B, C, H, W) at images (B, C, H, W)."""
        as_images(x, "x", channels=len(self.inner.mean), size=self.inner.size)
        y, slope, bend = self.warp.slopes(x)
        return slope * self.inner(y) + bend / slope

    def denoise(self, x: Tensor) -> Tensor:
        """Posterior mean D(x) = x + sigma^2 s(x), (B, C, H, W)."""
        return x + self.sigma**2 * self(x)


def fit_gaussian_copula(
    stills: Tensor, sigma: float, bend: float = 1.0, symmetrise: bool = False, seed: int = 0
) -> GaussianCopulaScore:
    """MonotoneMap blurred stills towards Gaussian histograms, and measure the spectrum there.

    Parameters
    ----------
    stills : Tensor (n, C, H, W)
        Clean, with H = W if they are symmetrise.
    sigma : float
        Noise level, in the units of the stills.
    bend : float
        0 to 1: g(x) = (1 - bend) x + bend q(x), where q makes the histogram Gaussian.  0 is
        `fit_gaussian_field`.  Where most pixels are one empty background, 1
        stretches that most of all.
    symmetrise : bool
        See `fit_gaussian_field`.
    seed : int
        Of the blur.

    Raises
    ------
    InputError
        As `fit_gaussian_field`, or if the bend is not from 0 to 1.
    """
    sigma, bend = positive(sigma, "sigma"), between(bend, "bend", 0, 1)
    stills = as_images(stills, "stills", at_least=2, vary=True, square=symmetrise)
    blurred = blur(stills, sigma, seed)
    warp = _bent(blurred, bend)
    straight = torch.cat([warp(some) for some in blurred.split(4)])  # a few need little memory
    return GaussianCopulaScore(warp, fit_gaussian_field(straight, RIDGE, symmetrise), sigma)


def _bent(x: Tensor, bend: float, knots: int = 33) -> MonotoneMap:
    """The warp of each channel that takes quantiles part of the way to those of a Gaussian."""
    z = np.linspace(-REACH, REACH, knots)
    curves = []
    for channel in x.transpose(0, 1).flatten(1):
        some = channel[:: 1 + len(channel) // PIXELS].double().cpu().numpy()
        v = np.quantile(some, ndtr(z))
        y = (1 - bend) * v + bend * z
        ends = np.diff(y)[[0, -1]] / np.diff(v)[[0, -1]]  # one more piece a side, straight
        v, y = np.r_[v[0] - 1, v, v[-1] + 1], np.r_[y[0] - ends[0], y, y[-1] + ends[1]]
        curves.append(PchipInterpolator(v, y))
    places = torch.from_numpy(np.stack([curve.x for curve in curves]))
    return MonotoneMap(places, torch.from_numpy(np.stack([curve.c for curve in curves], axis=1)))
