"""Does a flow pass through annotated phases in order?  Probability currents between soft phases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eqflow_nb.inputs import Field, InputError, as_samples, count, positive, seeded

COPIES = 64  # blurred copies of each point, in antithetic pairs, that means are taken over
SHOWN = 20  # shuffles whose order, not only whose current, is worked out


@dataclass(frozen=True)
class PhaseOrder:
    """How a flow passes from phase to phase.

    Attributes
    ----------
    order : float
        Net over gross current around the cycle, in [0, 1]: 1 if everything everywhere goes the
        same way round, 0 if as much goes back.  Absolute: stills don't tell the arrow of time.
    current : float
        The net current: the share of points that go round the cycle in a unit of time.  Signed, as
        the flow is given; positive in the order of the phases.
    between : array (k,)
        Net currents from each phase to the next.  For three phases and a flow that keeps the law
        all are equal, so that their spread measures sampling noise and leaks.
    p_value : float
        Share of shuffled labels with at least so large an absolute current.
    shuffled_order, shuffled_current : float
        Means of the order and of the absolute current over the shuffled labels.
    """

    order: float
    current: float
    between: np.ndarray
    p_value: float
    shuffled_order: float
    shuffled_current: float


@torch.no_grad()
def phase_order(
    field: Field,
    points: Any,
    phases: Sequence[str],
    cycle: Sequence[str],
    sigma: float,
    shuffles: int = 200,
    seed: int = 0,
) -> PhaseOrder:
    """Measure whether a flow passes through labelled phases in the order of a cycle.

    With l_a(x) = P(phase a | x) at noise level sigma, phase a gives to phase b the current
    F_ab = E[l_a v . grad l_b - l_b v . grad l_a].  If v keeps p, the currents out of a phase
    sum to 0, since E[v . grad l] = 0; of three phases, then, F_12 = F_23 = F_31: one number, the
    current around the cycle.  The order is its size over that of the mean absolute integrand.

    The p-value compares with the same points and flow under shuffled labels.  It asks only whether
    labels have to do with places.  Whether the *law* of the points matters is for a second control:
    a flow made from points whose columns were shuffled.

    Parameters
    ----------
    field : callable (B, d) -> (B, d)
        The flow, of points blurred by sigma.
    points : (n, d)
    phases : sequence of str
        The label of each point.
    cycle : sequence of str
        The phases in order, at least 3; the last goes over into the first.
    sigma : float
        Noise level, in the units of the points.
    shuffles : int
    seed : int
        Of noise and of shuffled labels.

    Raises
    ------
    InputError
        If labels and points don't match, a label is not in the cycle, a phase of it has no points,
        or the field stands still.
    """
    x = as_samples(points, "points").double()
    sigma, shuffles = positive(sigma, "sigma"), count(shuffles, "shuffles")
    labels = _labels(phases, cycle, len(x))
    generator = seeded(seed)
    dealt = [labels[torch.randperm(len(x), generator=generator)] for _ in range(shuffles)]
    exchange = torch.zeros(len(x), len(x), dtype=torch.float64)
    several = torch.stack([labels, *dealt[:SHOWN]])
    gross = torch.zeros(len(several), dtype=torch.float64)
    for _ in range(COPIES // 2):
        noise = sigma * torch.randn(x.shape, generator=generator, dtype=torch.float64)
        for blurred in (x + noise, x - noise):
            share, slope = _posterior(x, blurred, field(blurred).double(), sigma)
            exchange += share.T @ slope
            gross += _gross(share @ several, slope @ several)
    exchange = (exchange - exchange.T) / (COPIES * len(x))
    gross = gross / COPIES
    if not (gross[0] > 0 and gross[0].isfinite()):
        raise InputError("field stands still or is not finite on the points; it must move")
    between = _between(exchange, labels)
    sizes = np.array([abs(_between(exchange, some).mean()) for some in dealt])
    current = float(between.mean())
    return PhaseOrder(
        order=abs(current) / float(gross[0]),
        current=current,
        between=between,
        p_value=float((1 + (sizes >= abs(current)).sum()) / (1 + shuffles)),
        shuffled_order=float((sizes[:SHOWN] / gross[1:].numpy()).mean()),
        shuffled_current=float(sizes.mean()),
    )


def _between(exchange: Tensor, labels: Tensor) -> np.ndarray:
    """Currents (k,) from each phase to the next, given what points (n, n) exchange."""
    flux = labels.T @ exchange @ labels
    return np.array([float(flux[a, (a + 1) % len(flux)]) for a in range(len(flux))])


def _gross(belief: Tensor, change: Tensor) -> Tensor:
    """Mean absolute current (m,) around the cycle, of m labellings (m, B, k)."""
    ahead, change_ahead = belief.roll(-1, 2), change.roll(-1, 2)
    return (belief * change_ahead - ahead * change).abs().mean((1, 2))


def _labels(phases: Sequence[str], cycle: Sequence[str], n: int) -> Tensor:
    """Labels as (n, k) zeros and ones."""
    if len(phases) != n:
        raise InputError(f"phases has {len(phases)} labels; give one for each of {n} points")
    if len(cycle) < 3 or len(set(cycle)) < len(cycle):
        raise InputError(f"cycle is {list(cycle)}; give at least 3 different phases, in order")
    unknown = sorted(set(phases) - set(cycle))
    if unknown:
        raise InputError(f"phases has {unknown[0]!r}; each must be one of {', '.join(cycle)}")
    absent = [phase for phase in cycle if phase not in set(phases)]
    if absent:
        raise InputError(f"phases has no {absent[0]!r}; every phase of the cycle needs points")
    places = torch.tensor([list(cycle).index(phase) for phase in phases])
    return torch.nn.functional.one_hot(places, len(cycle)).double()


def _posterior(centres: Tensor, x: Tensor, v: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """Weights (B, n) of the centres at states x, and how fast they change along v.

    With w_j = P(x came from centre j), grad w_j = w_j (c_j - D) / sigma^2, D = sum_j w_j c_j.
    """
    distance = torch.cdist(x, centres, compute_mode="donot_use_mm_for_euclid_dist")
    share = torch.softmax(-distance.square() / (2 * sigma**2), dim=1)
    along = v @ centres.T - (v * (share @ centres)).sum(1, keepdim=True)
    return share, share * along / sigma**2
