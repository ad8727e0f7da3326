"""Pictures of a drawing: its score, the flow that keeps it, particles before and after."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eqflow_nb.figures.axes import (
    draw_arrows,
    draw_cloud,
    draw_density,
    draw_streamlines,
    lattice,
    square,
)
from eqflow_nb.figures.style import PALETTE, grid
from eqflow_nb.flows import skew
from eqflow_nb.panels.drawn_motion import Motion
from eqflow_nb.snapshots.dots import EXTENT

DOT, PARTICLE = "#222222", PALETTE["score"]
ARROWS = 21  # in a row


def draw_score(axes: Axes, motion: Motion) -> None:
    """The score of a blurred drawing, as arrows."""
    at = lattice(EXTENT * (1 - 1 / ARROWS), ARROWS)
    draw_arrows(axes, at, motion.score(at), 1.8 * EXTENT / ARROWS)


def draw_flow(axes: Axes, motion: Motion, gamma: float) -> None:
    """The density of a blurred drawing, with the flow that keeps it."""
    draw_density(axes, motion.mixture.log_density, EXTENT, cells=60)
    draw_streamlines(axes, motion.flow(gamma), EXTENT)


def before_and_after(motion: Motion, gamma: float, eta: float, frames: int) -> Figure:
    """Score, flow, and particles at the start and some frames later, side by side."""
    figure, panes = grid(4, 4, (2.2, 2.27))
    draw_score(panes[0], motion)
    draw_cloud(panes[0], motion.dots, DOT, size=2, alpha=0.6)
    draw_flow(panes[1], motion, gamma)
    titles = [f"score, σ = {motion.sigma:.2f}", f"flow, γ = {gamma:.1f}", "start"]
    draw_cloud(panes[2], motion.x, PARTICLE, size=5, alpha=0.7)
    draw_cloud(
        panes[3], motion.advance(gamma * skew.from_entries(1.0), eta, frames), PARTICLE, 5, 0.7
    )
    titles.append(f"t = {motion.time:.0f}: {motion.distance():.1f} floors")
    for index, (pane, title) in enumerate(zip(panes, titles, strict=True)):
        square(pane, EXTENT, ("x (sheet)", "y (sheet)"), inner=index == 0)
        pane.set_title(title)
    return figure
