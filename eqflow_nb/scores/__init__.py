"""Scores s(x) = grad log p(x) of points (B, d) and images (B, C, H, W), from any world.

Each is a callable from states to vectors of the same shape; most know the posterior mean
D(x) = x + sigma^2 s(x) too, as `denoise`.
"""

from eqflow_nb.scores.closed_form import (
    KernelDensityScore,
    MixtureScore,
    fit_mixture,
    gaussian,
    of_density,
)
from eqflow_nb.scores.denoiser import DenoiserScore
from eqflow_nb.scores.gaussian_field import (
    GaussianCopulaScore,
    GaussianFieldScore,
    fit_gaussian_copula,
    fit_gaussian_field,
)
from eqflow_nb.scores.images import ImageScore
from eqflow_nb.scores.noise_level import choose_sigma
from eqflow_nb.scores.weights import load, shipped
