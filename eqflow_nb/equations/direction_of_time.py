"""The direction of time, proposed by stability: which sign of v keeps the snapshots."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from eqflow_nb.equations.result import Equations
from eqflow_nb.inputs import as_points, count

POINTS, DIRECTIONS = 250, 200
TIME = 48.0  # of a roll-out, in times a fast point needs for one deviation of the cloud
KEPT, LEFT = 3.0, 6.0  # distances over the floor up to which a cloud is kept, from which it isn't
FAR = 30.0  # deviations of the cloud beyond which a point has left for good


def with_arrow(equations: Equations, x: Any, seed: int = 0) -> Equations:
    """Determined equations, turned so that time runs the way that keeps the snapshots, if one does.

    Snapshots are perturbed by a thousandth, rolled out with the equations and with their reverse,
    and compared with other snapshots.  Where p is an attractor of v, -v throws trajectories out;
    where both keep the cloud (conservative systems) or neither does (equations that aren't exact
    enough), stability says nothing.  Of the snapshots x (N, d) at least 100 are needed.
    """
    if equations.verdict != "determined" or equations.diffusion is not None:
        return equations
    rows = as_points(x, "x", at_least=100).astype(np.float64)
    rng = np.random.default_rng(count(seed, "seed", at_least=0))
    centre, scale = rows.mean(0), rows.std(0)
    start, fresh = np.split(rng.permutation(rows)[: 2 * min(POINTS, len(rows) // 2)], 2)
    moved = start + 1e-3 * scale * rng.standard_normal(start.shape)
    speed = np.linalg.norm(equations.velocity(start) / scale, axis=1)
    time = TIME / float(np.quantile(speed, 0.99))
    directions = rng.standard_normal((len(centre), DIRECTIONS))
    directions /= np.linalg.norm(directions, axis=0) * scale[:, None]

    def distance(a: np.ndarray) -> float:
        """Sliced Wasserstein distance to the other snapshots, in deviations."""
        apart = np.sort(a @ directions, axis=0) - np.sort(fresh @ directions, axis=0)
        return float(np.sqrt((apart**2).mean()))

    ends = [_end(sign, equations, moved, time) for sign in (1.0, -1.0)]
    floor = distance(start)
    far = [np.inf if end is None else distance(end) / floor for end in ends]
    kept, left = [each <= KEPT for each in far], [each >= LEFT for each in far]
    if (kept[0] and left[1]) or (left[0] and kept[1]):
        text = "this one, proposed by stability: reversed, the equations leave the snapshots"
        return replace(equations if kept[0] else equations.reversed(), arrow=text)
    text = "unknown: the roll-outs don't tell the equations from their reverse"
    if all(kept):
        text = "free: the equations and their reverse both keep the snapshots when rolled out"
    elif all(left):
        text = "unknown: neither the equations nor their reverse keep the snapshots rolled out"
    return replace(equations, arrow=text)


def _end(sign: float, equations: Equations, x: np.ndarray, time: float) -> np.ndarray | None:
    """Where the points are after a roll-out; None if any has left for good."""
    centre, scale = x.mean(0), x.std(0)

    def change(_: float, y: np.ndarray) -> np.ndarray:
        """The velocity of all points, in units of the cloud's deviations."""
        return sign * (equations.velocity(y.reshape(x.shape) * scale + centre) / scale).ravel()

    def room(_: float, y: np.ndarray) -> float:
        return FAR - float(np.abs(y).max())

    room.terminal = True  # type: ignore[attr-defined]
    with np.errstate(all="ignore"):  # a point on its way to infinity
        start = ((x - centre) / scale).ravel()
        run = solve_ivp(change, (0, time), start, events=room, rtol=1e-6, atol=1e-6)
    return run.y[:, -1].reshape(x.shape) * scale + centre if run.status == 0 else None
