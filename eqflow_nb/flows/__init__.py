"""Velocity fields that keep a law: callables (B, d) -> (B, d), made from its score."""

from __future__ import annotations

from . import continuity, exact, kernels, learned, nearest, networks, skew, spectral
from .base import Scaled, at_common_speed

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
