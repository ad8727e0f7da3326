"""What the panels draw: blurred distributions, stream functions, particles, each made once."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor

from eqflow_nb import rollout, scores, snapshots
from eqflow_nb.figures.axes import LogDensity
from eqflow_nb.flows import at_common_speed, exact, skew
from eqflow_nb.inputs import Field
from eqflow_nb.measures import transport
from eqflow_nb.rollout import Path
from eqflow_nb.snapshots.base import blur

CLEAN = 0.05


class Quadratic:
    """The stream function c + b . x + x . A x / 2, with its gradient.

    Parameters
    ----------
    c : float
    b : (float, float)
    a : (float, float, float)
        The entries A_xx, A_xy and A_yy.
    """

    def __init__(
        self,
        c: float = 0.0,
        b: tuple[float, float] = (0.0, 0.0),
        a: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> None:
        self.c, self.b = c, torch.tensor(b)
        self.a = torch.tensor([[a[0], a[1]], [a[1], a[2]]])

    def with_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Value (B, 1) and gradient (B, 1, 2) at states (B, 2)."""
        slope = x @ self.a.to(x)
        value = self.c + ((self.b.to(x) + slope / 2) * x).sum(1, keepdim=True)
        return value, (self.b.to(x) + slope)[:, None]

    def __call__(self, x: Tensor) -> Tensor:
        """Value (B,) at states (B, 2)."""
        return self.with_gradient(x)[0][:, 0]


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
    "x y": Quadratic(a=(0.0, 1.0, 0.0)),
    "saddle": Quadratic(a=(2.0, 0.0, -2.0)),
    "waves 1": exact.Waves(2, seed=1),
    "waves 2": exact.Waves(2, seed=2),
    "waves 3": exact.Waves(2, seed=3),
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
    """States of an integrator, followed as far as anybody has asked for.

    Parameters
    ----------
    path : iterator of (t, x)
    frame : float
        The time between states kept.
    every : int
        The integrator's steps in that time.
    keep : callable of a state -> Tensor, optional
        What is kept of it.
    """

    def __init__(
        self,
        path: Path,
        frame: float,
        every: int,
        keep: Callable[[Tensor], Tensor] = lambda x: x,
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


@lru_cache(maxsize=32)
def toy_particles(world: str, gamma: float, eta: float, sigma: float) -> Particles:
    """Follow 120 particles; a step is short enough for the steepest part of the score."""
    frame, frames = 0.02, 25
    every = math.ceil(frame * (abs(gamma) + eta) / (0.3 * (sigma**2 + 0.015)) + 1e-9)
    drift = skew.Linear(
        gamma * skew.from_entries(1.0) + eta * torch.eye(2), score_and_density(world, sigma)[0]
    )
    start = blurred_samples(world, 120, sigma, 0)
    return Particles(_walk(drift, start, frame / every, frames * every, eta), frame, every)


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
    distance = partial(transport.sliced_wasserstein, projections=50)
    draw = partial(blurred_samples, world, sigma=sigma)
    return transport.noise_floor(distance, lambda n, seed: draw(n, seed=seed), 400)[0]


@lru_cache(maxsize=32)
@torch.no_grad()
def lorenz_paths(xy: float, xz: float, yz: float, eta: float, sigma: float) -> Tensor:
    """Four trajectories (T, 4, 3); the step shrinks with sigma, as the score steepens."""
    matrix = skew.from_entries(xy, xz, yz) + eta * torch.eye(3)
    drift = skew.Linear(matrix, score_and_density("lorenz", sigma)[0])
    samples = blurred_samples("lorenz", 400, 0.0, 1)
    start = samples[samples[:, 0].argsort()][50::100]  # two in each wing
    return torch.stack([x for _, x in _walk(drift, start, 0.2 * sigma, 100, eta)])


def _walk(drift: Field, x: Tensor, dt: float, steps: int, eta: float) -> Path:
    if eta > 0:
        return rollout.heun(drift, x, dt, steps, eta)
    return rollout.rk4(drift, x, dt, steps)
