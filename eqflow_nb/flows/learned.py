"""Flows learned from the residual: networks v(x) trained until div v + v . s = 0.

Zhang & Levin 2025 train one multilayer perceptron on E (div v + v . s)^2.  Here several are trained
side by side as one batch, with an exact divergence, on more of the space than the samples fill, and
with two principles that choose among the many flows that keep p: be smooth, and have the symmetry
of the snapshots.  The last layer is then solved for exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor
from tqdm.auto import tqdm

from eqflow_nb.flows.continuity import Field
from eqflow_nb.flows.networks import FlowNetworks
from eqflow_nb.flows.solve_last_layer import polish
from eqflow_nb.flows.training_points import Lesson, lesson
from eqflow_nb.inputs import as_samples, count, positive, seeded

# Points on which the last layer is solved for.
POLISHING = 24576


def train(
    flow: FlowNetworks,
    taught: Lesson,
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

    Parameters
    ----------
    flow : FlowNetworks
        Trained in place.
    taught : Lesson
    steps, batch : int
        Adam steps; points a member and step (each member draws its own).
    rate : float
        Peak learning rate of a one-cycle schedule.
    smoothness : (float, float)
        The weight lambda at the start and at the end.
    seed : int

    Yields
    ------
    (step, residual)
        The members' relative residuals (m,) on the step's batch.
    """
    steps, batch = count(steps, "steps"), count(batch, "batch")
    first, last = (positive(weight, "smoothness") for weight in smoothness)
    device = flow.speed.device
    points, scores, weights = (
        t.to(flow.speed) for t in (taught.points, taught.scores, taught.weights)
    )
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


def learn(
    samples: Tensor,
    score: Field,
    sigma: float,
    members: int = 8,
    width: int = 0,
    last: int = 256,
    octaves: int = 0,
    signs: Tensor | None = None,
    steps: int = 100,
    smoothness: tuple[float, float] = (0.1, 0.02),
    widest: float = 1.0,
    share: float = 0.6,
    temper: float = 0.0,
    stay: float = 1e-4,
    rounds: int = 30,
    seed: int = 0,
    progress: bool = True,
) -> tuple[FlowNetworks, Tensor]:
    """Train an ensemble from still samples: `lesson`, `train`, `polish`, common speed.

    Parameters
    ----------
    samples : Tensor (n, d)
    score : callable (B, d) -> (B, d)
        The score at level sigma.
    sigma : float
        Noise level, in the units of the samples.
    members, width, last, octaves, signs
        Of the networks; see `FlowNetworks`.
    steps, smoothness
        Of the training; see `train`.
    widest, share, temper : float
        Of training points in the tails; see `lesson`.
    stay, rounds
        Of the exact last layer, at the last smoothness; see `polish`.  0 rounds leave it out.
    seed : int
    progress : bool
        Show a progress bar.

    Returns
    -------
    (FlowNetworks, Tensor (steps, members))
        The networks at rms speed sqrt(d) over the blurred samples, and their residuals on the way.
    """
    samples = as_samples(samples, vary=True)
    flow = FlowNetworks(members, samples.shape[1], width, last, octaves, signs, seed)
    flow.to(samples.device)
    teach = partial(lesson, samples, score, sigma, widest=widest, share=share, temper=temper)
    taught = teach(seed=seed)
    path = train(flow, taught, steps, smoothness=smoothness, seed=seed)
    residuals = [loss for _, loss in tqdm(path, total=steps, desc="training", disable=not progress)]
    if count(rounds, "rounds", at_least=0):
        polish(flow, teach(n=POLISHING, seed=seed + 1), smoothness[1], stay, rounds)
    flow.set_speed(lesson(samples, score, sigma, n=8192, share=0, seed=seed + 2).points)
    return flow.requires_grad_(False), torch.stack(residuals)
