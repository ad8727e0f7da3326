"""Scores s(x) = grad log p(x): callables (B, d) -> (B, d), whatever world x came from."""

from __future__ import annotations

from .closed_form import KernelDensityScore, MixtureScore, fit_mixture, gaussian, of_density
from .denoiser import DenoiserScore

__all__ = [
    "DenoiserScore",
    "KernelDensityScore",
    "MixtureScore",
    "fit_mixture",
    "gaussian",
    "of_density",
]
