"""What a world offers: samples, blurred samples, a display scale and, where known, the truth."""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from eqflow_nb.inputs import Field, between, seeded

Mixture = tuple[Tensor, Tensor, Tensor]


class World(NamedTuple):
    """A distribution p of points (n, d) or periodic images (n, C, H, W) that can be drawn from.

    Snapshots are in display units: each coordinate or channel of x = (raw - centre) / scale has
    mean 0 and standard deviation 1.  `centre` and `scale` are never estimated from a draw.

    `sample(n, seed)` draws n decorrelated snapshots, float32.  Where they are known, `velocity(x)`
    is the true dx/dt per unit of the world's time; `log_density(x, sigma)` the exact log p_sigma,
    the density of x + sigma * eps, eps ~ N(0, I), differentiable in x; `mixture(sigma)` the
    weights (M,), means (M, d) and covariances (M, d, d) of p_sigma where it is a Gaussian mixture;
    and `advance(x, steps)` the true evolution of images over some steps of their simulation.
    """

    name: str
    axes: tuple[str, ...]
    sample: Callable[[int, int], Tensor]
    centre: Tensor
    scale: Tensor
    velocity: Field | None = None
    log_density: Callable[[Tensor, float], Tensor] | None = None
    mixture: Callable[[float], Mixture] | None = None
    advance: Callable[[Tensor, int], Tensor] | None = None

    def blurred(
        self, sigma: float, device: torch.device | str = "cpu"
    ) -> Callable[[int, int], Tensor]:
        """Make a sampler draw(n, number) of p_sigma, the distribution of x + sigma * eps.

        A number stands for the same snapshots each time, kept for a while: treat them as read-only.
        """
        sigma = between(sigma, "sigma", 0, math.inf)

        @functools.lru_cache(maxsize=16)
        def draw(n: int, number: int) -> Tensor:
            # Seeds of some samplers and of the noise must not be the same.
            return blur(self.sample(n, number), sigma, number + 1_000_003).to(device)

        return draw

    def raw(self, x: Tensor) -> Tensor:
        """Snapshots (B, ...) in the world's own units."""
        centre, scale = self._units(x)
        return centre + scale * x

    def scaled(self, raw: Tensor) -> Tensor:
        """Snapshots (B, ...) in display units, from the world's own."""
        centre, scale = self._units(raw)
        return (raw - centre) / scale

    def _units(self, x: Tensor) -> tuple[Tensor, ...]:
        return tuple(c.to(x).view(-1, *(1,) * (x.ndim - 2)) for c in (self.centre, self.scale))


def blur(x: Tensor, sigma: float | Tensor, seed: int | torch.Generator) -> Tensor:
    """Draw x + sigma * eps, eps ~ N(0, I), the same on any device: drawn on the CPU, float32.

    Parameters
    ----------
    x : Tensor (B, ...)
        Snapshots.
    sigma : float or Tensor
        Noise level, in the units of x; one for each of its last axis is taken, too.
    seed : int or Generator
        Of the noise.
    """
    generator = seed if isinstance(seed, torch.Generator) else seeded(seed)
    return torch.randn(x.shape, generator=generator).to(x).mul_(sigma).add_(x)


@functools.cache
def compiled(loop: Callable[..., Any], **how: Any) -> Callable[..., Any]:
    """A loop over numbers as machine code, made once a process, in about a second."""
    import numba

    return numba.njit(nogil=True, **how)(loop)  # its cache on disk is a pickle, so there is none


def rk4_step(velocity: Callable[[Any], Any], x: Any, dt: Any) -> Any:
    """Take one step of the classical fourth-order Runge-Kutta method, x an array or a tensor."""
    k1 = velocity(x)
    k2 = velocity(x + dt / 2 * k1)
    k3 = velocity(x + dt / 2 * k2)
    k4 = velocity(x + dt * k3)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
