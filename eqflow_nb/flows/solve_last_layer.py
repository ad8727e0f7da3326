"""The last layer of a flow network, solved for exactly."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from eqflow_nb.flows.networks import FlowNetworks
from eqflow_nb.flows.training_points import TrainingPoints
from eqflow_nb.inputs import between, count, positive

BLOCK = 512
FEWER = 4  # one point in so many is used where a mean is all that is wanted
RIDGE = 1e-7


@torch.no_grad()
def solve_last_layer(
    flow: FlowNetworks,
    training: TrainingPoints,
    smoothness: float = 1e-5,
    anchor: float = 1e-4,
    inverse_iterations: int = 1,
    correction: float = 0.0,
) -> None:
    """Minimise E r^2 + smoothness E |grad v|^2 + anchor E |v - v_before|^2 in the last layer.

    All terms are quadratic in the last layer's weights, so each iteration is one linear system of
    d (H + 1) unknowns a member.  The first stays near the trained network.  Many are an inverse
    iteration: they converge to the least value of the first two terms for a given E |v|^2, the
    smoothest flow that the hidden layers can express.  That one leaks: it pays for smoothness with
    residual.  A correction > 0 ends with the flow near it that does not: one more system minimises
    E r^2 + correction E |v - v_smooth|^2.

    The flow is changed in place.  The mean of r^2 is over all training points, the other means over
    every fourth; `anchor` weighs staying where the iteration before ended.
    """
    smoothness, anchor = positive(smoothness, "smoothness"), positive(anchor, "anchor")
    inverse_iterations = count(inverse_iterations, "inverse_iterations")
    correction = between(correction, "correction", 0, math.inf)
    for member in range(flow.members):
        residual, rough, power = _quadratic_forms(flow.member(member), training)
        pull = anchor * power
        # The ridge keeps sums of hidden units that cancel from growing large.
        ridge = RIDGE * residual.diagonal().mean() * torch.eye(len(residual)).to(residual)
        factor = torch.linalg.cholesky(residual + smoothness * rough + pull + ridge)
        last = torch.cat([flow.weights[-1][member], flow.biases[-1][member]]).T.double().flatten()
        size = last @ power @ last
        for _ in range(inverse_iterations):
            last = last * (size / (last @ power @ last)).sqrt()
            last = torch.cholesky_solve((pull @ last)[:, None], factor)[:, 0]
        if correction > 0:
            near = correction * power + ridge
            last = torch.linalg.solve(residual + near, near @ last)
        new = last.view(flow.dim, -1).T.to(flow.speed)
        flow.weights[-1][member], flow.biases[-1][member] = new[:-1], new[-1:]


def _quadratic_forms(flow: FlowNetworks, training: TrainingPoints) -> list[Tensor]:
    """Matrices of E r^2, E |grad v|^2 and E |v|^2 in the last layer's weights of one network."""
    forms: list[Tensor] = []
    blocks = (t.to(flow.speed).split(BLOCK) for t in vars(training).values())
    for x, s, weight in zip(*blocks, strict=True):
        values, slopes = _last_layer(flow, x)
        r = torch.cat([slopes[j][j] + s[:, j, None] * values[j] for j in range(flow.dim)], 1)
        # Means need fewer points than the residual, which must vanish at all of them.
        few = [[g[::FEWER] for g in row] for row in slopes]
        parts = [
            r.T @ (r * weight[:, None]),
            FEWER * torch.block_diag(*(sum(g.T @ g for g in row) for row in few)),
            FEWER * torch.block_diag(*(v[::FEWER].T @ v[::FEWER] for v in values)),
        ]
        forms = [a.add_(b) for a, b in zip(forms, parts, strict=True)] if forms else parts
    return [form / len(training.points) for form in forms]


def _last_layer(flow: FlowNetworks, x: Tensor) -> tuple[list[Tensor], list[list[Tensor]]]:
    """What multiplies the last layer's weights in each v_j, and in each dv_j/dx_i: (B, H + 1)."""
    hidden, tangents = flow.last_hidden(x[None])
    # The bias is a hidden unit that is always 1.
    hidden = nn.functional.pad(hidden[0].mT, (0, 1), value=1.0).double()
    tangents = nn.functional.pad(tangents[0].permute(1, 2, 0), (0, 1)).double()
    axes = range(flow.dim)
    if flow.signs is None:
        return [hidden for _ in axes], [[tangents[i] for i in axes] for _ in axes]
    signs = flow.signs.to(hidden)
    near, far = hidden.chunk(2)
    slopes = [[_sides(tangents[i], signs[i] * signs[j]) for i in axes] for j in axes]
    return [(near + signs[j] * far) / 2 for j in axes], slopes


def _sides(both: Tensor, sign: Tensor) -> Tensor:
    """Mean of the two sides of a symmetry, the far one with its sign."""
    near, far = both.chunk(2)
    return (near + sign * far) / 2
