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
from torch import Tensor, nn
from tqdm.auto import tqdm

from ..inputs import as_samples, between, count, positive
from .continuity import Field
from .networks import FlowNetworks

BLOCK = 2048


@dataclass(frozen=True)
class Lesson:
    """What the networks are trained on: points and the score there.

    Attributes
    ----------
    points, scores : Tensor (n, d)
    weights : Tensor (n,)
        What a squared residual counts there.
    """

    points: Tensor
    scores: Tensor
    weights: Tensor


def lesson(
    samples: Tensor,
    score: Field,
    sigma: float,
    n: int = 32768,
    widest: float = 1.0,
    share: float = 0.4,
    temper: float = 0.0,
    seed: int = 0,
) -> Lesson:
    """Blur samples into training points, some of them wider than the law itself.

    The continuity equation holds wherever p > 0, also where samples are rare; a long rollout goes
    there, and a flow that was never taught the tails leaks out of them.  Far out the score
    grows like distance / sigma^2; where sigma is small, tempered weights keep such points from
    outvoting all others.

    Parameters
    ----------
    samples : Tensor (N, d)
    score : callable (B, d) -> (B, d)
        The score at level sigma.  It is evaluated once.
    sigma : float
        Noise level, in the units of the samples.
    n : int
        The number of points.
    widest : float
        The widest level, in the units of the samples (1 is the cloud's own standard deviation).
    share : float
        The share of points blurred at levels drawn uniformly between sigma and the widest.
    temper : float
        Weights are (1 + sigma^2 |s|^2 / d)^-temper; 0 leaves all points equal.
    seed : int

    Returns
    -------
    Lesson

    Raises
    ------
    InputError
        If the samples are not finite or constant along an axis, or a number is out of its range.
    """
    samples = as_samples(samples, vary=True)
    sigma, share = positive(sigma, "sigma"), between(share, "share", 0, 1)
    n, generator = count(n, "n"), torch.Generator().manual_seed(seed)
    rows = torch.randint(len(samples), (n,), generator=generator)
    level = torch.full((n, 1), sigma)
    wide = int(n * share)
    widest = max(sigma, positive(widest, "widest"))
    level[:wide] += (widest - sigma) * torch.rand(wide, 1, generator=generator)
    noise = level * torch.randn(n, samples.shape[1], generator=generator)
    points = samples[rows.to(samples.device)] + noise.to(samples)
    with torch.no_grad():
        scores = score(points)
    weights = (1 + sigma**2 * scores.square().mean(1)) ** -temper
    return Lesson(points, scores, weights / weights.mean())


def train(
    flow: FlowNetworks,
    taught: Lesson,
    steps: int = 800,
    batch: int = 256,
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
    steps = count(steps, "steps")
    first, last = (positive(weight, "smoothness") for weight in smoothness)
    device = flow.speed.device
    points, scores, weights = (
        t.to(flow.speed) for t in (taught.points, taught.scores, taught.weights)
    )
    generator = torch.Generator().manual_seed(seed)
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


@torch.no_grad()
def polish(flow: FlowNetworks, taught: Lesson, stay: float = 0.03) -> None:
    """Solve the last layer exactly: minimise E r^2 + stay E |v - v_trained|^2.

    The residual is linear in the last layer's weights, so this is one linear system of 3 H + 3
    unknowns a member (d = 3), where Adam would crawl.

    Parameters
    ----------
    flow : FlowNetworks
        Changed in place.
    taught : Lesson
        All of its points are used.
    stay : float
        The weight of staying where training ended.
    """
    stay = positive(stay, "stay")
    points, scores, weights = (
        t.to(flow.speed).split(BLOCK) for t in (taught.points, taught.scores, taught.weights)
    )
    for member in range(flow.members):
        old = torch.cat([flow.weights[-1][member], flow.biases[-1][member]]).T.double().flatten()
        normal, pull = old.new_zeros(len(old), len(old)), old.new_zeros(len(old), len(old))
        for x, s, weight in zip(points, scores, weights, strict=True):
            residual, values = _last_layer(flow.member(member), x, s.double())
            normal += residual.T @ (residual * weight.double()[:, None])
            pull += torch.block_diag(*(value.T @ value for value in values))
        # The ridge keeps hidden units that do nothing where they are.
        pull = stay * pull + 1e-8 * normal.diagonal().mean() * torch.eye(len(old)).to(pull)
        new = torch.linalg.solve(normal + pull, pull @ old).view(flow.dim, -1).T
        flow.weights[-1][member], flow.biases[-1][member] = new[:-1].to(x), new[-1:].to(x)


def _last_layer(flow: FlowNetworks, x: Tensor, s: Tensor) -> tuple[Tensor, list[Tensor]]:
    """What multiplies the last layer's weights in r (B, d (H + 1)) and in each v_j (B, H + 1)."""
    hidden, tangents = flow.last_hidden(x[None])
    sides = 1 if flow.signs is None else 2
    signs = torch.ones(flow.dim).to(s) if flow.signs is None else flow.signs.to(s)
    # The bias is a hidden unit that is always 1.
    near, *far = nn.functional.pad(hidden[0], (0, 1), value=1.0).double().chunk(sides)
    slopes = nn.functional.pad(tangents[0], (0, 1)).double()
    values = [(near + signs[j] * far[0]) / 2 if far else near for j in range(flow.dim)]
    divergence = [sum(slopes[j].chunk(sides)) / sides for j in range(flow.dim)]
    return torch.cat(
        [divergence[j] + s[:, j, None] * values[j] for j in range(flow.dim)], 1
    ), values


def learn(
    samples: Tensor,
    score: Field,
    sigma: float,
    members: int = 8,
    width: int = 64,
    last: int = 64,
    octaves: int = 0,
    signs: Tensor | None = None,
    steps: int = 800,
    smoothness: tuple[float, float] = (0.1, 0.001),
    widest: float = 1.0,
    share: float = 0.4,
    temper: float = 0.0,
    stay: float = 0.03,
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
    stay : float
        See `polish`.
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
    polish(flow, teach(n=8192, seed=seed + 1), stay)
    flow.set_speed(lesson(samples, score, sigma, n=8192, share=0, seed=seed + 2).points)
    return flow.requires_grad_(False), torch.stack(residuals)
