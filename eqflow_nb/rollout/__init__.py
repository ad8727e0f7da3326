"""Flows followed in time: integrators, which are generators, and what is kept of their paths."""

from eqflow_nb.rollout.images import Diverged, exponential_images
from eqflow_nb.rollout.integrators import Field, exponential, heun, rk4
from eqflow_nb.rollout.record import FAR, Rollout, follow, race, together
from eqflow_nb.rollout.visits import Visits, averaged, visit

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
