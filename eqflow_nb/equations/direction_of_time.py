"""The direction of time, proposed by stability: the sign of a law that keeps its snapshots."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eqflow_nb.inputs import as_samples, seeded
from eqflow_nb.measures.transport import sliced_wasserstein
from eqflow_nb.rollout import rk4

POINTS, STEPS = 250, 1600
STRIDE = 0.03  # of a step, in times a fast point needs for one deviation of the cloud
KEPT, LEFT = 3.0, 6.0  # distances over the floor up to which a cloud is kept, from which it isn't

FREE = "free: with time reversed the law keeps the same snapshots"


@dataclass(frozen=True)
class Arrow:
    """Distances of the rolled-out cloud to the snapshots, over their floor, and what they say."""

    forward: float
    backward: float
    text: str


def arrow(field: Any, x: Any, seed: int = 0, steps: int = STEPS) -> Arrow:
    """Roll snapshots out with a law and with its reverse, and compare the clouds with the data.

    The snapshots are perturbed by a thousandth first.  Where p is an attractor of v, -v throws
    trajectories out; where both keep the cloud (conservative systems) or neither does (a law that
    isn't exact enough), stability says nothing.

    Parameters
    ----------
    field : callable (n, d) -> (n, d)
        On tensors, in the data's coordinates.
    x : (N, d)
        The snapshots, at least 100.
    seed : int
    steps : int
        Of the roll-out; a step is .03 of the time in which fast points cross a deviation.
    """
    rows = as_samples(x, "x", at_least=100).double()
    order = torch.randperm(len(rows), generator=seeded(seed))
    centre, scale = rows.mean(0), rows.std(0)
    half = min(POINTS, len(rows) // 2)
    start, fresh = rows[order[:half]], (rows[order[half : 2 * half]] - centre) / scale
    spread = np.random.default_rng(seed).standard_normal(start.shape)
    moved = start + 1e-3 * scale * torch.as_tensor(spread)
    speed = (field(start) / scale).norm(dim=1)
    dt = STRIDE / float(speed.quantile(0.99))
    floor = sliced_wasserstein((start - centre) / scale, fresh)
    ends = [_end(sign, field, moved, dt, steps) for sign in (1.0, -1.0)]
    far = [
        sliced_wasserstein((end - centre) / scale, fresh) / floor if end is not None else np.inf
        for end in ends
    ]
    return Arrow(far[0], far[1], _words(*far))


def _end(sign: float, field: Any, x: Tensor, dt: float, steps: int) -> Tensor | None:
    """Where the points are after a roll-out; None if any has left for good."""
    limit = 30 * x.std(0)
    centre = x.mean(0)
    for k, (_, state) in enumerate(rk4(lambda y: sign * field(y), x, dt, steps)):
        if k % 20 == 0 and not bool(((state - centre).abs() < limit).all()):
            return None
    return state


def _words(forward: float, backward: float) -> str:
    kept = [far <= KEPT for far in (forward, backward)]
    left = [far >= LEFT for far in (forward, backward)]
    if kept[0] and left[1]:
        return "this one, proposed by stability: reversed, the law leaves the snapshots"
    if left[0] and kept[1]:
        return "reversed"
    if all(kept):
        return "free: the law and its reverse both keep the snapshots when rolled out"
    if all(left):
        return "unknown: neither the law nor its reverse keeps the snapshots when rolled out"
    return "unknown: the roll-outs don't tell the law from its reverse"


def with_arrow(law: Any, x: Any, seed: int = 0) -> Any:
    """A determined law turned so that time runs the way that keeps the snapshots, if one does."""
    if law.verdict != "determined" or law.diffusion is not None:
        return law
    found = arrow(law, x, seed)
    if found.text == "reversed":
        text = "this one, proposed by stability: reversed, the law leaves the snapshots"
        return replace(law.reversed(), arrow=text)
    return replace(law, arrow=found.text)
