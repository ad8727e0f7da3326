"""The panel of a reader's own points: noise level and strength of the flow, on any cloud."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from matplotlib.axes import Axes

from eqflow_nb import rollout, scores
from eqflow_nb.figures.axes import draw_density, draw_streamlines, square
from eqflow_nb.flows import at_common_speed, skew
from eqflow_nb.inputs import Field, InputError, as_samples
from eqflow_nb.panels.base import Panel, slider
from eqflow_nb.panels.motion import TURN, Particles, draw_particles
from eqflow_nb.report.points import extent_of
from eqflow_nb.scores.noise_level import choose_sigma
from eqflow_nb.snapshots.base import blur
from eqflow_nb.snapshots.cells import AXES, cells
from eqflow_nb.snapshots.dots import thinned

MOST, PARTICLES = 800, 80
FRAME = 0.1


def own_panel(
    samples: Any = None,
    axes: Sequence[str] = ("x", "y"),
    sigma: float | None = None,
    gamma: float = 1.0,
    time: float = 0.5,
) -> Panel:
    """Set noise level and skew strength on a cloud in the plane, by default the blood cells.

    Of the samples (n, 2) at most 800 are used, each column scaled to unit deviation.  Without a
    sigma the panel begins with the one chosen automatically.
    """
    if samples is None:
        samples, axes = cells().points, AXES
    x = as_samples(samples, "samples", dim=2, at_least=20, vary=True).detach().cpu().float()
    if len(axes) != 2:
        raise InputError(f"axes is {list(axes)}; give two names")
    x = thinned(x, MOST)
    x = (x - x.mean(0)) / x.std(0)
    chosen, extent = choose_sigma(x).sigma, extent_of(x)
    start = min(0.8, max(0.05, round((sigma or chosen) / 0.05) * 0.05))

    @lru_cache(maxsize=32)
    def mixture(sigma: float) -> scores.MixtureScore:
        spread = sigma**2 * torch.eye(2).expand(len(x), 2, 2)
        return scores.MixtureScore(torch.ones(len(x)), x, spread)

    @lru_cache(maxsize=32)
    def flow(sigma: float) -> Field:
        turn = skew.constant(TURN, scores.KernelDensityScore(x, sigma))
        return at_common_speed(turn, blur(x[:400], sigma, 0))

    @lru_cache(maxsize=32)
    def particles(sigma: float, gamma: float) -> Particles:
        v, first = flow(sigma), blur(x[:PARTICLES], sigma, 0)
        every = math.ceil(FRAME * max(abs(gamma), 0.1) / min(0.1, sigma / 2) - 1e-9)
        path = rollout.rk4(lambda y: gamma * v(y), first, FRAME / every, 10 * every)
        return Particles(path, FRAME, every)

    def draw(panes: Sequence[Axes], sigma: float, gamma: float, time: float) -> str:
        (pane,) = panes
        draw_density(pane, mixture(sigma).log_density, extent, cells=60)
        draw_streamlines(pane, lambda y: gamma * flow(sigma)(y), extent)
        said = draw_particles(pane, particles(sigma, gamma).until(time))
        square(pane, extent, axes)
        return f"{said} · automatic σ {chosen:.2f}"

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
