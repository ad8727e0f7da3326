"""Flows learned from the residual: networks v(x) trained until div v + v . s = 0.

Zhang & Levin 2025 train one multilayer perceptron on E (div v + v . s)^2.  Here several are trained
side by side as one batch, with an exact divergence, on more of the space than the samples fill, and
with two principles that choose among the many flows that keep p: be smooth, and have the symmetry
of the snapshots.  The last layer is then solved for exactly.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from eqflow_nb.flows.networks import FlowNetworks
from eqflow_nb.inputs import Field, as_samples, between, count, positive, seeded

LAST_LAYER_POINTS = 24576  # on which the last layer is solved for
BLOCK = 512  # of them at a time
FEWER = 4  # one point in so many is used where a mean is all that is wanted
ANCHOR, RIDGE = 1e-4, 1e-7


class TrainingPoints(NamedTuple):
    """Points (n, d), the scores (n, d) there, and what a squared residual counts there (n,)."""

    points: Tensor
    scores: Tensor
    weights: Tensor


def sample_training_points(
    samples: Tensor, score: Field, sigma: float, n: int = 32768, widest: float = 1.0,
    wide_fraction: float = 0.4, residual_weight_power: float = 0.0, seed: int = 0,
) -> TrainingPoints:  # fmt: skip
    """Blur samples into training points, some of them wider than the distribution itself.

    The continuity equation holds wherever p > 0, also where samples are rare.  A long rollout goes
    there, and a flow that was not trained in the tails leaks out of them.  Far out the score grows
    like distance / sigma^2; where sigma is small, lower weights keep such points from dominating.

    Samples are (N, d), with their score at a noise level sigma; a fraction of the n points is
    blurred at levels drawn uniformly between sigma and the widest.  Weights are
    (1 + sigma^2 |s|^2 / d)^-power; a power of 0 leaves all points equal.
    """
    samples = as_samples(samples, vary=True)
    sigma, wide_fraction = positive(sigma, "sigma"), between(wide_fraction, "wide_fraction", 0, 1)
    n, generator = count(n, "n"), seeded(seed)
    rows = torch.randint(len(samples), (n,), generator=generator)
    level = torch.full((n, 1), sigma)
    wide = int(n * wide_fraction)
    widest = max(sigma, positive(widest, "widest"))
    level[:wide] += (widest - sigma) * torch.rand(wide, 1, generator=generator)
    noise = level * torch.randn(n, samples.shape[1], generator=generator)
    points = samples[rows.to(samples.device)] + noise.to(samples)
    with torch.no_grad():
        scores = score(points)
    weights = (1 + sigma**2 * scores.square().mean(1)) ** -residual_weight_power
    return TrainingPoints(points, scores, weights / weights.mean())


def train(
    flow: FlowNetworks, training: TrainingPoints, steps: int = 800, batch: int = 128,
    rate: float = 1e-2, smoothness: tuple[float, float] = (0.1, 0.001), seed: int = 0,
) -> Iterator[tuple[int, Tensor]]:  # fmt: skip
    """Train on E r^2 / E |v|^2 + lambda E |grad v|^2 / E |v|^2, with r = div v + v . s.

    The first term is the paper's residual, divided by the speed so that v = 0 is no answer.  The
    second, whose weight lambda falls geometrically from first to last step, decides early on which
    of the many flows that keep p is approached: a smooth one.

    It yields (step, residual): the members' relative residuals (m,) on the step's batch.  Each
    member draws its own points; `rate` is the peak learning rate of a one-cycle schedule,
    `smoothness` the weight lambda at the start and at the end.
    """
    steps, batch = count(steps, "steps"), count(batch, "batch")
    first, last = (positive(weight, "smoothness") for weight in smoothness)
    points, scores, weights = (t.to(flow.speed) for t in training)
    generator = seeded(seed)
    optimiser = torch.optim.Adam(flow.parameters(), betas=(0.9, 0.99))
    warm_up = 0.1 if steps != 10 else 0.2  # a tenth of ten steps would be none, and fail
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, positive(rate, "rate"), steps, pct_start=warm_up, cycle_momentum=False
    )
    for step in range(steps):
        rows = torch.randint(len(points), (flow.members, batch), generator=generator).to(
            points.device
        )
        v, slope = flow.with_jacobian(points[rows])
        r = slope.diagonal(dim1=1, dim2=3).sum(-1) + (v * scores[rows]).sum(-1)
        power = v.square().sum(-1).mean(1)
        misfit = (weights[rows] * r.square()).mean(1) / power
        roughness = slope.square().sum((1, 3)).mean(1) / power
        weight = first * (last / first) ** (step / steps)
        # The last term only keeps the speed, which nothing else fixes, near 1.
        loss = misfit + weight * roughness + 0.1 * power.log().square()
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
        schedule.step()
        yield step, misfit.detach().sqrt()


@torch.no_grad()
def solve_last_layer(
    flow: FlowNetworks, training: TrainingPoints, smoothness: float = 1e-5, anchor: float = ANCHOR,
    inverse_iterations: int = 1,
) -> None:  # fmt: skip
    """Minimise E r^2 + smoothness E |grad v|^2 + anchor E |v - v_before|^2 in the last layer.

    All terms are quadratic in the last layer's weights, so each iteration is one linear system of
    d (H + 1) unknowns a member.  The first stays near the trained network.  Many are an inverse
    iteration: they converge to the least value of the first two terms for a given E |v|^2, the
    smoothest flow that the hidden layers can express.

    The flow is changed in place; `anchor` weighs staying where the iteration before ended.
    """
    smoothness, anchor = positive(smoothness, "smoothness"), positive(anchor, "anchor")
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
        new = last.view(flow.dim, -1).T.to(flow.speed)
        flow.weights[-1][member], flow.biases[-1][member] = new[:-1], new[-1:]


def _quadratic_forms(flow: FlowNetworks, training: TrainingPoints) -> list[Tensor]:
    """Matrices of E r^2, E |grad v|^2 and E |v|^2 in the last layer's weights of one network."""
    forms: list[Tensor] = []
    blocks = (t.to(flow.speed).split(BLOCK) for t in training)
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
    slopes = [[_sides(tangents[i], signs[i] * signs[j]) for i in axes] for j in axes]
    return [_sides(hidden, signs[j]) for j in axes], slopes


def _sides(both: Tensor, sign: Tensor) -> Tensor:
    """Mean of the two sides of a symmetry, the far one with its sign."""
    near, far = both.chunk(2)
    return (near + sign * far) / 2


@dataclass(frozen=True)
class Settings:
    """How `learn` makes its networks."""

    # Of the networks; see `FlowNetworks`.
    width: int = 0
    last: int = 256
    octaves: int = 0
    signs: Tensor | None = None
    # Of the training; see `train`.
    steps: int = 100
    smoothness: tuple[float, float] = (0.1, 0.02)
    # Of training points in the tails; see `sample_training_points`.
    widest: float = 1.0
    wide_fraction: float = 0.6
    residual_weight_power: float = 0.0
    # Of the last layer, solved at the last smoothness; see `solve_last_layer`.  With 0 iterations
    # it stays as it was trained.
    inverse_iterations: int = 30


def learn(
    samples: Tensor, score: Field, sigma: float, settings: Settings = Settings(), members: int = 8,
    seed: int = 0, progress: bool = True,
) -> tuple[FlowNetworks, Tensor]:  # fmt: skip
    """Train an ensemble from samples (n, d) and their score at a noise level sigma.

    The networks come at rms speed sqrt(d) over the blurred samples, with their residuals (steps,
    members) on the way.
    """
    samples = as_samples(samples, vary=True)
    s, dim = settings, samples.shape[1]
    flow = FlowNetworks(members, dim, s.width, s.last, s.octaves, s.signs, seed).to(samples.device)
    draw = partial(sample_training_points, samples, score, sigma)
    power, part = s.residual_weight_power, s.wide_fraction
    tails = partial(draw, widest=s.widest, wide_fraction=part, residual_weight_power=power)
    path = train(flow, tails(seed=seed), s.steps, smoothness=s.smoothness, seed=seed)
    bar = tqdm(path, total=s.steps, desc="training", disable=not progress)
    residuals = [loss for _, loss in bar]
    if count(s.inverse_iterations, "inverse_iterations", at_least=0):
        points, iterations = tails(n=LAST_LAYER_POINTS, seed=seed + 1), s.inverse_iterations
        solve_last_layer(flow, points, s.smoothness[1], ANCHOR, iterations)
    flow.set_speed(draw(n=8192, wide_fraction=0, seed=seed + 2).points)
    return flow.requires_grad_(False), torch.stack(residuals)
