"""Distances between clouds of points, their noise floors, and how well a flow keeps its law.

A distance between two finite samples of the same law is not zero: that value is its floor, and a
distance means nothing without it.  All inputs are (n, d) in display coordinates (unit standard
deviation per axis), so the distances are in those units too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import ot
import torch
from torch import Tensor

from eqflow_nb.inputs import InputError, as_numbers, as_samples, between, count, positive

Distance = Callable[[Tensor, Tensor], float]
Draw = Callable[[int, int], Tensor]
DIRECTIONS = 25


def sliced_wasserstein(
    x: Any, y: Any, projections: int = 200, seed: int = 0, p: float = 2
) -> float:
    """Sliced Wasserstein distance of order p between two clouds.

    The mean over random unit directions of the p-th power of the Wasserstein distance between the
    projected clouds, to the power 1/p (Bonneel et al., J. Math. Imaging Vis. 51, 22, 2015).

    Parameters
    ----------
    x, y : (n, d) and (m, d)
    projections : int
        The number of directions.
    seed : int
        Chooses the directions, the same for every call.
    p : float
        The order; 2 in every figure quoted.

    Raises
    ------
    InputError
        If the clouds are not finite samples of the same dimension, or projections is not > 0,
        or p is not between 1, below which it is no distance, and 100, above which powers overflow.
    """
    x, y = _pair(x, y)
    p, n = between(p, "p", 1, 100), count(projections, "projections")
    seed = count(seed, "seed", at_least=0)
    directions = ot.sliced.get_random_projections(x.shape[1], n, seed)
    # A few directions at a time stay in a processor's cache; all at once take 100 MB.
    powers = [
        _sliced_power(x, y, some, p) * some.shape[1]
        for some in torch.as_tensor(directions).to(x).split(DIRECTIONS, dim=1)
    ]
    mean = float(sum(powers) / n)
    if not math.isfinite(mean):
        most = float(torch.cat([x, y]).abs().max())
        raise InputError(f"p is {p:g}; that power of coordinates as large as {most:.2g} overflows")
    return mean ** (1 / p)


def _sliced_power(x: Tensor, y: Tensor, directions: Tensor, p: float) -> float:
    """The p-th power of the distance, its mean over directions (d, n).

    Between clouds of one size the plan on a line pairs them in order, and NumPy's sort is some
    twenty times as fast as the general way.
    """
    if len(x) != len(y) or x.device.type != "cpu":
        return float(ot.sliced_wasserstein_distance(x, y, p=p, projections=directions)) ** p
    a, b = (np.sort((directions.T @ cloud.T).numpy()) for cloud in (x, y))
    return float((np.abs(a - b) ** p).mean())


def sinkhorn(x: Any, y: Any, reg: float = 0.5, iterations: int = 200) -> float:
    """Square root of the debiased Sinkhorn divergence with squared Euclidean cost.

    S = OT(x, y) - OT(x, x) / 2 - OT(y, y) / 2 with OT the entropic cost (Genevay et al., AISTATS
    2018); sqrt(S) is in the clouds' units and tends to the Wasserstein-2 distance as reg -> 0.

    Parameters
    ----------
    x, y : (n, d) and (m, d)
        Time and memory grow as n m: prefer some hundreds of points a side.
    reg : float
        Weight of the entropy, in squared units.  The iterations needed grow as 1/reg.
    iterations : int
        The most Sinkhorn iterations; 200 settle clouds of about unit deviation at reg = .5.

    Raises
    ------
    InputError
        If the clouds are not finite samples of the same dimension, or reg is not > 0.
    """
    x, y = _pair(x, y)
    reg, iterations = positive(reg, "reg"), count(iterations, "iterations")

    def cost(a: Tensor, b: Tensor) -> Tensor:
        weights = [a.new_full((len(c),), 1 / len(c)) for c in (a, b)]
        squared = torch.cdist(a, b) ** 2
        # exp(-700) is about the least a float64 holds: clouds further apart need log space, which
        # is some ten times slower.
        method = "sinkhorn" if squared.max() < 700 * reg else "sinkhorn_log"
        return ot.sinkhorn2(
            *weights, squared, reg, method=method, numItermax=iterations, warn=False
        )

    divergence = cost(x, y) - (cost(x, x) + cost(y, y)) / 2
    return math.sqrt(max(0.0, float(divergence)))


def mmd(x: Any, y: Any, bandwidth: float = 0.5, unbiased: bool = False) -> float:
    """Squared maximum mean discrepancy with the kernel k(a, b) = exp(-|a - b|^2 / (2 h^2)).

    E k(x, x') + E k(y, y') - 2 E k(x, y) (Gretton et al., JMLR 13, 723, 2012).  No units: at most
    2.

    Parameters
    ----------
    x, y : (n, d) and (m, d)
    bandwidth : float
        The kernel's h, in the clouds' units.
    unbiased : bool
        Leave out the pairs of a point with itself.  The result is then 0 on average for equal laws
        and may be negative; otherwise it is never negative and has a floor of order 1/n + 1/m.

    Raises
    ------
    InputError
        If the clouds are not finite samples of the same dimension, or bandwidth is not > 0.
    """
    x, y = _pair(x, y)
    h = positive(bandwidth, "bandwidth")

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        # In place: these are the largest numbers in hand.
        return torch.cdist(a, b).square_().div_(-2 * h**2).exp_()

    def within(a: Tensor) -> Tensor:
        self_pairs = len(a) if unbiased else 0
        return (kernel(a, a).sum() - self_pairs) / (len(a) ** 2 - self_pairs)

    return float(within(x) + within(y) - 2 * kernel(x, y).mean())


def noise_floor(
    distance: Distance, draw: Draw, n: int = 2000, pairs: int = 8, seed: int = 0
) -> tuple[float, float]:
    """Mean and standard deviation of `distance` between independent samples of one law.

    Parameters
    ----------
    distance : callable (x, y) -> float
    draw : callable (n, seed) -> (n, d)
        A world's sampler.
    n : int
        Points a side.
    pairs : int
        The number of pairs, at least 2; no sample is used twice.
    seed : int
    """
    seeds = _seeds(2 * count(pairs, "pairs", at_least=2), seed)
    values = [
        distance(draw(n, a), draw(n, b)) for a, b in zip(seeds[::2], seeds[1::2], strict=True)
    ]
    return float(np.mean(values)), float(np.std(values, ddof=1))


def preservation(
    x: Any,
    draw: Draw,
    floor: float | None = None,
    distance: Distance = sliced_wasserstein,
    pairs: int = 8,
    seed: int = 0,
) -> float:
    """Distance of a rolled-out cloud to a fresh sample, over its floor; 1 is perfect.

    Parameters
    ----------
    x : (n, d)
        The rolled-out cloud.
    draw : callable (n, seed) -> (n, d)
        Draws from the law that should have been kept (blurred, if the flow is of blurred data).
    floor : float, optional
        The floor for n points a side, if already known; else the mean over `pairs` pairs.
    distance : callable (x, y) -> float
    pairs, seed : int
        As in `noise_floor`.  The fresh sample belongs to neither side of any floor pair.

    Returns
    -------
    float
        Infinite if any point of the cloud is not finite.
    """
    x = torch.as_tensor(x)
    if not torch.isfinite(x).all():
        return math.inf
    if floor is None:
        floor, _ = noise_floor(distance, draw, len(x), pairs, seed)
    floor = positive(floor, "floor")
    fresh = draw(len(x), _seeds(1, seed, stream=1)[0])
    return distance(x, fresh) / floor


def bounded(states: Iterable[Tensor], limit: float = 4.0) -> float:
    """Share of trajectories with every |x_i| < limit at all times.

    Parameters
    ----------
    states : Tensor (T, B, d) or iterable of Tensors (B, d)
        A generator will do, so a long roll-out need not be kept.
    limit : float
        In display units; NaN counts as outside.

    Raises
    ------
    InputError
        If there are no states, or limit is not > 0.
    """
    limit = positive(limit, "limit")
    if not isinstance(states, Iterable) or getattr(states, "ndim", 1) == 0:
        raise InputError(
            f"states is of type {type(states).__name__}; give a tensor (T, B, d) or an iterable of "
            "states (B, d)"
        )
    inside = None
    for x in states:
        now = (as_numbers(x, "states").abs() < limit).all(dim=-1)
        inside = now if inside is None else inside & now
    if inside is None or not inside.numel():
        raise InputError("states is empty; give a tensor (T, B, d) or an iterable of states (B, d)")
    return float(inside.double().mean())


def _pair(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Both clouds as float64 on one device; sums over millions of pairs need the digits."""
    x = as_samples(x, "x").detach().double()
    y = as_samples(y, "y", dim=x.shape[1]).detach().double()
    return x, y.to(x.device)


def _seeds(n: int, seed: int, stream: int = 0) -> list[int]:
    """Seeds that repeat neither within nor across neighbouring values of `seed`."""
    return np.random.SeedSequence([seed, stream]).generate_state(n).tolist()
