"""The cores that the study `growth` times, as one size of each grows."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from math import ceil
from timeit import Timer
from typing import Any, NamedTuple

import numpy as np
import torch

from eqflow_nb.equations import moments_of
from eqflow_nb.flows import kernels, skew
from eqflow_nb.flows.continuity import divergence
from eqflow_nb.measures import sliced_wasserstein
from eqflow_nb.rollout import heun
from eqflow_nb.scores import MixtureScore
from eqflow_nb.snapshots.zoo import system

Job = Callable[[int], Callable[[], Any]]
COMPONENTS, PROBES, PROJECTIONS = 64, 4, 200


class Core(NamedTuple):
    """What grows, its sizes (each twice the one before), and what is timed: job(size)()."""

    grows: str
    sizes: Sequence[int]
    job: Job


def seconds_of(job: Callable[[], Any], tries: int = 3) -> float:
    """The best time of one call, over tries of at least .03 s each."""
    job()
    timer = Timer(job)
    calls = max(1, ceil(0.03 / max(timer.timeit(1), 1e-7)))
    return min(timer.repeat(tries, calls)) / calls


def _states(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _mixture(d: int) -> MixtureScore:
    means = _states(COMPONENTS, d, seed=0)
    return MixtureScore(torch.ones(COMPONENTS), means, torch.eye(d).expand(COMPONENTS, d, d))


def _divergence(d: int, probes: int | None) -> Callable[[], Any]:
    return partial(divergence, skew.constant(skew.random(d), _mixture(d)), _states(256, d), probes)


def _convolution(side: int) -> Callable[[], Any]:
    flow = kernels.convolution(kernels.random_kernel(2, 3), lambda y: y, (side, side))
    return partial(flow, _states(1, 2, side, side, seed=2))


def _step(n: int) -> Callable[[], Any]:
    score, x = _mixture(3), _states(n, 3)
    return lambda: list(islice(heun(score, x, 0.01, 1, 1.0), 2))


def _identification(n: int) -> Callable[[], Any]:
    x = np.resize(system("lorenz").sample(min(n, 2**16), 0), (n, 3))
    return lambda: moments_of([x], n, 2)


def _transport(n: int) -> Callable[[], Any]:
    return partial(sliced_wasserstein, _states(n, 3), _states(n, 3) + 0.1, PROJECTIONS)


def cores(large: bool = True) -> dict[str, Core]:
    """The cores by name, at laptop sizes or, for a trial, at the smaller half."""
    table: dict[str, tuple[str, int, int, Job]] = {
        "score, states": ("states", 6, 16, lambda n: partial(_mixture(3), _states(n, 3))),
        "score, dimensions": ("dimensions", 1, 6, lambda d: partial(_mixture(d), _states(1024, d))),
        "exact divergence": ("dimensions", 1, 6, lambda d: _divergence(d, None)),
        "Hutchinson divergence": ("dimensions", 1, 6, lambda d: _divergence(d, PROBES)),
        "skew convolution": ("pixels a side", 4, 11, _convolution),
        "step of the SDE": ("members", 6, 16, _step),
        "identification": ("snapshots", 9, 18, _identification),
        "transport": ("points", 7, 16, _transport),
    }
    sizes = {n: [2**k for k in range(low, high + 1)] for n, (_, low, high, _) in table.items()}
    cut = {n: s if large else s[: (len(s) + 1) // 2] for n, s in sizes.items()}
    return {n: Core(grows, cut[n], job) for n, (grows, _, _, job) in table.items()}
