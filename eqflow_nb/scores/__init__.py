"""Scores s(x) = grad log p(x): callables (B, d) -> (B, d), whatever world x came from."""

from __future__ import annotations

from eqflow_nb.scores.closed_form import MixtureScore, fit_mixture, gaussian, of_density
from eqflow_nb.scores.denoiser import DenoiserScore
from eqflow_nb.scores.gaussian_copula import GaussianCopulaScore, fit_gaussian_copula
from eqflow_nb.scores.gaussian_field import GaussianFieldScore, fit_gaussian_field
from eqflow_nb.scores.images import ImageScore
from eqflow_nb.scores.kernel_density import KernelDensityScore
from eqflow_nb.scores.unet import UNet
from eqflow_nb.scores.weights import load, shipped

__all__ = [
    "DenoiserScore",
    "ImageScore",
    "KernelDensityScore",
    "MixtureScore",
    "GaussianFieldScore",
    "UNet",
    "GaussianCopulaScore",
    "fit_mixture",
    "fit_gaussian_field",
    "fit_gaussian_copula",
    "gaussian",
    "load",
    "of_density",
    "shipped",
]
