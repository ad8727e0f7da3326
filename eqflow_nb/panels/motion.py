"""What the panels draw: blurred distributions, stream functions, particles, each made once."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from torch import Tensor

from eqflow_nb import rollout, scores, snapshots
from eqflow_nb.figures.axes import LogDensity, draw_cloud
from eqflow_nb.figures.style import PALETTE, array
from eqflow_nb.flows import at_common_speed, exact, skew
from eqflow_nb.inputs import Field
from eqflow_nb.measures import transport
from eqflow_nb.rollout import Path
from eqflow_nb.snapshots.base import blur

Rows = tuple[tuple[float, float], tuple[float, float]]
CLEAN, NOW = 0.05, PALETTE["score"]
TURN = skew.from_entries(1.0)  # J
distance = partial(transport.sliced_wasserstein, projections=50)


class Quadratic:
    """The stream function c + b . x + x . A x / 2, with the gradient b + A x; A has rows."""

    def __init__(
        self,
        c: float = 0.0,
        b: tuple[float, float] = (0.0, 0.0),
        a: Rows = ((0.0, 0.0), (0.0, 0.0)),
    ) -> None:
        self.c, self.b, self.a = c, torch.tensor(b), torch.tensor(a)

    def with_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Value (B, 1) and gradient (B, 1, 2) at states (B, 2)."""
        b, slope = self.b.to(x), x @ self.a.to(x)
        value = self.c + ((b + slope / 2) * x).sum(1, keepdim=True)
        return value, (b + slope)[:, None]


class Mixed:
    """The stream function (1 - share) + share * psi: constant skew at 0, psi alone at 1."""

    def __init__(self, psi: Any, share: float) -> None:
        self.psi, self.share = psi, share

    def with_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Value (B, 1) and gradient (B, 1, 2) at states (B, 2)."""
        value, slope = self.psi.with_gradient(x)
        return 1 - self.share + self.share * value, self.share * slope

    def __call__(self, x: Tensor) -> Tensor:
        """Value (B,) at states (B, 2)."""
        return self.with_gradient(x)[0][:, 0]


PSI: dict[str, Any] = {
    "constant": Quadratic(c=1.0),
    "x": Quadratic(b=(1.0, 0.0)),
    "y": Quadratic(b=(0.0, 1.0)),
    "x y": Quadratic(a=((0.0, 1.0), (1.0, 0.0))),
    "saddle": Quadratic(a=((2.0, 0.0), (0.0, -2.0))),
    **{f"waves {seed}": exact.Waves(2, seed=seed) for seed in (1, 2, 3)},
}


@lru_cache(maxsize=64)
def score_and_density(world: str, sigma: float) -> tuple[Field, LogDensity]:
    """Score and log density of a world blurred by sigma: exact, or from a mixture of Gaussians."""
    place = snapshots.world(world)
    if place.mixture is None and place.log_density is not None:
        density = place.log_density
        return scores.of_density(lambda x: density(x, sigma)), lambda x: density(x, sigma)
    if place.mixture is not None:
        model = scores.MixtureScore(*place.mixture(sigma))
    else:
        model = _fitted(world).blurred(math.sqrt(sigma**2 - CLEAN**2))
    return model, model.log_density


@lru_cache
def _fitted(world: str) -> scores.MixtureScore:
    """A mixture fitted to almost clean samples; more blur is then exact and immediate."""
    return scores.fit_mixture(snapshots.world(world).sample(3000, 0), CLEAN, components=24)


@lru_cache(maxsize=64)
def blurred_samples(world: str, n: int, sigma: float, seed: int) -> Tensor:
    """Samples (n, d) of a world blurred by sigma: where a flow made for it starts."""
    return blur(snapshots.world(world).sample(n, seed), sigma, seed)


class Particles:
    """States of an integrator's path, followed as far as anybody has asked for.

    `frame` is the time between states kept, and takes `every` steps; `keep` gives what is kept.
    """

    def __init__(
        self, path: Path, frame: float, every: int, keep: Callable[[Tensor], Tensor] = lambda x: x
    ) -> None:
        self.path, self.frame, self.every, self.keep = path, frame, every, keep
        self.states = [keep(next(path)[1])]

    @torch.no_grad()
    def until(self, time: float) -> Tensor:
        """The states (T, n, d) up to a time."""
        wanted = round(time / self.frame) + 1
        while len(self.states) < wanted:
            for _ in range(self.every):
                x = next(self.path)[1]
            self.states.append(self.keep(x))
        return torch.stack(self.states[:wanted])


def moved(states: Tensor) -> str:
    """How far states (T, n, d) are from where they started, on average, in words."""
    return f"moved {float((states[-1] - states[0]).norm(dim=1).mean()):.3f} sd"


def draw_particles(axes: Axes, states: Tensor) -> str:
    """Draw particles where they are at the end of states (T, n, 2), and faintly how they came."""
    tracks = list(array(states.transpose(0, 1)))
    axes.add_collection(LineCollection(tracks, colors=NOW, linewidths=0.8, alpha=0.35))
    draw_cloud(axes, states[-1], NOW, size=5, alpha=0.9)
    return moved(states)


@lru_cache(maxsize=32)
def toy_particles(world: str, gamma: float, eta: float, sigma: float) -> Particles:
    """Follow 120 particles; a step is short enough for the steepest part of the score."""
    frame, frames = 0.02, 25
    every = math.ceil(frame * (abs(gamma) + eta) / (0.3 * (sigma**2 + 0.015)) + 1e-9)
    drift = skew.Linear(gamma * TURN + eta * torch.eye(2), score_and_density(world, sigma)[0])
    start = blurred_samples(world, 120, sigma, 0)
    return Particles(walk(drift, start, frame / every, frames * every, eta), frame, every)


@lru_cache(maxsize=32)
def stream_field(world: str, psi: str, mix: float, sigma: float) -> Field:
    """The flow of psi = (1 - mix) + mix * chosen, at a common speed."""
    field = exact.StreamFunction(Mixed(PSI[psi], mix), score_and_density(world, sigma)[0])
    return at_common_speed(field, blurred_samples(world, 400, sigma, 1))


@lru_cache(maxsize=32)
def stream_particles(world: str, psi: str, mix: float, sigma: float) -> Particles:
    """Follow 400 particles of a stream function's flow."""
    field, start = stream_field(world, psi, mix, sigma), blurred_samples(world, 400, sigma, 0)
    return Particles(rollout.rk4(field, start, 0.1, 20), 0.1, 1)


@lru_cache
def stream_floor(world: str, sigma: float) -> float:
    """The mean distance of two independent clouds of 400."""
    return floor(lambda n, seed: blurred_samples(world, n, sigma, seed), 400)


def floor(draw: transport.Draw, n: int, seed: int = 0) -> float:
    """The mean distance of two fresh clouds of n points."""
    return transport.noise_floor(distance, draw, n, seed=seed)[0]


@lru_cache(maxsize=32)
@torch.no_grad()
def lorenz_paths(xy: float, xz: float, yz: float, eta: float, sigma: float) -> Tensor:
    """Four trajectories (T, 4, 3); the step shrinks with sigma, as the score steepens."""
    matrix = skew.from_entries(xy, xz, yz) + eta * torch.eye(3)
    drift = skew.Linear(matrix, score_and_density("lorenz", sigma)[0])
    samples = blurred_samples("lorenz", 400, 0.0, 1)
    start = samples[samples[:, 0].argsort()][50::100]  # two in each wing
    return torch.stack([x for _, x in walk(drift, start, 0.2 * sigma, 100, eta)])


def walk(drift: Field, x: Tensor, dt: float, steps: int, eta: float, seed: int = 0) -> Path:
    """Follow states by the drift, with noise if there is diffusion."""
    if eta > 0:
        return rollout.heun(drift, x, dt, steps, eta, seed)
    return rollout.rk4(drift, x, dt, steps)
