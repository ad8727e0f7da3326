"""Flows followed in time: integrators, which are generators, and one recorder of their states.

A velocity field is any callable from states to velocities of their shape.
"""

from eqflow_nb.rollout.integrators import Diverged, Path, exponential, heun, rk4
from eqflow_nb.rollout.record import Rollout, held, race, record, together
