"""Does a flow pass through annotated phases in order?  Probability currents between soft phases."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eqflow_nb.inputs import Field, InputError, as_samples, positive, seeded

COPIES = 64  # blurred copies of each point, in antithetic pairs, that means are taken over
SHUFFLES, SHOWN = 200, 20  # shuffles of the labels, and those whose order is worked out too


@dataclass(frozen=True)
class PhaseOrder:
    """How a flow passes from phase to phase of a cycle."""

    order: float  # net over gross current around the cycle, in [0, 1]
    current: float  # the share of points that go round in a unit of time: the mean of `between`
    between: np.ndarray  # currents (k,) from each phase to the next
    p_value: float  # the share of shuffled labels with at least so large a |current|
    shuffled_order: float


@torch.no_grad()
def phase_order(
    field: Field,
    points: Any,
    phases: Sequence[str],
    cycle: Sequence[str],
    sigma: float,
    seed: int = 0,
) -> PhaseOrder:
    """Measure whether a flow, of points (n, d) blurred by sigma, passes phases in a cycle's order.

    With l_a(x) = P(phase a | x) at noise level sigma, phase a gives to phase b the current
    F_ab = E[l_a v . grad l_b - l_b v . grad l_a].  If v keeps p, E[v . grad l] = 0: the currents
    out of a phase sum to 0, and of three phases F_12 = F_23 = F_31.  The order is the size of this
    current over that of the mean absolute integrand.  The p-value asks only whether labels have to
    do with places; whether the *distribution* matters asks a flow made from shuffled columns.
    """
    x, sigma = as_samples(points, "points").double(), positive(sigma, "sigma")
    labels, generator = _labels(phases, cycle, len(x)), seeded(seed)
    dealt = [labels[torch.randperm(len(x), generator=generator)] for _ in range(SHUFFLES)]
    exchange = torch.zeros(len(x), len(x), dtype=torch.float64)
    several, gross = torch.stack([labels, *dealt[:SHOWN]]), torch.zeros(1 + SHOWN).double()
    for _ in range(COPIES // 2):
        noise = sigma * torch.randn(x.shape, generator=generator, dtype=torch.float64)
        for blurred in (x + noise, x - noise):
            share, slope = _posterior(x, blurred, field(blurred).double(), sigma)
            exchange += share.T @ slope
            here, change = share @ several, slope @ several  # (m, B, k), of every labelling
            flow = here * change.roll(-1, 2) - here.roll(-1, 2) * change
            gross += flow.abs().mean((1, 2))
    if not (gross[0] > 0 and gross[0].isfinite()):
        raise InputError("field stands still or is not finite on the points; it must move")
    exchange, gross = (exchange - exchange.T) / (COPIES * len(x)), gross / COPIES
    between = _between(exchange, labels)
    current = float(between.mean())
    sizes = np.array([abs(_between(exchange, some).mean()) for some in dealt])
    p_value = float((1 + (sizes >= abs(current)).sum()) / (1 + SHUFFLES))
    shuffled = float((sizes[:SHOWN] / gross[1:].numpy()).mean())
    return PhaseOrder(abs(current) / float(gross[0]), current, between, p_value, shuffled)


def _between(exchange: Tensor, labels: Tensor) -> np.ndarray:
    """Currents (k,) from each phase to the next, given what points (n, n) exchange."""
    return (labels.T @ exchange @ labels).roll(-1, 1).diagonal().numpy()


def _labels(phases: Sequence[str], cycle: Sequence[str], n: int) -> Tensor:
    """Labels as (n, k) zeros and ones."""
    if len(phases) != n:
        raise InputError(f"phases has {len(phases)} labels; give one for each of {n} points")
    if len(cycle) < 3 or set(phases) != set(cycle) or len(set(cycle)) < len(cycle):
        raise InputError(
            f"cycle is {list(cycle)}; give the phases, which are {sorted(set(phases))}, each once "
            "and at least 3, in order"
        )
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
