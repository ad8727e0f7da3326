"""The Lorenz system: chaotic, with a well-known Lyapunov spectrum to test against."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from eqflow_nb.inputs import count, positive
from eqflow_nb.snapshots.base import World

SIGMA, RHO, BETA = 10.0, 28.0, 8.0 / 3.0

# Stationary means and standard deviations.  Measured with the integrator below: 12,000
# trajectories read every .05 over 300 time units after a transient, in 12 groups.  Standard errors
# over the groups: 3e-4 for the mean of z; 1e-4, 1e-4 and 3e-4 for the deviations.  The means of x
# and y vanish by the symmetry (x, y) -> (-x, -y).  Check: stationarity of z and x^2 demands
# E x^2 = beta E z; 62.7990 against 62.7989.
CENTRE = (0.0, 0.0, 23.5496)
SCALE = (7.9246, 9.0114, 8.6229)

# Per unit of Lorenz time: Sprott, "Chaos and Time-Series Analysis" (Oxford, 2003), appendix A;
# the first to more digits in Viswanath, PhD thesis, Cornell (1998).
LYAPUNOV = (0.9056, 0.0, -14.5723)

STEP = 0.01
TRANSIENT = 40.0
SPACING = 4.0
BATCH = 2000


@dataclass(frozen=True)
class LorenzField:
    """The true velocity in scaled coordinates, per unit of Lorenz time.

    With raw = centre + scale * x,  dx/dt = raw_velocity(raw) / scale, and
    raw_velocity(x, y, z) = (sigma (y - x), x (rho - z) - y, x y - beta z)
    (Lorenz, J. Atmos. Sci. 20, 130, 1963; sigma = 10, rho = 28, beta = 8/3).
    """

    centre: tuple[float, ...] = CENTRE
    scale: tuple[float, ...] = SCALE

    def __call__(self, x: Tensor) -> Tensor:
        """Velocity (B, 3) at states (B, 3)."""
        scale = x.new_tensor(self.scale)
        a, b, c = (x.new_tensor(self.centre) + scale * x).unbind(dim=-1)
        raw = torch.stack([SIGMA * (b - a), a * (RHO - c) - b, a * b - BETA * c], dim=-1)
        return raw / scale

    def jacobian(self, x: Tensor) -> Tensor:
        """Jacobian (B, 3, 3) of the velocity at states (B, 3), entry (i, j) is dv_i/dx_j."""
        scale = x.new_tensor(self.scale)
        a, b, c = (x.new_tensor(self.centre) + scale * x).unbind(dim=-1)
        one, zero = torch.ones_like(a), torch.zeros_like(a)
        rows = [
            torch.stack([-SIGMA * one, SIGMA * one, zero], dim=-1),
            torch.stack([RHO - c, -one, -a], dim=-1),
            torch.stack([b, a, -BETA * one], dim=-1),
        ]
        return torch.stack(rows, dim=-2) * scale / scale[:, None]


def lorenz() -> World:
    """Make the Lorenz attractor: x convection, y and z temperature differences."""
    return World(
        name="lorenz",
        dim=3,
        axes=("x", "y", "z"),
        units="dimensionless; time in Lorenz units (one loop takes about 0.75)",
        sample=sample,
        centre=torch.tensor(CENTRE, dtype=torch.float64),
        scale=torch.tensor(SCALE, dtype=torch.float64),
        velocity=LorenzField(),
    )


def sample(n: int, seed: int) -> Tensor:
    """Draw n decorrelated snapshots (n, 3), float32, in scaled coordinates.

    Up to 2,000 independent trajectories are each read every 4 time units, by when the correlation
    of any coordinate with itself has fallen below .1 (z, the slowest, still has .4 after 3).
    """
    n = count(n, "n")
    batch = min(n, BATCH)
    state = _settled(batch, seed)
    snapshots = [state.copy()]
    for _ in range(math.ceil(n / batch) - 1):
        _advance(state, SPACING)
        snapshots.append(state.copy())
    return _scaled(np.concatenate(snapshots, axis=1)[:, :n].T)


def trajectories(n: int, steps: int, dt: float, seed: int) -> Tensor:
    """Follow n independent trajectories on the attractor.

    Parameters
    ----------
    n : int
        The number of trajectories.
    steps : int
        The number of steps recorded after the first state.
    dt : float
        The time between recorded states, in Lorenz units; integrated in steps of at most .01.
    seed : int

    Returns
    -------
    Tensor (steps + 1, n, 3)
        float32, in scaled coordinates.

    Raises
    ------
    InputError
        If n or steps is not a whole number above 0, or dt is not a positive number.
    """
    dt = positive(dt, "dt")
    state = _settled(count(n, "n"), seed)
    states = [state.copy()]
    for _ in range(count(steps, "steps")):
        _advance(state, dt)
        states.append(state.copy())
    return _scaled(np.stack(states).swapaxes(1, 2))


def _settled(n: int, seed: int) -> np.ndarray:
    """Raw states (3, n), float64, after the transient.

    Starts lie around the origin, a saddle whose unstable manifold belongs to the attractor.  Wider
    starts would put some in the hole around the other two fixed points, which takes very long to
    leave.  Each trajectory gets its own transient, between half of `TRANSIENT` and all of it:
    started together they loop in step for about 20 time units.
    """
    rng = np.random.default_rng(seed)
    state = rng.standard_normal((3, n))
    _advance(state, TRANSIENT * rng.uniform(0.5, 1, n))
    return state


def _advance(state: np.ndarray, time: float | np.ndarray) -> None:
    """Integrate raw states (3, n) in place with RK4 for a time, or a time each (n,).

    NumPy in place, coordinates first: several times as fast as the plain formula in torch.
    """
    steps = math.ceil(np.max(time) / STEP - 1e-9)
    h = time / steps
    k, total, point = np.empty_like(state), np.empty_like(state), np.empty_like(state)
    for _ in range(steps):
        _raw_velocity(state, total)
        np.multiply(total, h / 2, out=point)
        point += state
        for weight, reach in ((2.0, h / 2), (2.0, h)):
            _raw_velocity(point, k)
            np.multiply(k, reach, out=point)
            point += state
            k *= weight
            total += k
        _raw_velocity(point, k)
        total += k
        total *= h / 6
        state += total


def _raw_velocity(state: np.ndarray, out: np.ndarray) -> None:
    x, y, z = state
    np.subtract(y, x, out=out[0])
    out[0] *= SIGMA
    np.subtract(RHO, z, out=out[1])
    out[1] *= x
    out[1] -= y
    np.multiply(x, y, out=out[2])
    out[2] -= BETA * z


def _scaled(raw: np.ndarray) -> Tensor:
    return torch.from_numpy((raw - np.array(CENTRE)) / np.array(SCALE)).float()
