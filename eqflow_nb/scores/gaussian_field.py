"""The score of a Gaussian random field with the spectrum of images: nothing is trained."""

from __future__ import annotations

import torch
from torch import Tensor

from eqflow_nb.fourier import Filter
from eqflow_nb.inputs import InputError, as_images, floating, positive


class GaussianFieldScore:
    """s(k) = -(C(k) + sigma^2 I)^-1 (x(k) - mu(k)), frequency by frequency.

    Exact for a Gaussian random field; for other images it is the score that knows their spectrum
    and nothing else.  The Fourier transform is orthonormal, so C(k) is the covariance of its
    coefficients, and white noise of deviation sigma adds sigma^2 at each k.  C(k) is real and
    symmetric, (H, W // 2 + 1, C, C), and leaves open whether W is odd.  The mean (C,) of each
    channel is mu(k) at k = 0; elsewhere mu(k) is 0.
    """

    def __init__(self, mean: Tensor, covariance: Tensor, sigma: float, odd: bool = False) -> None:
        self.mean, self.covariance, self.sigma = mean, covariance, positive(sigma, "sigma")
        self.size = (covariance.shape[0], 2 * (covariance.shape[1] - 1) + odd)
        noise = self.sigma**2 * torch.eye(len(mean)).to(covariance)
        self.precision, singular = torch.linalg.inv_ex(covariance + noise)
        if singular.any():
            raise InputError(
                f"sigma is {self.sigma:g}, which is nothing beside the covariance; some channels "
                "always agree at some frequency, and need more noise to have a score"
            )
        self._pull = Filter(-self.precision)

    def __call__(self, x: Tensor) -> Tensor:
        """Score (B, C, H, W) at images (B, C, H, W)."""
        if floating(x).ndim != 4 or not len(x) or x.shape[1:] != (len(self.mean), *self.size):
            as_images(x, "x", channels=len(self.mean), size=self.size, at_least=1)
        return self._pull(x - self.mean.to(x)[:, None, None])

    def denoise(self, x: Tensor) -> Tensor:
        """Posterior mean D(x) = x + sigma^2 s(x), (B, C, H, W)."""
        return x + self.sigma**2 * self(x)

    def at(self, sigma: float) -> GaussianFieldScore:
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
