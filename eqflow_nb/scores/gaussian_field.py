"""Scores of Gaussian random fields, and of images that are one after a transform of each pixel.

Nothing is trained.  A field knows the images' spectrum; a Gaussian copula (Liu, Lafferty &
Wasserman, JMLR 10, 2295, 2009) their histograms too: y = g(x), with a rising g for each channel, is
a Gaussian field.
"""

import numpy as np
import torch
from scipy.interpolate import PchipInterpolator
from scipy.special import ndtr
from torch import Tensor

from eqflow_nb.fourier import Filter
from eqflow_nb.inputs import InputError, as_images, between, floating, positive
from eqflow_nb.snapshots.base import blur

RIDGE = 1e-3  # noise level of the spectrum of y, which has the noise of x in it
REACH, KNOTS = 3.0, 33  # deviations up to which g is curved; beyond it is straight
PIXELS = 500_000  # of a channel, enough for its quantiles


class GaussianFieldScore:
    """s(k) = -(C(k) + sigma^2 I)^-1 (x(k) - mu(k)), frequency by frequency.

    Exact for a Gaussian random field; for other images it is the score that knows their spectrum
    and nothing else.  C(k), real and symmetric, (H, W // 2 + 1, C, C), is the covariance of the
    coefficients of the orthonormal Fourier transform; it leaves open whether W is odd.  The mean
    (C,) of each channel is mu(k) at k = 0; elsewhere mu(k) is 0.
    """

    def __init__(self, mean: Tensor, covariance: Tensor, sigma: float, odd: bool = False) -> None:
        self.mean, self.covariance, self.sigma = mean, covariance, positive(sigma, "sigma")
        self.size = (covariance.shape[0], 2 * (covariance.shape[1] - 1) + odd)
        noise = self.sigma**2 * torch.eye(len(mean)).to(covariance)
        self.precision, singular = torch.linalg.inv_ex(covariance + noise)
        if singular.any():
            hint = "channels that always agree at some frequency need more to have a score"
            raise InputError(f"sigma is {self.sigma:g}, nothing beside the covariance; {hint}")
        self._pull = Filter(-self.precision)

    def __call__(self, x: Tensor) -> Tensor:
        """Score (B, C, H, W) at images (B, C, H, W)."""
        if floating(x).ndim != 4 or not len(x) or x.shape[1:] != (len(self.mean), *self.size):
            as_images(x, "x", channels=len(self.mean), size=self.size, at_least=1)
        return self._pull(x - self.mean.to(x)[:, None, None])

    def denoise(self, x: Tensor) -> Tensor:
        """Posterior mean D(x) = x + sigma^2 s(x), (B, C, H, W)."""
        return x + self.sigma**2 * self(x)

    def at(self, sigma: float) -> "GaussianFieldScore":
        """The same spectrum at another noise level."""
        return GaussianFieldScore(self.mean, self.covariance, sigma, self.size[1] % 2 == 1)


def fit_gaussian_field(
    snapshots: Tensor, sigma: float, symmetrise: bool = False
) -> GaussianFieldScore:
    """Measure mean and spectrum of images, and make the score of blurred ones.

    Snapshots (n, C, H, W) are clean; sigma is in their units.  C(k) is real, as for distributions
    that look the same upside down, and in float64.  To symmetrise, with H = W, is to average also
    over the eight turns and mirror images of the grid: right for distributions without a direction,
    and worth up to four times as many snapshots.
    """
    snapshots = as_images(snapshots, "snapshots", at_least=2, vary=True, square=symmetrise)
    mean = snapshots.mean((0, 2, 3), dtype=torch.float64)
    n, channels, height, width = snapshots.shape
    power = torch.zeros(height, width, channels, channels, dtype=torch.float64).to(mean)
    for part in snapshots.split(8):
        x = torch.fft.fft2(part.double() - mean[:, None, None], norm="ortho")
        power += torch.einsum("nchw,ndhw->hwcd", x, x.conj()).real / n
    power = (power + power.mT) / 2
    if symmetrise:
        power = (_mirrored(power) + _mirrored(power.transpose(0, 1))) / 2
    return GaussianFieldScore(mean, power[:, : width // 2 + 1].contiguous(), sigma, width % 2 == 1)


def _mirrored(power: Tensor) -> Tensor:
    """Mean over the mirror images k_x -> -k_x and k_y -> -k_y of (H, W, C, C)."""
    down = (power + power.flip(0).roll(1, 0)) / 2
    return (down + down.flip(1).roll(1, 1)) / 2


class MonotoneMap:
    """A rising map y = g(x) of each channel's values: cubic pieces, straight beyond the last.

    They meet at knots (C, m); coefficients (4, C, m - 1) are those of `PchipInterpolator`.
    """

    def __init__(self, knots: Tensor, pieces: Tensor) -> None:
        self.knots, self.pieces = knots, pieces

    def derivatives(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """g, g' and g'' at images (B, C, H, W), each of their shape."""
        flat = x.transpose(0, 1).flatten(1)
        knots = self.knots.to(x)
        inside = torch.minimum(torch.maximum(flat, knots[:, :1]), knots[:, -1:])
        index = torch.searchsorted(knots, inside.contiguous()) - 1
        index = index.clamp(0, knots.shape[1] - 2)
        a, b, c, d, left = (table.gather(1, index) for table in (*self.pieces.to(x), knots))
        h = inside - left
        slope = (3 * a * h + 2 * b) * h + c
        value = ((a * h + b) * h + c) * h + d + slope * (flat - inside)
        curvature = torch.where(flat == inside, 6 * a * h + 2 * b, torch.zeros_like(flat))
        shape = (x.shape[1], x.shape[0], *x.shape[2:])
        g, g1, g2 = (z.reshape(shape).transpose(0, 1) for z in (value, slope, curvature))
        return g, g1, g2


class GaussianCopulaScore:
    """Score of images x for which y = g(x) is a Gaussian random field.

    s(x) = g'(x) s_y(g(x)) + g''(x) / g'(x), as p(x) = p_y(g(x)) prod g'(x).  `transform` is g,
    `gaussian` the score s_y of y, which has the noise of x, of level sigma, in it already.
    """

    def __init__(self, transform: MonotoneMap, gaussian: GaussianFieldScore, sigma: float) -> None:
        self.transform, self.gaussian = transform, gaussian
        self.sigma = positive(sigma, "sigma")

    def __call__(self, x: Tensor) -> Tensor:
        """Score (B, C, H, W) at images (B, C, H, W)."""
        as_images(x, "x", channels=len(self.gaussian.mean), size=self.gaussian.size)
        y, slope, curvature = self.transform.derivatives(x)
        return slope * self.gaussian(y) + curvature / slope


def fit_gaussian_copula(
    snapshots: Tensor, sigma: float, copula_fraction: float = 1.0, symmetrise: bool = False
) -> GaussianCopulaScore:
    """Transform blurred images towards Gaussian histograms, and measure the spectrum there.

    With a copula fraction f, g(x) = (1 - f) x + f q(x), where q makes the histogram Gaussian: 0 is
    `fit_gaussian_field`, 1 the copula, which stretches an empty background most of all.
    """
    sigma, fraction = positive(sigma, "sigma"), between(copula_fraction, "copula_fraction", 0, 1)
    snapshots = as_images(snapshots, "snapshots", at_least=2, vary=True, square=symmetrise)
    blurred = blur(snapshots, sigma, 0)
    transform = _fit_map(blurred, fraction)
    few = blurred.split(4)  # which need little memory
    y = torch.cat([transform.derivatives(some)[0] for some in few])
    return GaussianCopulaScore(transform, fit_gaussian_field(y, RIDGE, symmetrise), sigma)


def _fit_map(x: Tensor, fraction: float) -> MonotoneMap:
    """The map that takes each channel's quantiles a fraction of the way to a Gaussian's."""
    z = np.linspace(-REACH, REACH, KNOTS)
    curves = []
    for channel in x.transpose(0, 1).flatten(1):
        some = channel[:: 1 + len(channel) // PIXELS].double().cpu().numpy()
        v = np.quantile(some, ndtr(z))
        y = (1 - fraction) * v + fraction * z
        ends = np.diff(y)[[0, -1]] / np.diff(v)[[0, -1]]  # one more piece a side, straight
        v, y = np.r_[v[0] - 1, v, v[-1] + 1], np.r_[y[0] - ends[0], y, y[-1] + ends[1]]
        curves.append(PchipInterpolator(v, y))
    knots = torch.from_numpy(np.stack([curve.x for curve in curves]))
    return MonotoneMap(knots, torch.from_numpy(np.stack([curve.c for curve in curves], axis=1)))
