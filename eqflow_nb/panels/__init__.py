"""The panels of the first chapters.  `toy_panel().show()` displays one with its static twin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from eqflow_nb.figures import axes
from eqflow_nb.figures.style import PALETTE
from eqflow_nb.flows import skew
from eqflow_nb.panels import motion
from eqflow_nb.panels.base import Panel, dropdown, slider
from eqflow_nb.panels.motion import NOW, PSI, blurred_samples, score_and_density, stream_particles

TOYS = ("two_peaks", "ring", "two_moons", "checkerboard", "pinwheel")
EXTENT = 3.0
BEFORE = "#8c8c8c"


def toy_panel(world: str = "two_peaks") -> Panel:
    """Set skew strength, diffusion and noise level: which motions keep the cloud."""
    controls = {
        "world": dropdown("world", world, TOYS),
        "gamma": slider("skew strength γ", 1.0, -2, 2, 0.1, ".1f"),
        "eta": slider("diffusion η", 0.0, 0, 1, 0.05),
        "sigma": slider("noise level σ", 0.15, 0.1, 0.6, 0.05),
        "time": slider("time", 0.2, 0, 0.5, 0.02),
    }
    return Panel(
        draw_toys,
        controls,
        twin={"gamma": [-1, 0, 1, 2]},
        caption="Blue: p, blurred by σ. Lines: the flow γ J s. Orange: particles now, with the way "
        "they came.",
        alt="Four pictures of one cloud at skew strengths -1, 0, 1 and 2. Streamlines follow the "
        "level lines of the density, one way for negative strength, the other for positive; at 0 "
        "there are none and the particles stay where they are. The cloud looks the same in all.",
        step=0.02,
    )


def draw_toys(
    panes: Sequence[Axes], world: str, gamma: float, eta: float, sigma: float, time: float
) -> str:
    """Density, flow gamma J s, and particles of dx = (gamma J + eta) s dt + sqrt(2 eta) dW."""
    (pane,) = panes
    score, log_density = score_and_density(world, sigma)
    axes.draw_density(pane, log_density, EXTENT)
    axes.draw_streamlines(pane, skew.constant(gamma * motion.TURN, score), EXTENT)
    said = motion.draw_particles(pane, motion.toy_particles(world, gamma, eta, sigma).until(time))
    axes.square(pane, EXTENT)
    return said


def stream_panel(world: str = "two_peaks", psi: str = "saddle", mix: float = 1.0) -> Panel:
    """Choose a stream function: the field changes, the cloud doesn't."""
    controls = {
        "world": dropdown("world", world, ("two_peaks", "ring", "two_moons")),
        "psi": dropdown("stream function ψ", psi, tuple(PSI)),
        "mix": slider("share of ψ: m", mix, 0, 1, 0.1, ".1f"),
        "time": slider("time", 1.0, 0, 2, 0.1, ".1f"),
    }
    return Panel(
        draw_streams,
        controls,
        twin={"psi": ["constant", "x", "saddle", "waves 1"]},
        caption="Left: the flow J(∇ψ + ψ s) over p. Right: particles at the start (grey) and now "
        "(orange). Time counts path in radii of the cloud.",
        alt="Four stream functions above, the cloud they move below. The four fields circle in "
        "quite different ways, yet the particles at the start and one radius of path later "
        "fill the same shape.",
        panes=2,
        step=0.1,
    )


def draw_streams(panes: Sequence[Axes], world: str, psi: str, mix: float, time: float) -> str:
    """The field of a stream function over p; particles at the start and at a time."""
    sigma = 0.15
    left, right = panes
    states = stream_particles(world, psi, mix, sigma).until(time)
    axes.draw_density(left, score_and_density(world, sigma)[1], EXTENT)
    axes.draw_streamlines(left, motion.stream_field(world, psi, mix, sigma), EXTENT)
    for states_then, tint in ((states[0], BEFORE), (states[-1], NOW)):
        axes.draw_cloud(right, states_then, tint, size=6, alpha=0.6)
    for pane in panes:
        axes.square(pane, EXTENT)
    fresh = blurred_samples(world, 400, sigma, 1)
    away = motion.distance(states[-1], fresh) / motion.stream_floor(world, sigma)
    return f"{motion.moved(states)} · distance to fresh samples {away:.2f} noise floors"


def lorenz_panel() -> Panel:
    """The three entries of a constant skew matrix on the Lorenz attractor's snapshots."""
    controls = {
        "xy": slider("K[x,y]", 0.3, -1, 1, 0.1, ".1f"),
        "xz": slider("K[x,z]", 1.0, -1, 1, 0.1, ".1f"),
        "yz": slider("K[y,z]", 0.5, -1, 1, 0.1, ".1f"),
        "eta": slider("diffusion η", 0.0, 0, 1, 0.05),
        "sigma": slider("noise level σ", 0.3, 0.1, 0.6, 0.05),
    }
    return Panel(
        draw_lorenz,
        controls,
        twin={"xz": [-1, 0, 1]},
        caption="Grey: snapshots. Lines: four trajectories of K s, dots where they end.",
        alt="Trajectories of three constant skew flows over the Lorenz attractor's snapshots: "
        "closed loops in parallel planes, differently tilted in each picture; none switches "
        "between the wings as the true trajectory does.",
        projection="3d",
    )


def draw_lorenz(
    panes: Sequence[Any], xy: float, xz: float, yz: float, eta: float, sigma: float
) -> str:
    """Trajectories of dx = (K + eta) s dt + sqrt(2 eta) dW, with the snapshots behind them."""
    (pane,) = panes
    states = motion.lorenz_paths(xy, xz, yz, eta, sigma)
    snapshots_shown = blurred_samples("lorenz", 400, 0.0, 1)
    tints = ("exact", "learned", "skew", "symmetric")
    for index, tint in enumerate(tints):
        shown = snapshots_shown if index == 0 else None
        axes.draw_trajectory(pane, states[:, index], shown, PALETTE[tint])
    axes.cube(pane, 2.7, ("x", "y", "z"))
    away = float((states - states[0]).norm(dim=2).mean())
    return f"moved {away:.3f} sd from the start, on average over the path"
