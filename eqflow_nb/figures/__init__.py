"""Pictures of clouds, flows and trajectories.  They draw what they are given and measure nothing.

Every function returns a matplotlib Figure; `show(figure, alt)` displays it.  What is drawn is in
scaled coordinates, one unit being a standard deviation (sd) of the samples.  Functions whose names
begin with `draw` fill one pair of axes: the panels are made of the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from eqflow_nb.figures.axes import (
    PLANE,
    POINTS,
    Field,
    LogDensity,
    cube,
    draw_cloud,
    draw_density,
    draw_streamlines,
    draw_trajectory,
    square,
)
from eqflow_nb.figures.images import (
    VELOCITY,
    curves,
    draw_image,
    draw_tracks,
    expected_and_found,
    frames,
    grouped_bars,
    images,
    motion,
    sheets,
    track_frames,
    two_virtues,
)
from eqflow_nb.figures.measures import (
    bars,
    distances,
    loss_curves,
    lyapunov_convergence,
    sampler_curve,
    similarity_heatmap,
    solution_space,
)
from eqflow_nb.figures.style import (
    PALETTE,
    array,
    colour,
    colours,
    film,
    grid,
    in_units,
    png,
    show,
    style,
)

__all__ = [
    "track_frames",
    "two_virtues",
    "motion",
    "sheets",
    "images",
    "frames",
    "grouped_bars",
    "draw_tracks",
    "expected_and_found",
    "draw_image",
    "curves",
    "VELOCITY",
    "PALETTE",
    "bars",
    "cloud",
    "clouds",
    "colour",
    "distances",
    "draw_cloud",
    "draw_density",
    "draw_streamlines",
    "draw_trajectory",
    "film",
    "flow_on_density",
    "grid",
    "loss_curves",
    "lyapunov_convergence",
    "pairs_2d",
    "png",
    "rollout_strip",
    "sampler_curve",
    "show",
    "sigma_gallery",
    "similarity_heatmap",
    "solution_space",
    "style",
    "trajectories_3d",
]


def cloud(samples: Any, title: str = "", axes: Sequence[str] = PLANE, extent: float = 3) -> Figure:
    """One cloud of samples (n, 2)."""
    return clouds({title: samples}, axes, extent)


def clouds(
    groups: Mapping[str, Any],
    axes: Sequence[str] = PLANE,
    extent: float = 3,
    columns: int = 4,
) -> Figure:
    """Clouds {title: samples (n, 2)} side by side on common axes."""
    figure, panes = grid(len(groups), columns, _size(len(groups), columns))
    for index, (pane, (title, samples)) in enumerate(zip(panes, groups.items())):
        draw_cloud(pane, samples, colour(title), points=POINTS)
        pane.set_title(title)
        square(pane, extent, axes, inner=index % columns == 0)
    return figure


def flow_on_density(
    fields: Mapping[str, Field],
    log_density: LogDensity,
    extent: float = 3,
    particles: Any = None,
    columns: int = 4,
    axes: Sequence[str] = PLANE,
) -> Figure:
    """Streamlines of fields {title: (B, 2) -> (B, 2)} over one density, with particles (n, 2)."""
    figure, panes = grid(len(fields), columns, _size(len(fields), columns))
    for index, (pane, (title, field)) in enumerate(zip(panes, fields.items())):
        draw_density(pane, log_density, extent)
        draw_streamlines(pane, field, extent)
        if particles is not None:
            draw_cloud(pane, particles, PALETTE["score"], size=5, alpha=0.8, points=200)
        pane.set_title(title)
        square(pane, extent, axes, inner=index % columns == 0)
    return figure


def sigma_gallery(
    densities: Mapping[float, LogDensity], extent: float = 3, samples: Any = None
) -> Figure:
    """Densities {sigma: log density} side by side; samples (n, 2) are drawn on all of them."""
    figure, panes = grid(len(densities), 5, _size(len(densities), 5))
    for index, (pane, (sigma, log_density)) in enumerate(zip(panes, densities.items())):
        draw_density(pane, log_density, extent)
        if samples is not None:
            draw_cloud(pane, samples, "#222222", size=2, alpha=0.35, points=300)
        pane.set_title(f"σ = {sigma:g}")
        square(pane, extent, inner=index == 0)
    return figure


def rollout_strip(
    strips: Mapping[str, Mapping[float, Any]],
    axes: Sequence[str] = PLANE,
    extent: float = 3,
    points: int = 800,
) -> Figure:
    """Clouds {flow: {time: states (n, 2)}}: a row for each flow, a column for each time.

    Points outside the picture are counted in its corner.
    """
    times = list(next(iter(strips.values())))
    width = min(2.0, 8.4 / len(times))
    figure, panes = grid(len(strips) * len(times), len(times), (width, width * 0.93))
    cells = iter(panes)
    tints = colours(list(strips))
    for row, (flow, states) in enumerate(strips.items()):
        for column, (time, x) in enumerate(states.items()):
            pane = next(cells)
            draw_cloud(pane, x, tints[row], size=2.5, points=points)
            square(pane, extent, axes, inner=column == 0)
            outside = (np.abs(array(x)) > extent).any(axis=1).mean()
            if outside > 0.005:
                pane.text(
                    0.97,
                    0.03,
                    f"{outside:.0%} outside",
                    transform=pane.transAxes,
                    ha="right",
                    fontsize=7,
                    color=PALETTE["score"],
                )
            if row == 0:
                pane.set_title(f"t = {time:g}")
            if row < len(strips) - 1:
                pane.set(xlabel="", xticklabels=[])
            if column:
                pane.set_yticklabels([])
            else:
                pane.set_ylabel(f"{flow}\n{in_units(axes[1])}")
    return figure


def pairs_2d(
    groups: Mapping[str, Any],
    pair: tuple[int, int] = (0, 2),
    axes: Sequence[str] = ("x", "y", "z"),
    extent: float = 3,
    columns: int = 4,
) -> Figure:
    """Two coordinates of clouds {title: samples (n, d)}; for Lorenz x and z show the wings."""
    flat = {title: array(x)[:, list(pair)] for title, x in groups.items()}
    return clouds(flat, [axes[i] for i in pair], extent, columns)


def trajectories_3d(
    paths: Mapping[str, Any],
    axes: Sequence[str] = ("x", "y", "z"),
    cloud: Any = None,
    columns: int = 3,
    extent: float = 2.7,
) -> Figure:
    """Paths {title: (T, 3)} in space, side by side, with samples (n, 3) faintly behind them."""
    figure, panes = grid(len(paths), columns, (2.8, 2.6), subplot_kw={"projection": "3d"})
    tints = colours(list(paths))
    for pane, (title, path), tint in zip(panes, paths.items(), tints, strict=True):
        draw_trajectory(pane, path, cloud, tint)
        pane.set_title(title, y=0.95)
        cube(pane, extent, axes)
    return figure


def _size(count: int, columns: int) -> tuple[float, float]:
    """The size of one of `count` square pictures, in inches: few are larger."""
    width = min(3.4, 8.8 / min(count, columns))
    return width, width + 0.2
