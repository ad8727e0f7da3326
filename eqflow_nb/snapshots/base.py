"""What a world of points offers: samples, a display scale and, where known, the truth."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from eqflow_nb.inputs import between

Field = Callable[[Tensor], Tensor]
Mixture = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class World:
    """A law p on R^d from which unordered snapshots can be drawn.

    Everything is in display coordinates: x = (raw - centre) / scale has mean 0 and unit standard
    deviation per axis.  `centre` and `scale` are constants of the world, never estimated from a
    draw.

    Attributes
    ----------
    name : str
    dim : int
        The dimension d.
    axes : tuple of str
        The name of each raw coordinate.
    units : str
        The units of the raw coordinates and of time.
    sample : callable (n, seed) -> Tensor (n, d)
        n independent (or decorrelated) snapshots, float32.
    centre, scale : Tensor (d,)
        raw = centre + scale * x, float64.
    velocity : callable (B, d) -> (B, d), optional
        The true dx/dt per unit of the world's time.
    log_density : callable (x (B, d), sigma) -> (B,), optional
        Exact log p_sigma(x), the law of x + sigma * eps with eps ~ N(0, I); differentiable in x.
    mixture : callable sigma -> (weights (M,), means (M, d), covariances (M, d, d)), optional
        p_sigma as a finite Gaussian mixture, where it is one, float64.
    """

    name: str
    dim: int
    axes: tuple[str, ...]
    units: str
    sample: Callable[[int, int], Tensor]
    centre: Tensor
    scale: Tensor
    velocity: Field | None = None
    log_density: Callable[[Tensor, float], Tensor] | None = None
    mixture: Callable[[float], Mixture] | None = None

    def blurred(
        self, sigma: float, device: torch.device | str = "cpu"
    ) -> Callable[[int, int], Tensor]:
        """Make a sampler draw(n, number) of p_sigma, the law of x + sigma * eps.

        A number stands for the same points (n, d) each time, so they are kept; treat them as
        read-only.
        """
        return blurred(self.sample, sigma, device)


def blurred(
    sample: Callable[[int, int], Tensor], sigma: float, device: torch.device | str
) -> Callable[[int, int], Tensor]:
    """Make a sampler draw(n, number) that adds noise to samples, and keeps what it has made.

    Raises
    ------
    InputError
        If sigma is negative or not a finite number.
    """
    sigma = between(sigma, "sigma", 0, math.inf)

    @functools.cache
    def draw(n: int, number: int) -> Tensor:
        samples = sample(n, number)
        # Seeds of some samplers and of the noise must not be the same.
        noise = torch.Generator().manual_seed(number + 1_000_003)
        return (samples + sigma * torch.randn(samples.shape, generator=noise)).to(device)

    return draw
