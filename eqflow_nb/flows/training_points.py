"""What networks are taught: points in and around a cloud, with the score there."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from eqflow_nb.flows.continuity import Field
from eqflow_nb.inputs import as_samples, between, count, positive, seeded


@dataclass(frozen=True)
class Lesson:
    """What the networks are trained on: points and the score there.

    Attributes
    ----------
    points, scores : Tensor (n, d)
    weights : Tensor (n,)
        What a squared residual counts there.
    """

    points: Tensor
    scores: Tensor
    weights: Tensor


def lesson(
    samples: Tensor,
    score: Field,
    sigma: float,
    n: int = 32768,
    widest: float = 1.0,
    share: float = 0.4,
    temper: float = 0.0,
    seed: int = 0,
) -> Lesson:
    """Blur samples into training points, some of them wider than the law itself.

    The continuity equation holds wherever p > 0, also where samples are rare; a long rollout goes
    there, and a flow that was never taught the tails leaks out of them.  Far out the score
    grows like distance / sigma^2; where sigma is small, tempered weights keep such points from
    outvoting all others.

    Parameters
    ----------
    samples : Tensor (N, d)
    score : callable (B, d) -> (B, d)
        The score at level sigma.  It is evaluated once.
    sigma : float
        Noise level, in the units of the samples.
    n : int
        The number of points.
    widest : float
        The widest level, in the units of the samples (1 is the cloud's own standard deviation).
    share : float
        The share of points blurred at levels drawn uniformly between sigma and the widest.
    temper : float
        Weights are (1 + sigma^2 |s|^2 / d)^-temper; 0 leaves all points equal.
    seed : int

    Returns
    -------
    Lesson

    Raises
    ------
    InputError
        If the samples are not finite or constant along an axis, or a number is out of its range.
    """
    samples = as_samples(samples, vary=True)
    sigma, share = positive(sigma, "sigma"), between(share, "share", 0, 1)
    n, generator = count(n, "n"), seeded(seed)
    rows = torch.randint(len(samples), (n,), generator=generator)
    level = torch.full((n, 1), sigma)
    wide = int(n * share)
    widest = max(sigma, positive(widest, "widest"))
    level[:wide] += (widest - sigma) * torch.rand(wide, 1, generator=generator)
    noise = level * torch.randn(n, samples.shape[1], generator=generator)
    points = samples[rows.to(samples.device)] + noise.to(samples)
    with torch.no_grad():
        scores = score(points)
    weights = (1 + sigma**2 * scores.square().mean(1)) ** -temper
    return Lesson(points, scores, weights / weights.mean())
