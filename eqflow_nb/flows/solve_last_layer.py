"""The last layer of a flow network, solved for exactly."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from eqflow_nb.flows.networks import FlowNetworks
from eqflow_nb.flows.training_points import Lesson
from eqflow_nb.inputs import count, positive

BLOCK = 512
# One point in so many is used where a mean is all that is wanted.
FEWER = 4
RIDGE = 1e-7


@torch.no_grad()
def polish(
    flow: FlowNetworks,
    taught: Lesson,
    smoothness: float = 1e-5,
    stay: float = 1e-4,
    rounds: int = 1,
) -> None:
    """Minimise E r^2 + lambda E |grad v|^2 + stay E |v - v_before|^2 in the last layer, exactly.

    All terms are quadratic in the last layer's weights, so a round is one linear system of
    d (H + 1) unknowns a member, where Adam would crawl.  The first round stays near the trained
    network.  Many rounds are an inverse iteration: they settle in the least value of the first two
    terms for a given E |v|^2, the smoothest flow that the hidden layers can express.

    Parameters
    ----------
    flow : FlowNetworks
        Changed in place.
    taught : Lesson
        The residual's mean is over all of its points, the others over every fourth.
    smoothness : float
        The weight lambda.
    stay : float
        The weight of staying where the round before ended.
    rounds : int

    Raises
    ------
    InputError
        If a weight is not > 0 or rounds is not a whole number > 0.
    """
    smoothness, stay = positive(smoothness, "smoothness"), positive(stay, "stay")
    rounds = count(rounds, "rounds")
    for member in range(flow.members):
        residual, rough, power = _quadratic_forms(flow.member(member), taught)
        pull = stay * power
        # The ridge keeps sums of hidden units that cancel from growing large.
        ridge = RIDGE * residual.diagonal().mean() * torch.eye(len(residual)).to(residual)
        factor = torch.linalg.cholesky(residual + smoothness * rough + pull + ridge)
        last = torch.cat([flow.weights[-1][member], flow.biases[-1][member]]).T.double().flatten()
        size = last @ power @ last
        for _ in range(rounds):
            last = last * (size / (last @ power @ last)).sqrt()
            last = torch.cholesky_solve((pull @ last)[:, None], factor)[:, 0]
        new = last.view(flow.dim, -1).T.to(flow.speed)
        flow.weights[-1][member], flow.biases[-1][member] = new[:-1], new[-1:]


def _quadratic_forms(flow: FlowNetworks, taught: Lesson) -> list[Tensor]:
    """Matrices of E r^2, E |grad v|^2 and E |v|^2 in the last layer's weights of one network."""
    forms: list[Tensor] = []
    blocks = (t.to(flow.speed).split(BLOCK) for t in (taught.points, taught.scores, taught.weights))
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
    return [form / len(taught.points) for form in forms]


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
