"""Distances between clouds of points, their noise floors, and how well a flow keeps or samples p.

The distance between two finite samples of one distribution is not zero: that value is its floor,
and a distance means nothing without it.  Clouds are (n, d), of unit standard deviation per axis.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import ot
import torch
from torch import Tensor

from eqflow_nb.equations.terms import monomials
from eqflow_nb.inputs import InputError, as_samples, count, positive, seeded

Pair = tuple[Tensor, Tensor]
Distance = Callable[[Tensor, Tensor], float]
Draw = Callable[[int, int], Tensor]
PAIRS = 8  # of samples: for a noise floor, and for what is divided by it


def sliced_wasserstein(x: Any, y: Any, projections: int = 200, seed: int = 0) -> float:
    """Sliced Wasserstein distance of order 2 between clouds (n, d) and (m, d).

    The rms, over random unit directions (the same for every call with one seed), of the
    Wasserstein-2 distance between projections (Bonneel et al., J. Math. Imaging Vis. 51, 22, 2015).
    """
    x, y = _pair(x, y)
    n, seed = count(projections, "projections"), count(seed, "seed", at_least=0)
    directions = torch.as_tensor(ot.sliced.get_random_projections(x.shape[1], n, seed)).to(x)

    def square(some: Tensor) -> float:
        if len(x) != len(y) or x.device.type != "cpu":
            return float(ot.sliced_wasserstein_distance(x, y, projections=some)) ** 2
        # Clouds of one size are paired in order on a line; numpy sorts some twenty times as fast.
        a, b = (np.sort((some.T @ cloud.T).numpy()) for cloud in (x, y))
        return float(((a - b) ** 2).mean())

    # A few directions at a time stay in a processor's cache; all at once take 100 MB.
    mean = sum(square(some) * some.shape[1] for some in directions.split(25, dim=1)) / n
    if not math.isfinite(mean):
        raise InputError("x and y hold numbers so large that their squares overflow")
    return mean**0.5


def sinkhorn(x: Any, y: Any, reg: float = 0.5, iterations: int = 200) -> float:
    """Square root of the debiased Sinkhorn divergence of clouds (n, d) and (m, d).

    S = OT(x, y) - OT(x, x) / 2 - OT(y, y) / 2, with OT the entropic cost of squared distances
    (Genevay et al., AISTATS 2018); sqrt(S) tends to the Wasserstein-2 distance as reg -> 0.  reg
    weighs the entropy, in squared units; 200 iterations settle clouds of unit deviation at .5.
    """
    x, y = _pair(x, y)
    reg, iterations = positive(reg, "reg"), count(iterations, "iterations")

    def cost(a: Tensor, b: Tensor) -> Tensor:
        weights = [a.new_full((len(c),), 1 / len(c)) for c in (a, b)]
        squared = torch.cdist(a, b) ** 2
        # exp(-700) is about the least a float64 holds; log space is some ten times slower.
        method = "sinkhorn" if squared.max() < 700 * reg else "sinkhorn_log"
        how: dict[str, Any] = {"method": method, "numItermax": iterations, "warn": False}
        return ot.sinkhorn2(*weights, squared, reg, **how)

    return math.sqrt(max(0.0, float(cost(x, y) - (cost(x, x) + cost(y, y)) / 2)))


def mmd(x: Any, y: Any, bandwidth: float = 0.5) -> float:
    """Squared maximum mean discrepancy with the kernel k(a, b) = exp(-|a - b|^2 / (2 h^2)).

    E k(x, x') + E k(y, y') - 2 E k(x, y) for clouds (n, d) and (m, d) with the bandwidth h
    (Gretton et al., JMLR 13, 723, 2012).  No units; its floor is of order 1/n + 1/m.
    """
    x, y = _pair(x, y)
    h = positive(bandwidth, "bandwidth")

    def mean(a: Tensor, b: Tensor) -> Tensor:
        kernel = torch.cdist(a, b).square_().div_(-2 * h**2).exp_()  # in place, for memory
        return kernel.sum() / kernel.numel()

    return float(mean(x, x) + mean(y, y) - 2 * mean(x, y))


def mean_distance(distance: Distance, pairs: Iterable[Pair]) -> tuple[float, float]:
    """Mean and deviation of a distance over pairs; of independent samples, its noise floor."""
    values = [distance(x, y) for x, y in pairs]
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def noise_floor(
    distance: Distance, draw: Draw, n: int = 2000, pairs: int = PAIRS, seed: int = 0
) -> tuple[float, float]:
    """Mean and standard deviation of a distance over pairs of independent samples draw(n, seed)."""
    seeds = _seeds(2 * count(pairs, "pairs", at_least=2), seed)
    couples = zip(seeds[::2], seeds[1::2], strict=True)
    return mean_distance(distance, ((draw(n, a), draw(n, b)) for a, b in couples))


def random_halves(x: Tensor, splits: int = 8, seed: int = 0) -> Iterator[Pair]:
    """Pairs of random halves of samples (n, ...): for a floor where no more can be drawn."""
    generator, half = seeded(seed), len(x) // 2
    for _ in range(splits):
        order = torch.randperm(len(x), generator=generator)
        yield x[order[:half]], x[order[half : 2 * half]]


def preservation(x: Any, draw: Draw, floor: float | None = None, seed: int = 0) -> float:
    """Sliced Wasserstein distance of a rolled-out cloud to fresh samples, over its floor.

    1 is a cloud perfectly kept, infinity one with a point that is not finite.  draw(n, seed) gives
    samples of what should have been kept (blurred, if the flow is of blurred data), others than a
    floor with the same seed has.  The distance is a mean over 8 of them: to a single one, a
    perfectly kept ring is over 1.5 floors one time in thirteen.
    """
    x = torch.as_tensor(x)
    if not torch.isfinite(x).all():
        return math.inf
    if floor is None:
        floor, _ = noise_floor(sliced_wasserstein, draw, len(x), seed=seed)
    pairs = ((x, draw(len(x), number)) for number in _seeds(PAIRS, seed, stream=1))
    return mean_distance(sliced_wasserstein, pairs)[0] / positive(floor, "floor")


class HalfTurn(NamedTuple):
    """A rotation x -> signs * x, and the distance of turned to unturned snapshots, in floors."""

    signs: Tensor
    over_floor: float

    @property
    def holds(self) -> bool:
        """Whether the cloud looks the same: less than half a floor over it."""
        return self.over_floor < 1.5


def half_turns(samples: Tensor, pairs: int = 4, seed: int = 0) -> list[HalfTurn]:
    """Compare a centred cloud (n, d) with itself after every half turn, best first.

    Signs have an even number of -1: rotations, unlike reflections, leave a motion's sense of turn.
    """
    pairs = count(pairs, "pairs", at_least=2)
    samples = as_samples(samples, at_least=20 * pairs, vary=True)
    order = torch.randperm(len(samples), generator=seeded(seed)).to(samples.device)
    parts = samples[order].tensor_split(2 * pairs)
    couples = list(zip(parts[::2], parts[1::2], strict=True))
    floor, _ = mean_distance(sliced_wasserstein, couples)
    found = []
    for flips in itertools.product([1.0, -1.0], repeat=samples.shape[1]):
        signs = torch.tensor(flips)
        if signs.prod() > 0 and (signs < 0).any():
            turned = [(a * signs.to(a), b) for a, b in couples]
            found.append(HalfTurn(signs, mean_distance(sliced_wasserstein, turned)[0] / floor))
    return sorted(found, key=lambda turn: turn.over_floor)


@torch.no_grad()
def assess(
    path: Iterable[tuple[float, Tensor]], steps: int, evaluations: int, draw: Draw, floor: float
) -> tuple[float, float]:
    """Effective samples per score evaluation of a sampler, and its distance in noise floors."""
    # N chains start in the distribution, with `evaluations` a step.  Over T steps, time averages
    # of an observable f scatter with variance tau Var f / T over the chains (N, d); T / tau is the
    # number of effective samples, the least over f of degree 1 and 2.
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
    return effective, mean_distance(sliced_wasserstein, pairs)[0] / floor


def _monomials(x: Tensor) -> Tensor:
    """All monomials of degree 1 and 2 of states (B, d): (B, d + d (d + 1) / 2)."""
    return torch.from_numpy(np.ascontiguousarray(monomials(x.cpu().numpy(), 2)[:, 1:]))


def _pair(x: Any, y: Any) -> Pair:
    """Both clouds as float64 on one device; sums over millions of pairs need the digits."""
    x = as_samples(x, "x").detach().double()
    y = as_samples(y, "y", dim=x.shape[1]).detach().double()
    return x, y.to(x.device)


def _seeds(n: int, seed: int, stream: int = 0) -> list[int]:
    """Seeds that repeat neither within nor across neighbouring values of `seed`."""
    return np.random.SeedSequence([seed, stream]).generate_state(n).tolist()
