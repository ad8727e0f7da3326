"""What moves in a drawing: its score, the flow that keeps it, and particles that never stop."""

from __future__ import annotations

import math
from functools import cached_property, partial

import torch
from torch import Tensor

from eqflow_nb import rollout, scores
from eqflow_nb.flows import skew
from eqflow_nb.inputs import Field, between
from eqflow_nb.measures import transport
from eqflow_nb.snapshots import dots as drawn

CENTRES = 800  # dots that make the density: more cost time and change little
PARTICLES = 300
FRAME = 1 / 15  # seconds, and time, between two pictures
STEEP = 0.3  # an integrator's step, over the time in which the steepest score acts
STEPS = 4  # at most, in a frame: where the score is steep, time passes more slowly
PROJECTIONS = 50


class Motion:
    """Particles of dx = c (A + eta) s dt + sqrt(2 c eta) dW in a drawing's blurred distribution.

    With A skew, such as gamma J, the distribution is kept for every eta: s is the exact score of
    the drawing blurred by sigma.  The constant c only sets the clock: J s has rms speed 1.

    Parameters
    ----------
    dots : Tensor (n, 2)
        A drawing.
    sigma : float
        Noise level, in the units of the sheet.
    particles : int
    seed : int

    Attributes
    ----------
    x : Tensor (particles, 2)
        Where the particles are.
    time : float
        How long they have moved.
    score : KernelDensityScore

    Raises
    ------
    InputError
        If there is no dot, or sigma is not > 0.
    """

    def __init__(
        self, dots: Tensor, sigma: float, particles: int = PARTICLES, seed: int = 0
    ) -> None:
        self.dots, self.sigma, self.seed = drawn.thinned(dots, CENTRES), sigma, seed
        self.world = drawn.world(self.dots)
        self.score = scores.KernelDensityScore(self.dots, sigma)
        self.draw = self.world.blurred(sigma)
        self.x = self.draw(particles, seed)
        self.time, self.frames = 0.0, 0
        self.pace = 1 / float(self.score(self.x).square().sum(1).mean().sqrt().clamp(min=1e-6))

    @cached_property
    def mixture(self) -> scores.MixtureScore:
        """The blurred drawing as a mixture, for its density."""
        assert self.world.mixture is not None
        return scores.MixtureScore(*self.world.mixture(self.sigma))

    def flow(self, gamma: float) -> Field:
        """v = c gamma J s, which keeps the distribution."""
        return skew.constant(self.pace * gamma * skew.from_entries(1.0), self.score)

    def advance(self, matrix: Tensor, eta: float = 0.0, frames: int = 1) -> Tensor:
        """Move the particles on by some frames, and return them.

        Parameters
        ----------
        matrix : Tensor (2, 2)
            A in the equation above; what is not skew doesn't keep the distribution.
        eta : float
            The diffusion; >= 0.
        frames : int
        """
        rate = self.pace * (float(torch.linalg.matrix_norm(matrix, 2)) + between(eta, "eta", 0, 10))
        if rate == 0:
            return self.x
        longest = STEEP * self.sigma**2 / rate
        steps = min(STEPS, math.ceil(FRAME / longest))
        dt = min(FRAME / steps, longest)
        drift = skew.Linear(self.pace * (matrix + eta * torch.eye(2)), self.score)
        for _ in range(frames):
            self.frames += 1
            if eta > 0:
                # Each frame needs noise of its own.
                path = rollout.heun(drift, self.x, dt, steps, self.pace * eta, self.frames)
            else:
                path = rollout.rk4(drift, self.x, dt, steps)
            *_, (_, self.x) = path
            self.time += steps * dt
        return self.x

    @cached_property
    def floor(self) -> float:
        """The mean distance of two fresh clouds of as many points."""
        distance = partial(transport.sliced_wasserstein, projections=PROJECTIONS)
        return transport.noise_floor(distance, self.draw, len(self.x), seed=self.seed)[0]

    def distance(self) -> float:
        """Distance of the particles to a fresh cloud, in floors: 1 is perfect."""
        fresh = self.draw(len(self.x), self.seed + 101)
        return transport.sliced_wasserstein(self.x, fresh, PROJECTIONS) / self.floor
