"""A score learned at one noise level: a denoiser, trained by denoising score matching."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from eqflow_nb.inputs import as_samples, count, positive, seeded

RATE = 5e-3  # of learning, at the peak of a one-cycle schedule


class DenoiserScore(nn.Module):
    """s(x) = (D(x) - x) / sigma^2 of points with a small network D (Tweedie's formula).

    The network predicts the noise, eps(x) = (x - D(x)) / sigma, which has unit size at any sigma.
    Unlike a closed form it is not exactly a gradient.  It has two hidden layers of `width` units.
    """

    def __init__(self, dim: int, sigma: float, width: int = 64, seed: int = 0) -> None:
        super().__init__()
        self.sigma, self.dim = positive(sigma, "sigma"), count(dim, "dim")
        width, layer = count(width, "width"), nn.Linear
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            hidden = [layer(dim, width), nn.SiLU(), layer(width, width), nn.SiLU()]
            self.noise = nn.Sequential(*hidden, layer(width, dim))

    def forward(self, x: Tensor) -> Tensor:
        """Score (B, d) at states (B, d)."""
        return -self._predict(x) / self.sigma

    def denoise(self, x: Tensor) -> Tensor:
        """Posterior mean D(x) = E[x_0 | x], (B, d)."""
        return x - self.sigma * self._predict(x)

    def _predict(self, x: Tensor) -> Tensor:
        if x.ndim != 2 or x.shape[1] != self.dim:
            as_samples(x, "x", dim=self.dim, at_least=1)
        return self.noise(x)


def train(
    score: DenoiserScore, samples: Tensor, steps: int = 2000, batch: int = 512, seed: int = 0
) -> Iterator[tuple[int, float]]:
    """Train by denoising score matching, minimising E |eps(x + sigma eps) - eps|^2.

    It yields (step, loss), the loss of the step's batch, per sample; predicting no noise gives d.
    Samples are (n, d).  Vincent, Neural Computation 23, 1661 (2011), eq. 4.3.
    """
    steps, batch = count(steps, "steps"), count(batch, "batch")
    samples = as_samples(samples, dim=score.dim, vary=True).to(next(score.parameters()))
    generator = seeded(seed, samples.device)
    optimiser = torch.optim.Adam(score.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps)
    for step in range(steps):
        rows = torch.randint(len(samples), (batch,), generator=generator, device=samples.device)
        clean = samples[rows]
        eps = torch.randn(clean.shape, generator=generator, device=clean.device, dtype=clean.dtype)
        loss = (score.noise(clean + score.sigma * eps) - eps).square().sum(1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        yield step, float(loss.detach())
