"""Pictures of clouds, flows and trajectories.  They draw what they are given and measure nothing.

Every function returns a matplotlib Figure; `show(figure, alt)` displays it.  What is drawn is in
scaled coordinates, one unit being a standard deviation (sd) of the samples.  Functions whose names
begin with `draw` fill one pair of axes: the panels are made of the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from .figures_measures import (
    bars,
    distances,
    loss_curves,
    lyapunov_convergence,
    sampler_curve,
    similarity_heatmap,
    solution_space,
)
from .figures_style import (
    DENSITY,
    FAINT,
    PALETTE,
    array,
    colour,
    film,
    grid,
    in_units,
    name_axes,
    png,
    show,
    style,
    thin,
)

__all__ = [
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

Field = Callable[[Tensor], Tensor]
LogDensity = Callable[[Tensor], Tensor]
POINTS = 1500
PLANE = ("x", "y")


# ---- one pair of axes ----


def draw_cloud(
    axes: Axes,
    samples: Any,
    colour: str = PALETTE["learned"],
    size: float = 3,
    alpha: float = 0.5,
    points: int = POINTS,
) -> None:
    """Draw samples (n, 2) as dots, at most `points` of them."""
    x = thin(samples, points)
    axes.scatter(x[:, 0], x[:, 1], s=size, c=colour, alpha=alpha, linewidths=0, rasterized=True)


def draw_density(axes: Axes, log_density: LogDensity, extent: float, cells: int = 80) -> None:
    """Shade p, darkest at its peak, from a log density (B, 2) -> (B,)."""
    points = _lattice(extent, cells)
    with torch.no_grad():
        p = array(log_density(points).exp()).reshape(cells, cells)
    axes.imshow(
        np.sqrt(p),  # the tails show too
        extent=(-extent, extent, -extent, extent),
        origin="lower",
        cmap=DENSITY,
        vmin=0,
        vmax=1.6 * math.sqrt(p.max()),
        interpolation="bilinear",
        zorder=0,
    )


def draw_streamlines(
    axes: Axes, field: Field, extent: float, cells: int = 22, density: float = 0.7
) -> None:
    """Draw the lines a field (B, 2) -> (B, 2) follows, thicker where it is fast."""
    line = np.linspace(-extent, extent, cells)
    with torch.no_grad():
        v = array(field(_lattice(extent, cells))).reshape(cells, cells, 2)
    speed = np.linalg.norm(v, axis=2)
    if not np.isfinite(speed).all():
        raise ValueError("the field is not finite everywhere in the picture")
    if speed.max() < 1e-9:
        axes.text(0.5, 0.03, "no motion", transform=axes.transAxes, ha="center", color="#555555")
        return
    axes.streamplot(
        line,
        line,
        v[..., 0],
        v[..., 1],
        density=density,
        color="#5a6472",
        linewidth=0.5 + 1.2 * np.sqrt(speed / speed.max()),
        arrowsize=0.7,
    )


def draw_trajectory(axes: Any, path: Any, cloud: Any = None, colour: str = "#0072b2") -> None:
    """Draw a path (T, 3), and samples (n, 3) faintly behind it, on three-dimensional axes."""
    if cloud is not None:
        axes.scatter(*thin(cloud, 700).T, s=3, c=FAINT, alpha=0.6, linewidths=0, depthshade=False)
    path = array(path)
    axes.plot(*path.T, color=colour, linewidth=0.6, alpha=0.85)
    axes.scatter(*path[-1:].T, s=14, c=colour, edgecolors="white", linewidths=0.5)


def square(axes: Axes, extent: float, labels: Sequence[str] = PLANE, inner: bool = True) -> None:
    """Make axes square, from -extent to extent both ways, and label them."""
    axes.set(xlim=(-extent, extent), ylim=(-extent, extent), aspect="equal")
    ticks = np.arange(-math.floor(extent / 2) * 2, extent + 0.1, 2)
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    name_axes(axes, labels, inner)


# ---- whole figures ----


def cloud(samples: Any, title: str = "", axes: Sequence[str] = PLANE, extent: float = 3) -> Figure:
    """One cloud of samples (n, 2)."""
    return clouds({title: samples}, axes, extent, width=3.4)


def clouds(
    groups: Mapping[str, Any],
    axes: Sequence[str] = PLANE,
    extent: float = 3,
    columns: int = 4,
    width: float = 2.2,
) -> Figure:
    """Clouds {title: samples (n, 2)} side by side on common axes."""
    figure, panes = grid(len(groups), columns, (width, width + 0.25))
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
    figure, panes = grid(len(fields), columns, (2.2, 2.45))
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
    figure, panes = grid(len(densities), 5, (2.0, 2.25))
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
    for row, (flow, states) in enumerate(strips.items()):
        for column, (time, x) in enumerate(states.items()):
            pane = next(cells)
            draw_cloud(pane, x, colour(flow, row), size=2.5, points=points)
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
    for index, (pane, (title, path)) in enumerate(zip(panes, paths.items())):
        draw_trajectory(pane, path, cloud, colour(title, index))
        pane.set_title(title)
        cube(pane, extent, axes)
    return figure


def cube(axes: Any, extent: float, labels: Sequence[str]) -> None:
    """Set up three-dimensional axes: a light box, few ticks, labels with their units."""
    axes.set(xlim=(-extent, extent), ylim=(-extent, extent), zlim=(-extent, extent))
    for axis, label in zip((axes.xaxis, axes.yaxis, axes.zaxis), labels, strict=True):
        axis.set_ticks([-2, 0, 2])
        axis.set_pane_color((1, 1, 1, 1))
        axis.set_tick_params(labelsize=7, pad=-3)
        axis.set_label_text(in_units(label), fontsize=8)
        axis.labelpad = -9
    axes.grid(False)
    axes.view_init(elev=14, azim=-62)
    axes.set_box_aspect((1, 1, 1), zoom=1.12)


def _lattice(extent: float, cells: int) -> Tensor:
    """The points (cells^2, 2) of a square lattice, row by row from the bottom."""
    line = torch.linspace(-extent, extent, cells)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], dim=1)
