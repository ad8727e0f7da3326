"""What a world of images offers: samples, a display scale and, where known, the true evolution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from eqflow_nb.inputs import Field, InputError
from eqflow_nb.snapshots.base import blurred


@dataclass(frozen=True)
class FieldWorld:
    """A law p of periodic images from which unordered snapshots can be drawn.

    Everything is in display units: x = (raw - centre) / scale, channel by channel, has mean 0 and
    unit standard deviation.  `centre` and `scale` are constants of the world, never estimated from
    a draw.

    Attributes
    ----------
    name : str
    channels : tuple of str
        What each channel is.
    size : int
        Pixels a side.
    units : str
        The units of the raw channels, of length and of time.
    sample : callable (n, seed) -> Tensor (n, C, size, size)
        n independent snapshots, float32.
    centre, scale : Tensor (C,)
        raw = centre + scale * x, float64.
    velocity : callable (B, C, H, W) -> (B, C, H, W), optional
        The true dx/dt per unit of the world's time.
    advance : callable (x, steps) -> x, optional
        The true evolution of images x over some steps of its simulation.
    stationary : bool
        False for snapshots of a transient, whose law is still changing.
    """

    name: str
    channels: tuple[str, ...]
    size: int
    units: str
    sample: Callable[[int, int], Tensor]
    centre: Tensor
    scale: Tensor
    velocity: Field | None = None
    advance: Callable[[Tensor, int], Tensor] | None = None
    stationary: bool = True

    def raw(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) in the world's own units."""
        return self.centre.to(x)[:, None, None] + self.scale.to(x)[:, None, None] * x

    def scaled(self, raw: Tensor) -> Tensor:
        """Images (B, C, H, W) in display units, from the world's own."""
        return (raw - self.centre.to(raw)[:, None, None]) / self.scale.to(raw)[:, None, None]

    def blurred(
        self, sigma: float, device: torch.device | str = "cpu"
    ) -> Callable[[int, int], Tensor]:
        """Make a sampler draw(n, number) of p_sigma, the law of x + sigma * eps.

        A number stands for the same images each time, so they are kept; treat them as read-only.

        Raises
        ------
        InputError
            If sigma is negative or not a finite number.
        """
        return blurred(self.sample, sigma, device)


def speed(world: FieldWorld, x: Tensor) -> float:
    """Root mean square of the true velocity of images x (B, C, H, W), per unit of the world's time.

    In display units: 1e-4 means that a pattern takes some 10,000 units of time to become another.

    Raises
    ------
    InputError
        If the world's true velocity is not known.
    """
    if world.velocity is None:
        raise InputError(f"world {world.name!r} has no known velocity; a Gray-Scott preset has one")
    return float(world.velocity(x).double().square().mean().sqrt())
