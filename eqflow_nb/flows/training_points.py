"""Points in and around a cloud, with the score there: what networks are trained on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from eqflow_nb.inputs import Field, as_samples, between, count, positive, seeded


@dataclass(frozen=True)
class TrainingPoints:
    """Points (n, d), the scores (n, d) there, and what a squared residual counts there (n,)."""

    points: Tensor
    scores: Tensor
    weights: Tensor


def sample_training_points(
    samples: Tensor,
    score: Field,
    sigma: float,
    n: int = 32768,
    widest: float = 1.0,
    wide_fraction: float = 0.4,
    residual_weight_power: float = 0.0,
    seed: int = 0,
) -> TrainingPoints:
    """Blur samples into training points, some of them wider than the distribution itself.

    The continuity equation holds wherever p > 0, also where samples are rare.  A long rollout goes
    there, and a flow that was not trained in the tails leaks out of them.  Far out the score grows
    like distance / sigma^2; where sigma is small, lower weights keep such points from dominating.

    Parameters
    ----------
    samples, score, sigma, n
        Samples (N, d), their score at a noise level sigma, and how many points to draw.
    widest, wide_fraction : float
        A fraction of the points is blurred at levels drawn uniformly between sigma and the widest.
    residual_weight_power : float
        Weights are (1 + sigma^2 |s|^2 / d)^-power; 0 leaves all points equal.
    """
    samples = as_samples(samples, vary=True)
    sigma, wide_fraction = positive(sigma, "sigma"), between(wide_fraction, "wide_fraction", 0, 1)
    n, generator = count(n, "n"), seeded(seed)
    rows = torch.randint(len(samples), (n,), generator=generator)
    level = torch.full((n, 1), sigma)
    wide = int(n * wide_fraction)
    widest = max(sigma, positive(widest, "widest"))
    level[:wide] += (widest - sigma) * torch.rand(wide, 1, generator=generator)
    noise = level * torch.randn(n, samples.shape[1], generator=generator)
    points = samples[rows.to(samples.device)] + noise.to(samples)
    with torch.no_grad():
        scores = score(points)
    weights = (1 + sigma**2 * scores.square().mean(1)) ** -residual_weight_power
    return TrainingPoints(points, scores, weights / weights.mean())
