"""Scores s(x) = grad log p(x): callables (B, d) -> (B, d), whatever world x came from."""

from __future__ import annotations

from .closed_form import MixtureScore, fit_mixture, gaussian, of_density
from .denoiser import DenoiserScore
from .images import ImageScore
from .kernel_density import KernelDensityScore
from .spectral import SpectralScore, fit_spectral
from .unet import UNet
from .warped import WarpedScore, fit_warped
from .weights import load, shipped

__all__ = [
    "DenoiserScore",
    "ImageScore",
    "KernelDensityScore",
    "MixtureScore",
    "SpectralScore",
    "UNet",
    "WarpedScore",
    "fit_mixture",
    "fit_spectral",
    "fit_warped",
    "gaussian",
    "load",
    "of_density",
    "shipped",
]
