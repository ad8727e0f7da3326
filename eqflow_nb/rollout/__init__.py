"""Flows followed in time: integrators, which are generators, and what is kept of their paths."""

from .fields import Diverged, exponential_images
from .following import FAR, Rollout, follow, race, together
from .integrators import Field, exponential, heun, rk4

__all__ = [
    "FAR",
    "Diverged",
    "Field",
    "Rollout",
    "exponential",
    "exponential_images",
    "follow",
    "heun",
    "race",
    "rk4",
    "together",
]
