"""The Lorenz attractor as a world: chaotic, with a well-known Lyapunov spectrum to test against."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eqflow_nb.inputs import count
from eqflow_nb.snapshots.base import World, rk4_step
from eqflow_nb.snapshots.zoo import system

# Stationary means and standard deviations of 12,000 trajectories over 300 time units, to within
# 3e-4; the means of x and y vanish by symmetry.  Stationarity demands E x^2 = 8/3 E z: 62.7990
# against 62.7989.
CENTRE = (0.0, 0.0, 23.5496)
SCALE = (7.9246, 9.0114, 8.6229)

STEP, TRANSIENT, SPACING = 0.01, 40.0, 4.0  # in Lorenz time units
BATCH = 2000


def rates(x: Any, y: Any, z: Any) -> tuple[Any, Any, Any]:
    """Raw velocity: that of `zoo.system("lorenz")`, factored, which rounds a little less."""
    return 10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z


class LorenzField:
    """The true velocity in display units, per unit of Lorenz time."""

    def __call__(self, x: Tensor) -> Tensor:
        """Velocity (B, 3) at states (B, 3)."""
        centre, scale = x.new_tensor(CENTRE), x.new_tensor(SCALE)
        return torch.stack(rates(*(centre + scale * x).unbind(dim=-1)), dim=-1) / scale

    def jacobian(self, x: Tensor) -> Tensor:
        """Jacobian (B, 3, 3) of the velocity at states (B, 3); entry (i, j) is dv_i/dx_j."""
        centre, scale = x.new_tensor(CENTRE), x.new_tensor(SCALE)
        return system("lorenz").jacobian(centre + scale * x).to(x) * scale / scale[:, None]


def lorenz() -> World:
    """Make the Lorenz attractor: x convection, y and z temperature differences."""
    centre, scale = (torch.tensor(each, dtype=torch.float64) for each in (CENTRE, SCALE))
    return World("lorenz", ("x", "y", "z"), sample, centre, scale, LorenzField())


def sample(n: int, seed: int) -> Tensor:
    """Draw n decorrelated snapshots (n, 3), float32, in display units."""
    # Up to 2,000 trajectories are each read every 4 time units, by when the autocorrelation of
    # each coordinate has fallen below .1 (z, the slowest, still has .4 after 3).
    # Starts lie around the origin, whose unstable manifold belongs to the attractor; the hole
    # around the other two fixed points takes very long to leave.  Each trajectory has its own
    # transient, since those started together loop in step for about 20 time units.
    n, rng = count(n, "n"), np.random.default_rng(seed)
    start = rng.standard_normal((3, min(n, BATCH)))
    states = [_advance(start, TRANSIENT * rng.uniform(0.5, 1, start.shape[1]))]
    for _ in range(math.ceil(n / BATCH) - 1):
        states.append(_advance(states[-1], SPACING))
    raw = np.concatenate(states, axis=1)[:, :n].T
    return torch.from_numpy((raw - np.array(CENTRE)) / np.array(SCALE)).float()


def _advance(state: np.ndarray, time: float | np.ndarray) -> np.ndarray:
    """Raw states (3, n) after a time, or a time each (n,)."""
    steps = math.ceil(np.max(time) / STEP - 1e-9)
    for _ in range(steps):
        state = rk4_step(lambda raw: np.stack(rates(*raw)), state, time / steps)
    return state
