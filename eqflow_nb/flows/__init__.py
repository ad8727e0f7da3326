"""Velocity fields that keep a law: callables (B, d) -> (B, d), made from its score."""

from __future__ import annotations

from eqflow_nb.flows import continuity, exact, kernels, learned, networks, skew
from eqflow_nb.flows import projection as nearest
from eqflow_nb.flows import spectral_kernel as spectral
from eqflow_nb.flows.base import Scaled, at_common_speed

__all__ = [
    "Scaled",
    "at_common_speed",
    "continuity",
    "exact",
    "kernels",
    "learned",
    "nearest",
    "networks",
    "skew",
    "spectral",
]
