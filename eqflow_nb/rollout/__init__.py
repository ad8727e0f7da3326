"""Flows followed in time: integrators, which are generators, and what is kept of their paths."""

from .following import FAR, Rollout, follow, race, together
from .integrators import Field, exponential, heun, rk4

__all__ = ["FAR", "Field", "Rollout", "exponential", "follow", "heun", "race", "rk4", "together"]
