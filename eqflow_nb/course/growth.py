"""How the cost of each core grows, and what share of the machine's limits it reaches.

A core's least time is the larger of its arithmetic over the machine's peak and its traffic over the
machine's bandwidth (the roofline of Williams, Waterman & Patterson, Commun. ACM 52, 65, 2009).
Operations and bytes are counted from the formulas: transforms of n numbers as 5 n log2 n, sorts as
n log2 n comparisons, and each array that has to be read or written once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import torch

from eqflow_nb.equations import moments_of
from eqflow_nb.flows import kernels, skew
from eqflow_nb.flows.continuity import divergence
from eqflow_nb.measures import sliced_wasserstein
from eqflow_nb.rollout import heun
from eqflow_nb.scores import MixtureScore
from eqflow_nb.snapshots.zoo import system

COMPONENTS, PROBES, PROJECTIONS = 64, 4, 200
LEAST = 0.03  # seconds over which a short job is repeated


@dataclass(frozen=True)
class Core:
    """What is timed as one size grows.

    Attributes
    ----------
    grows : str
        What the size is.
    sizes : sequence of int
        Each twice the one before.
    job : callable (size) -> (callable () -> Any)
        What is prepared for a size, and then timed.
    work : callable (size) -> (float, float)
        Its operations and its bytes.
    """

    grows: str
    sizes: Sequence[int]
    job: Callable[[int], Callable[[], Any]]
    work: Callable[[int], tuple[float, float]]


@dataclass(frozen=True)
class Machine:
    """One thread's limits: operations a second in single precision, bytes a second."""

    flops: float
    bandwidth: float

    def least(self, work: tuple[float, float]) -> float:
        """The seconds that some operations and bytes take at least."""
        return max(work[0] / self.flops, work[1] / self.bandwidth)


@dataclass(frozen=True)
class Growth:
    """Seconds at each size, the exponent over their upper half, and the share of the limit."""

    sizes: np.ndarray
    seconds: np.ndarray
    exponent: float
    share: np.ndarray


def seconds_of(job: Callable[[], Any], tries: int = 3) -> float:
    """The best time of one call, each try long enough to be timed."""
    job()
    start = time.perf_counter()
    job()
    number = max(1, math.ceil(LEAST / max(time.perf_counter() - start, 1e-7)))
    best = math.inf
    for _ in range(tries):
        start = time.perf_counter()
        for _ in range(number):
            job()
        best = min(best, (time.perf_counter() - start) / number)
    return best


def machine() -> Machine:
    """What this machine does at most on as many threads as torch now uses."""
    side, long = 1024, 2**25
    a, b = torch.randn(side, side), torch.randn(side, side)
    x, y = torch.zeros(long), torch.ones(long)
    flops = 2 * side**3 / seconds_of(lambda: a @ b)
    return Machine(flops, 8 * long / seconds_of(lambda: x.copy_(y)))


def measure(core: Core, limits: Machine) -> Growth:
    """Time a core at each of its sizes."""
    seconds = np.array([seconds_of(core.job(size)) for size in core.sizes])
    sizes = np.array(core.sizes, float)
    upper = len(sizes) // 2
    slope = np.polyfit(np.log(sizes[upper:]), np.log(seconds[upper:]), 1)[0]
    share = np.array([limits.least(core.work(size)) for size in core.sizes]) / seconds
    return Growth(sizes, seconds, float(slope), share)


def mixture(d: int) -> MixtureScore:
    """A mixture of 64 round Gaussians in d dimensions, single precision."""
    rng = torch.Generator().manual_seed(0)
    means = torch.randn(COMPONENTS, d, generator=rng)
    return MixtureScore(torch.ones(COMPONENTS), means, torch.eye(d).expand(COMPONENTS, d, d))


def _states(n: int, d: int) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(1))


def _score_work(n: int, d: int) -> tuple[float, float]:
    features = 1 + d + d * d
    table = 2.0 * n * COMPONENTS * features + 2.0 * n * COMPONENTS * features
    return table + 12.0 * n * COMPONENTS, 4.0 * n * (2 * d + features + 2 * COMPONENTS)


def _divergence(d: int, probes: int | None) -> Callable[[], Any]:
    flow, x = skew.constant(skew.random(d), mixture(d)), _states(256, d)
    return lambda: divergence(flow, x, probes)


def _exact_work(d: int) -> tuple[float, float]:
    # A mixture knows its Jacobian: of each state, 64 outer products and as many weighted matrices.
    operations, traffic = _score_work(256, d)
    return operations + 4.0 * 256 * COMPONENTS * d * d, traffic + 4.0 * 256 * COMPONENTS * d * 2


def _probed_work(d: int) -> tuple[float, float]:
    # Each probe is a product with the Jacobian, about twice the work of the field itself.
    operations, traffic = _score_work(256, d)
    return (1 + 2 * PROBES) * operations, (1 + 2 * PROBES) * traffic


def _convolution(side: int) -> Callable[[], Any]:
    x = torch.randn(1, 2, side, side, generator=torch.Generator().manual_seed(2))
    flow = kernels.convolution(kernels.random_kernel(2, 3), lambda y: y, (side, side))
    return lambda: flow(x)


def _convolution_work(side: int) -> tuple[float, float]:
    n = side * side
    return 4 * 2.5 * n * math.log2(n) + 16 * n, 4.0 * n * (2 + 2 + 4 * 2 + 4)


def _step(n: int) -> Callable[[], Any]:
    score, x = mixture(3), _states(n, 3)
    return lambda: list(islice(heun(score, x, 0.01, 1, 1.0), 2))


def _identification(n: int) -> Callable[[], Any]:
    pool = system("lorenz").sample(min(n, 2**16), 0)
    x = np.resize(pool, (n, 3))
    return lambda: moments_of([x], n, 2)


def _transport(n: int) -> Callable[[], Any]:
    x, y = _states(n, 3), _states(n, 3) + 0.1
    return lambda: sliced_wasserstein(x, y, PROJECTIONS)


def _powers(low: int, high: int) -> list[int]:
    return [2**k for k in range(low, high + 1)]


def cores(large: bool = True) -> Mapping[str, Core]:
    """The cores, at laptop sizes or, for a trial, at small ones."""
    more = 0 if large else -4
    scores, steps = _powers(6, 16 + more), _powers(6, 16 + more)
    dims = _powers(1, 6 + more // 2)
    monomials = math.comb(3 + 9, 3)  # of the tests and terms of a quadratic library, about
    return {
        "score, states": Core(
            "states", scores, lambda n: partial(mixture(3), _states(n, 3)),
            lambda n: _score_work(n, 3),
        ),
        "score, dimensions": Core(
            "dimensions", dims, lambda d: partial(mixture(d), _states(1024, d)),
            lambda d: _score_work(1024, d),
        ),
        "exact divergence": Core(
            "dimensions", dims, lambda d: _divergence(d, None), _exact_work
        ),
        "Hutchinson divergence": Core(
            "dimensions", dims, lambda d: _divergence(d, PROBES), _probed_work
        ),
        "skew convolution": Core(
            "pixels a side", _powers(4, 11 + more), _convolution, _convolution_work
        ),
        "step of the SDE": Core(
            "members", steps, _step,
            lambda n: (2 * _score_work(n, 3)[0] + 60.0 * n, 2 * _score_work(n, 3)[1] + 60.0 * n),
        ),
        "identification": Core(
            "snapshots", _powers(9, 18 + more), _identification,
            lambda n: (2.0 * n * monomials, 8.0 * n * monomials),
        ),
        "transport": Core(
            "points", _powers(7, 16 + more), _transport,
            lambda n: (
                2 * PROJECTIONS * n * (6 + 2 * math.log2(n)) + 3.0 * PROJECTIONS * n,
                8.0 * PROJECTIONS * n * 4,
            ),
        ),
    }  # fmt: skip
