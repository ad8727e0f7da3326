"""How well a stochastic flow samples its distribution: effective samples per score evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from eqflow_nb.measures.transport import Draw, mean_distance, sliced_wasserstein


@dataclass(frozen=True)
class Sampling:
    """Effective samples per score evaluation, and the distance to fresh samples in floors."""

    effective: float
    over_floor: float


@torch.no_grad()
def assess(
    path: Iterable[tuple[float, Tensor]], steps: int, evaluations: int, draw: Draw, floor: float
) -> Sampling:
    """Measure a sampler (of `evaluations` a step) on N chains that start in the distribution.

    With T steps, the time averages of an observable f scatter with variance tau Var f / T over the
    chains (N, d); T / tau is the number of effective samples.  It is taken for every monomial of
    degree 1 and 2, and the least counts.  The floor is that of N fresh points from draw(n, seed).
    """
    reference = _monomials(draw(20000, 12345)).var(0)
    total, pairs = torch.zeros(()), []
    for step, (_, x) in enumerate(path):
        x = x.nan_to_num(nan=50.0).clamp(-50, 50)
        if step > 0:
            total = total + _monomials(x)
        if step in (steps // 2, steps):
            pairs.append((x, draw(len(x), 1000 + step)))
    scatter = (total / steps).var(0)
    effective = float((reference.to(scatter) / scatter).min()) / (steps * evaluations)
    return Sampling(effective, mean_distance(sliced_wasserstein, pairs)[0] / floor)


def largest_step(
    run: Callable[[float], Sampling], steps: Sequence[float]
) -> tuple[float, Sampling] | None:
    """The largest of some step sizes that keeps the distribution within 1.5 floors, if any does.

    All are tried: near the limit the distance is noisy, and the first failure may be bad luck.
    """
    kept = [(dt, result) for dt in steps if (result := run(dt)).over_floor <= 1.5]
    return max(kept, key=lambda pair: pair[0], default=None)


def _monomials(x: Tensor) -> Tensor:
    """All monomials of degree 1 and 2 of states (B, d): (B, d + d (d + 1) / 2)."""
    rows, columns = torch.triu_indices(x.shape[1], x.shape[1])
    return torch.cat([x, x[:, rows] * x[:, columns]], 1)
