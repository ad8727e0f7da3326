"""How well a flow keeps a distribution: the residual of the continuity equation, div v + v . s = 0.

With it, what every flow has: a Jacobian, a divergence, a speed.
"""

import math
import threading
from typing import NamedTuple

import torch
from torch import Tensor

from eqflow_nb.inputs import Field, InputError, as_samples, count, seeded

EXACT_UP_TO = 6  # dimensions; above, the divergence is estimated
PROBES = 10
_one_at_a_time = threading.RLock()


def _along(field: Field, x: Tensor, direction: Tensor) -> Tensor:
    """Derivative (B, d) of a field at states (B, d) along directions (B, d), in forward mode."""
    # Torch counts the levels of forward mode for all threads together, so one thread may enter.
    with _one_at_a_time:
        return torch.func.jvp(field, (x,), (direction,))[1]


def jacobian(field: Field, x: Tensor) -> Tensor:
    """Jacobian (B, d, d) of a field at states (B, d), in inverse time; entry (i, j) is dv_i/dx_j.

    One forward-mode pass for each of the d directions, all states at once.  A field that has a
    `jacobian` method of its own is asked instead.
    """
    if hasattr(field, "jacobian"):
        return field.jacobian(x)
    axes = (axis.expand_as(x).contiguous() for axis in torch.eye(x.shape[1]).to(x))
    return torch.stack([_along(field, x, axis) for axis in axes], dim=2)


def divergence(field: Field, x: Tensor, probes: int | None = None, seed: int = 0) -> Tensor:
    """Divergence (B,) of a field at states (B, d), in inverse units of time.

    Exact for d <= 6; above, or with `probes`, by Hutchinson's E[z . J z] with random signs z.
    """
    x = as_samples(x, "x", at_least=1).contiguous()  # torch can't differentiate at repeated rows
    if probes is None and x.shape[1] <= EXACT_UP_TO:
        return jacobian(field, x).diagonal(dim1=1, dim2=2).sum(1)
    generator = seeded(seed, x.device)
    probes = count(PROBES if probes is None else probes, "probes")
    total = torch.zeros_like(x[:, 0])
    for _ in range(probes):
        bits = torch.randint(0, 2, x.shape, generator=generator, device=x.device)
        z = 2 * bits.to(x) - 1
        total += (z * _along(field, x, z)).sum(1)
    return total / probes


class Residual(NamedTuple):
    """The continuity residual r = div v + v . s over a batch, in two normalisations.

    `relative` is rms r / rms |v|, per unit length.  `ratio` is E r^2 / (E (div v)^2 + E (v . s)^2):
    0 is perfect, 1 is what two unrelated terms give.  It misleads where both vanish, as on a ring.
    """

    relative: float
    ratio: float


@torch.no_grad()
def residual(field: Field, score: Field, x: Tensor) -> Residual:
    """Measure the residual of the continuity equation (Zhang & Levin 2025, eq. 1 of the course).

    Use a score that the field was not made from, or the result is too good.  x (B, d) are samples
    of the distribution that should be kept.  For d > 6, where `divergence` takes probes, the square
    is that of two independent sets, which is unbiased.
    """
    x = as_samples(x, "x")
    v = field(x)
    speed_squared = v.square().sum(1).mean()
    if not torch.isfinite(v).all():
        raise InputError("field is not finite on x; give one that is defined on all samples")
    if not speed_squared > 0:
        raise InputError("field is zero everywhere on x; give one that moves")
    along = (v * score(x)).sum(1)
    first = divergence(field, x)
    second = first if x.shape[1] <= EXACT_UP_TO else divergence(field, x, seed=1)
    squared = ((first + along) * (second + along)).mean().clamp_min(0)
    scale = (first * second).mean().clamp_min(0) + along.square().mean()
    ratio = float(squared / scale) if scale > 0 else 0.0
    return Residual(float((squared / speed_squared).sqrt()), ratio)


class Scaled:
    """A field times a constant: if v keeps p, so does c v.  Snapshots hold no clock."""

    def __init__(self, field: Field, factor: float) -> None:
        self.field, self.factor = field, factor

    def __call__(self, x: Tensor) -> Tensor:
        """Velocity (B, d) at states (B, d)."""
        return self.factor * self.field(x)

    def jacobian(self, x: Tensor) -> Tensor:
        """Jacobian (B, d, d) at states (B, d)."""
        return self.factor * jacobian(self.field, x)


def at_common_speed(field: Field, x: Tensor) -> Scaled:
    """Rescale a field to rms speed sqrt(d) over samples x (B, d), so that t counts path length.

    One unit of time is then one rms radius of a cloud of unit variance.  The samples are blurred if
    the field is of blurred data.
    """
    x = as_samples(x, "x")
    with torch.no_grad():
        speed = float(field(x).square().sum(1).mean().sqrt())
    if not (0 < speed < math.inf):
        raise InputError(f"field has rms speed {speed:g} on x; it must move and be finite")
    return Scaled(field, math.sqrt(x.shape[1]) / speed)
