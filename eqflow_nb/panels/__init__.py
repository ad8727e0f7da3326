"""The panels of the chapters.  A cell's last line may name one, such as `toy_panel()`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eqflow_nb.figures import axes
from eqflow_nb.figures.style import PALETTE
from eqflow_nb.panels import motion
from eqflow_nb.panels.base import Panel, slider
from eqflow_nb.panels.clouds import draw_panel, own_panel, start_panel, stream_panel, toy_panel
from eqflow_nb.panels.motion import blurred_samples

__all__ = ["draw_panel", "lorenz_panel", "own_panel", "start_panel", "stream_panel", "toy_panel"]


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
