"""What a world of points offers: samples, a display scale and, where known, the truth."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from eqflow_nb.inputs import Field, between, seeded

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


def rk4_step(velocity: Callable[..., Any], x: Any, dt: Any, *more: Any) -> Any:
    """Take one step of the classical fourth-order Runge-Kutta method from states x.

    Plain arithmetic: arrays and tensors will do, and so will numba, which compiles it.

    Parameters
    ----------
    velocity : callable (x, *more) -> dx/dt
    x : array or Tensor
    dt : float or array
        The step, in units of time; an array must broadcast with x.
    """
    k1 = velocity(x, *more)
    k2 = velocity(x + dt / 2 * k1, *more)
    k3 = velocity(x + dt / 2 * k2, *more)
    k4 = velocity(x + dt * k3, *more)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def blur(x: Tensor, sigma: float, seed: int | torch.Generator) -> Tensor:
    """Draw x + sigma * eps for points or images x of any shape, eps ~ N(0, I).

    The noise is drawn in single precision on the CPU, so a seed gives the same on any device.
    """
    generator = seed if isinstance(seed, torch.Generator) else seeded(seed)
    return torch.randn(x.shape, generator=generator).to(x).mul_(sigma).add_(x)


def blurred(
    sample: Callable[[int, int], Tensor], sigma: float, device: torch.device | str
) -> Callable[[int, int], Tensor]:
    """Make a sampler draw(n, number) that adds noise to samples, and keeps the last few it made."""
    sigma = between(sigma, "sigma", 0, math.inf)

    @functools.lru_cache(maxsize=16)
    def draw(n: int, number: int) -> Tensor:
        # Seeds of some samplers and of the noise must not be the same.
        return blur(sample(n, number), sigma, number + 1_000_003).to(device)

    return draw
