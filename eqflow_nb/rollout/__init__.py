"""Flows followed in time: integrators, which are generators, and what is kept of their paths."""

from .fields import Diverged, exponential_images
from .following import FAR, Rollout, follow, race, together
from .integrators import Field, exponential, heun, rk4
from .visits import Visits, averaged, visit

__all__ = [
    "FAR",
    "Diverged",
    "Field",
    "Rollout",
    "Visits",
    "averaged",
    "exponential",
    "exponential_images",
    "follow",
    "heun",
    "race",
    "rk4",
    "together",
    "visit",
]
