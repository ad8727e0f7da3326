"""What moves in a drawing: its score, the flow that keeps it, particles; and their pictures."""

from __future__ import annotations

import math
from functools import cached_property

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from eqflow_nb import scores
from eqflow_nb.figures import axes as draw
from eqflow_nb.figures.style import PALETTE, grid
from eqflow_nb.flows import skew
from eqflow_nb.inputs import Field, between
from eqflow_nb.panels.motion import TURN, distance, floor, walk
from eqflow_nb.snapshots import dots as drawn

CENTRES = 800  # dots that make the density: more cost time and change little
PARTICLES = 300
FRAME = 1 / 15  # seconds, and time, between two pictures
STEEP = 0.3  # an integrator's step, over the time in which the steepest score acts
STEPS = 4  # at most, in a frame: where the score is steep, time passes more slowly
DOT, PARTICLE = "#222222", PALETTE["score"]
ARROWS = 21  # in a row


class Motion:
    """Particles of dx = c (A + eta) s dt + sqrt(2 c eta) dW in a drawing's blurred distribution.

    With A skew, such as gamma J, the distribution is kept for every eta: s is the exact score of
    the drawing (n, 2) blurred by sigma.  The constant c only sets the clock: J s has rms speed 1.
    The particles are at `x` (particles, 2) after `time`.
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
        return skew.constant(self.pace * gamma * TURN, self.score)

    def advance(self, matrix: Tensor, eta: float = 0.0, frames: int = 1) -> Tensor:
        """Move the particles on by some frames, and return them; `matrix` (2, 2) is A above."""
        rate = self.pace * (float(torch.linalg.matrix_norm(matrix, 2)) + between(eta, "eta", 0, 10))
        if rate == 0:
            return self.x
        longest = STEEP * self.sigma**2 / rate
        steps = min(STEPS, math.ceil(FRAME / longest))
        dt = min(FRAME / steps, longest)
        drift = skew.Linear(self.pace * (matrix + eta * torch.eye(2)), self.score)
        for _ in range(frames):
            self.frames += 1
            # Each frame needs noise of its own, hence the seed.
            *_, (_, self.x) = walk(drift, self.x, dt, steps, self.pace * eta, self.frames)
            self.time += steps * dt
        return self.x

    @cached_property
    def floor(self) -> float:
        """The mean distance of two fresh clouds of as many points."""
        return floor(self.draw, len(self.x), self.seed)

    def distance(self) -> float:
        """Distance of the particles to a fresh cloud, in floors: 1 is perfect."""
        return distance(self.x, self.draw(len(self.x), self.seed + 101)) / self.floor


def draw_score(axes: Axes, motion: Motion) -> None:
    """The score of a blurred drawing, as arrows."""
    at = draw.lattice(drawn.EXTENT * (1 - 1 / ARROWS), ARROWS)
    draw.draw_arrows(axes, at, motion.score(at), 1.8 * drawn.EXTENT / ARROWS)


def draw_flow(axes: Axes, motion: Motion, gamma: float) -> None:
    """The density of a blurred drawing, with the flow that keeps it."""
    draw.draw_density(axes, motion.mixture.log_density, drawn.EXTENT, cells=60)
    draw.draw_streamlines(axes, motion.flow(gamma), drawn.EXTENT)


def before_and_after(motion: Motion, gamma: float, eta: float, frames: int) -> Figure:
    """Score, flow, and particles at the start and some frames later, side by side."""
    figure, panes = grid(4, 4, (2.2, 2.27))
    draw_score(panes[0], motion)
    draw.draw_cloud(panes[0], motion.dots, DOT, size=2, alpha=0.6)
    draw_flow(panes[1], motion, gamma)
    titles = [f"score, σ = {motion.sigma:.2f}", f"flow, γ = {gamma:.1f}", "start"]
    draw.draw_cloud(panes[2], motion.x, PARTICLE, size=5, alpha=0.7)
    draw.draw_cloud(panes[3], motion.advance(gamma * TURN, eta, frames), PARTICLE, 5, 0.7)
    titles.append(f"t = {motion.time:.0f}: {motion.distance():.1f} floors")
    for index, (pane, title) in enumerate(zip(panes, titles, strict=True)):
        draw.square(pane, drawn.EXTENT, ("x (sheet)", "y (sheet)"), inner=index == 0)
        pane.set_title(title)
    return figure
