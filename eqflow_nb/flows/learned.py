"""Flows learned from the residual: networks v(x) trained until div v + v . s = 0.

Zhang & Levin 2025 train one multilayer perceptron on E (div v + v . s)^2.  Here several are trained
side by side as one batch, with an exact divergence, on more of the space than the samples fill, and
with two principles that choose among the many flows that keep p: be smooth, and have the symmetry
of the snapshots.  The last layer is then solved for exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from tqdm.auto import tqdm

from eqflow_nb.flows.networks import FlowNetworks
from eqflow_nb.flows.solve_last_layer import solve_last_layer
from eqflow_nb.flows.training_points import TrainingPoints, sample_training_points
from eqflow_nb.inputs import Field, as_samples, count, positive, seeded

# Points on which the last layer is solved for.
LAST_LAYER_POINTS = 24576


def train(
    flow: FlowNetworks,
    training: TrainingPoints,
    steps: int = 800,
    batch: int = 128,
    rate: float = 1e-2,
    smoothness: tuple[float, float] = (0.1, 0.001),
    seed: int = 0,
) -> Iterator[tuple[int, Tensor]]:
    """Train on E r^2 / E |v|^2 + lambda E |grad v|^2 / E |v|^2, with r = div v + v . s.

    The first term is the paper's residual, divided by the speed so that v = 0 is no answer.  The
    second, whose weight lambda falls geometrically from first to last step, decides early on which
    of the many flows that keep p is approached: a smooth one.

    It trains in place, and yields (step, residual): the members' relative residuals (m,) on the
    step's batch.  Each member draws its own `batch` points; `rate` is the peak learning rate of a
    one-cycle schedule, `smoothness` the weight lambda at the start and at the end.
    """
    steps, batch = count(steps, "steps"), count(batch, "batch")
    first, last = (positive(weight, "smoothness") for weight in smoothness)
    device = flow.speed.device
    points, scores, weights = (t.to(flow.speed) for t in vars(training).values())
    generator = seeded(seed)
    optimiser = torch.optim.Adam(flow.parameters(), betas=(0.9, 0.99))
    # A tenth of ten steps would leave the schedule a warm-up of no length, and fail.
    warm_up = 0.1 if steps != 10 else 0.2
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, positive(rate, "rate"), steps, pct_start=warm_up, cycle_momentum=False
    )
    for step in range(steps):
        rows = torch.randint(len(points), (flow.members, batch), generator=generator).to(device)
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
    anchor: float = 1e-4
    inverse_iterations: int = 30
    correction: float = 0.0


def learn(
    samples: Tensor,
    score: Field,
    sigma: float,
    settings: Settings = Settings(),
    members: int = 8,
    seed: int = 0,
    progress: bool = True,
) -> tuple[FlowNetworks, Tensor]:
    """Train an ensemble from samples (n, d) and their score at a noise level sigma.

    The networks come at rms speed sqrt(d) over the blurred samples, with their residuals (steps,
    members) on the way.
    """
    samples = as_samples(samples, vary=True)
    s, dim = settings, samples.shape[1]
    flow = FlowNetworks(members, dim, s.width, s.last, s.octaves, s.signs, seed).to(samples.device)
    draw = partial(sample_training_points, samples, score, sigma)
    power = s.residual_weight_power
    tails = partial(
        draw, widest=s.widest, wide_fraction=s.wide_fraction, residual_weight_power=power
    )
    path = train(flow, tails(seed=seed), s.steps, smoothness=s.smoothness, seed=seed)
    bar = tqdm(path, total=s.steps, desc="training", disable=not progress)
    residuals = [loss for _, loss in bar]
    if count(s.inverse_iterations, "inverse_iterations", at_least=0):
        points = tails(n=LAST_LAYER_POINTS, seed=seed + 1)
        solve_last_layer(
            flow, points, s.smoothness[1], s.anchor, s.inverse_iterations, s.correction
        )
    flow.set_speed(draw(n=8192, wide_fraction=0, seed=seed + 2).points)
    return flow.requires_grad_(False), torch.stack(residuals)
