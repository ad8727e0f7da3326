"""What a choice of sigma costs: flows made at each, followed, and compared with held-out data."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from eqflow_nb import flows, rollout, scores, snapshots
from eqflow_nb.inputs import Field, InputError, seeded
from eqflow_nb.measures import mean_distance, sliced_wasserstein
from eqflow_nb.scores.noise_level import Choice, choose_sigma
from eqflow_nb.snapshots.base import blur
from eqflow_nb.snapshots.cells import cells

GRID = (0.05, 0.08, 0.125, 0.2, 0.3, 0.45)
TIMES = (2.5, 5.0)  # path in radii of the cloud
FRESH = 3  # held-out clouds, as many points each

Halves = Callable[[int], tuple[Tensor, Sequence[Tensor]]]


class Trial(NamedTuple):
    """What flows cost, in floors from held-out data, at each level of a grid and at the chosen."""

    choice: Choice
    costs: np.ndarray
    chosen: float


def halves_of(name: str, n: int) -> Halves:
    """Points to learn from, and fresh clouds, by seed; of the 700 "cells" one half each."""
    if name == "cells":
        points = cells().points

        def split(seed: int) -> tuple[Tensor, Sequence[Tensor]]:
            order = torch.randperm(len(points), generator=seeded(seed))
            return points[order[: len(order) // 2]], [points[order[len(order) // 2 :]]]

        return split
    world = snapshots.world(name)

    def draw(seed: int) -> tuple[Tensor, Sequence[Tensor]]:
        fresh = [world.sample(n, 100_000 + 10 * seed + i) for i in range(FRESH)]
        return world.sample(n, seed), fresh

    return draw


def trial(halves: Halves, seed: int, grid: Sequence[float]) -> Trial:
    """Choose a level, then follow two flows at each: constant skew, and a random exact one."""
    # Distances are to held-out points without blur, averaged over flows and times: a large sigma
    # shows as blur, a poor flow as a leak.
    train, fresh = halves(seed)
    choice, floor = choose_sigma(train, seed=seed), _distance(train, fresh)
    costs = [_cost(train, fresh, sigma, seed) / floor for sigma in (*grid, choice.sigma)]
    return Trial(choice, np.array(costs[:-1]), costs[-1])


def trials(halves: Halves, seeds: Sequence[int], grid: Sequence[float] = GRID) -> list[Trial]:
    """Several trials, side by side."""
    jobs = {str(seed): partial(trial, halves, seed, grid) for seed in seeds}
    return list(rollout.together(jobs).values())


def over_best(several: Sequence[Trial]) -> tuple[float, float]:
    """Cost at the chosen level over that at the best of the grid: mean, and standard error."""
    # The best level of each trial is the one that was best in all the other trials. Picked and
    # measured on the same draw it would be too good by chance.
    if len(several) < 3:
        raise InputError(f"several holds {len(several)} trial(s); give at least 3")
    costs, chosen = np.array([t.costs for t in several]), np.array([t.chosen for t in several])
    best = np.array([own[int((costs.sum(0) - own).argmin())] for own in costs])
    ratio = chosen.sum() / best.sum()
    scatter = (chosen - ratio * best).std(ddof=1) / math.sqrt(len(several)) / best.mean()
    return float(ratio), float(scatter)


def _cost(train: Tensor, fresh: Sequence[Tensor], sigma: float, seed: int) -> float:
    score, start = scores.KernelDensityScore(train, sigma), blur(train, sigma, seed)
    dim, dt = train.shape[1], min(0.1, sigma / 2)
    exact: Field
    if dim == 2:
        exact = flows.exact.StreamFunction(flows.exact.Waves(2, seed=seed), score)
    else:
        exact = flows.exact.VectorPotential(flows.exact.Waves(3, 3, seed=seed), score)
    ends = []
    for field in (flows.skew.constant(flows.skew.random(dim, seed), score), exact):
        run = rollout.race({"": (flows.at_common_speed(field, start), dt, TIMES)}, start)[""]
        ends += [_distance(run.at(t), fresh) for t in TIMES]
    return float(np.mean(ends))


def _distance(x: Tensor, fresh: Sequence[Tensor]) -> float:
    return mean_distance(partial(sliced_wasserstein, projections=100), [(x, y) for y in fresh])[0]
