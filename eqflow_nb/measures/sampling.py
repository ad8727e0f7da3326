"""How well a stochastic flow samples its law: effective samples per score evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from eqflow_nb.inputs import as_samples, as_states, count
from eqflow_nb.measures.transport import sliced_wasserstein

Draw = Callable[[int, int], Tensor]


def monomials(x: Tensor) -> Tensor:
    """All monomials of degree 1 and 2 of states (B, d): (B, d + d (d + 1) / 2)."""
    as_states(x)
    rows, columns = torch.triu_indices(x.shape[1], x.shape[1])
    return torch.cat([x, x[:, rows] * x[:, columns]], 1)


@dataclass(frozen=True)
class Sampling:
    """What a run of many chains shows of its sampler.

    Attributes
    ----------
    effective : float
        Effective samples per score evaluation of the slowest observable.
    over_floor : float
        Sliced Wasserstein distance of the chains to fresh samples, over its floor.
    """

    effective: float
    over_floor: float

    @property
    def keeps(self) -> bool:
        """Whether the law is kept within 1.5 floors."""
        return self.over_floor <= 1.5


@torch.no_grad()
def assess(
    path: Iterator[tuple[float, Tensor]], steps: int, evaluations: int, draw: Draw, floor: float
) -> Sampling:
    """Measure a sampler on many independent chains that start in the law.

    With N chains of T steps, the time averages of an observable f scatter with variance
    tau Var f / T over the chains; T / tau is the number of effective samples.  It is taken for
    every monomial of degree 1 and 2, and the least counts.

    Parameters
    ----------
    path : iterator of (t, x (N, d))
        Such as `rollout.heun(...)`; the start is not counted.
    steps : int
        The number of steps T that the path makes.
    evaluations : int
        Score evaluations a step.
    draw : callable (n, seed) -> (n, d)
        Draws from the law.
    floor : float
        The noise floor of the sliced Wasserstein distance at N points a side.
    """
    steps, evaluations = count(steps, "steps"), count(evaluations, "evaluations")
    reference = monomials(as_samples(draw(20000, 12345), "draw(...)")).var(0)
    total, distances = torch.zeros(()), []
    looks = {steps // 2, steps}
    for step, (_, x) in enumerate(path):
        if step == 0:
            continue
        x = x.nan_to_num(nan=50.0).clamp(-50, 50)
        total = total + monomials(x)
        if step in looks:
            distances.append(sliced_wasserstein(x, draw(len(x), 1000 + step)) / floor)
    scatter = (total / steps).var(0)
    effective = float((reference.to(scatter) / scatter).min()) / (steps * evaluations)
    return Sampling(effective, float(np.mean(distances)))


def largest_step(
    run: Callable[[float], Sampling], steps: list[float]
) -> tuple[float, Sampling] | None:
    """Try step sizes, and return the largest that keeps the law within 1.5 floors.

    All are tried: near the limit the distance is noisy, and a climb that ended at the first failure
    would favour whoever has the luckier noise.

    Parameters
    ----------
    run : callable dt -> Sampling
    steps : list of float

    Returns
    -------
    (float, Sampling) or None
        The step and its result; None if no step keeps the law.
    """
    kept = [(dt, result) for dt in steps if (result := run(dt)).keeps]
    return max(kept, key=lambda pair: pair[0], default=None)
