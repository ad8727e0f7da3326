"""What every flow shares: a common speed, so that times and distances can be compared."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from eqflow_nb.flows.continuity import Field, jacobian
from eqflow_nb.inputs import InputError, as_samples


class Scaled:
    """A field times a constant.  If v keeps p, so does c v: stills hold no clock.

    Parameters
    ----------
    field : callable (B, d) -> (B, d)
    factor : float
    """

    def __init__(self, field: Field, factor: float) -> None:
        self.field, self.factor = field, factor

    def __call__(self, x: Tensor) -> Tensor:
        """Velocity (B, d) at states (B, d)."""
        return self.factor * self.field(x)

    def jacobian(self, x: Tensor) -> Tensor:
        """Jacobian (B, d, d) at states (B, d)."""
        return self.factor * jacobian(self.field, x)


def at_common_speed(field: Field, x: Tensor) -> Scaled:
    """Rescale a field to rms speed sqrt(d) over samples (B, d), so that t counts path length.

    In unit-variance coordinates sqrt(d) is the rms radius of the cloud: one unit of time is one
    radius of path.

    Parameters
    ----------
    field : callable (B, d) -> (B, d)
    x : Tensor (B, d)
        Samples of the law, blurred if the field is of blurred data.

    Returns
    -------
    Scaled

    Raises
    ------
    InputError
        If the field is zero or not finite on the samples.
    """
    x = as_samples(x, "x")
    with torch.no_grad():
        speed = float(field(x).square().sum(1).mean().sqrt())
    if not (0 < speed < math.inf):
        raise InputError(f"field has rms speed {speed:g} on x; it must move and be finite")
    return Scaled(field, math.sqrt(x.shape[1]) / speed)
