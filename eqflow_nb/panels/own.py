"""The panel of a reader's own points: noise level and strength of the flow, on any cloud."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from torch import Tensor

from eqflow_nb import rollout, scores
from eqflow_nb.figures.axes import draw_cloud, draw_density, draw_streamlines, square
from eqflow_nb.figures.style import PALETTE, array
from eqflow_nb.flows import at_common_speed, skew
from eqflow_nb.inputs import InputError, as_samples
from eqflow_nb.panels.base import Panel, slider
from eqflow_nb.panels.motion import Particles
from eqflow_nb.report.points import extent_of
from eqflow_nb.scores.noise_level import choose_sigma
from eqflow_nb.snapshots.base import blur
from eqflow_nb.snapshots.cells import AXES, cells

MOST, PARTICLES = 800, 80
FRAME = 0.1
NOW = PALETTE["score"]


def own_panel(
    samples: Any = None,
    axes: Sequence[str] = ("x", "y"),
    sigma: float | None = None,
    gamma: float = 1.0,
    time: float = 0.5,
) -> Panel:
    """Set noise level and skew strength on a cloud in the plane, by default the blood cells.

    Parameters
    ----------
    samples : (n, 2), optional
        Points; each column is scaled to unit deviation, and at most 800 are used.
    axes : (str, str)
        Names of the columns.
    sigma : float, optional
        The noise level to begin with; by default the one chosen automatically.
    gamma, time : float
        Strength of the flow, and how long its particles have moved.

    Raises
    ------
    InputError
        If the samples are not at least 20 finite points in the plane.
    """
    if samples is None:
        samples, axes = cells().points, AXES
    x = as_samples(samples, "samples", dim=2, at_least=20, vary=True).detach().cpu().float()
    if len(axes) != 2:
        raise InputError(f"axes is {list(axes)}; give two names")
    x = x[torch.randperm(len(x), generator=torch.Generator().manual_seed(0))][:MOST]
    x = (x - x.mean(0)) / x.std(0)
    chosen = choose_sigma(x).sigma
    start = min(0.8, max(0.05, round((sigma or chosen) / 0.05) * 0.05))
    cloud, extent = Cloud(x), extent_of(x)

    def draw(panes: Sequence[Axes], sigma: float, gamma: float, time: float) -> str:
        (pane,) = panes
        mixture, flow = cloud.mixture(sigma), cloud.flow(sigma)
        draw_density(pane, mixture.log_density, extent, cells=60)
        draw_streamlines(pane, lambda y: gamma * flow(y), extent)
        states = cloud.particles(sigma, gamma).until(time)
        tracks = list(array(states.transpose(0, 1)))
        pane.add_collection(LineCollection(tracks, colors=NOW, linewidths=0.8, alpha=0.35))
        draw_cloud(pane, states[-1], NOW, size=5, alpha=0.9)
        square(pane, extent, axes)
        away = float((states[-1] - states[0]).norm(dim=1).mean())
        return f"moved {away:.3f} sd · automatic σ {chosen:.2f}"

    controls = {
        "sigma": slider("noise level σ", start, 0.05, 0.8, 0.05),
        "gamma": slider("skew strength γ", gamma, -2, 2, 0.1, ".1f"),
        "time": slider("time", time, 0, 1, FRAME, ".1f"),
    }
    return Panel(
        draw,
        controls,
        twin={"sigma": [0.05, 0.1, 0.25, 0.5]},
        caption="Blue: the points, blurred by σ. Lines: the flow γ J s, at γ = 1 one radius of the "
        "cloud in a unit of time. Orange: particles now, with the way they came.",
        alt="Four noise levels on one cloud of points. At .05 the flow whirls around single points "
        "and the particles' paths are small curls; at .25 currents go around the whole cloud; at "
        ".5 the cloud is a smooth blob and the flow circles it.",
        step=FRAME,
    )


class Cloud:
    """Points (n, 2), with what the panel draws of them, each made once and kept."""

    def __init__(self, points: Tensor) -> None:
        self.points = points
        self.mixture = lru_cache(maxsize=32)(self._mixture)
        self.flow = lru_cache(maxsize=32)(self._flow)
        self.particles = lru_cache(maxsize=32)(self._particles)

    def _mixture(self, sigma: float) -> scores.MixtureScore:
        n = len(self.points)
        spread = sigma**2 * torch.eye(2).expand(n, 2, 2)
        return scores.MixtureScore(torch.ones(n), self.points, spread)

    def _blurred(self, n: int, sigma: float) -> Tensor:
        return blur(self.points[:n], sigma, 0)

    def _flow(self, sigma: float) -> Any:
        turn = skew.constant(skew.from_entries(1.0), scores.KernelDensityScore(self.points, sigma))
        return at_common_speed(turn, self._blurred(400, sigma))

    def _particles(self, sigma: float, gamma: float) -> Particles:
        flow = self.flow(sigma)
        every = math.ceil(FRAME * max(abs(gamma), 0.1) / min(0.1, sigma / 2) - 1e-9)
        path = rollout.rk4(
            lambda y: gamma * flow(y), self._blurred(PARTICLES, sigma), FRAME / every, 10 * every
        )
        return Particles(path, FRAME, every)
