"""What fills one pair of axes: clouds, densities, streamlines, paths, images with tracks."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from eqflow_nb.figures.style import FAINT, PALETTE, array, in_units, thin
from eqflow_nb.inputs import Field

LogDensity = Callable[[Tensor], Tensor]
PATTERN, VELOCITY = "magma", "RdBu_r"  # colour maps of a concentration, and of its change
POINTS = 1500
CELLS = 41
STILL = 1e-9
SPACE = 3.5
FLOW = "#5a6472"
PLANE = ("x", "y")
Labels = Sequence[str]


def draw_cloud(
    axes: Axes, samples: Any, colour: str = PALETTE["learned"], size: float = 3, alpha: float = 0.5,
    points: int = POINTS,
) -> None:  # fmt: skip
    """Draw samples (n, 2) as dots, at most `points` of them."""
    x = thin(samples, points)
    axes.scatter(x[:, 0], x[:, 1], s=size, c=colour, alpha=alpha, linewidths=0, rasterized=True)


def draw_density(axes: Axes, log_density: LogDensity, extent: float, cells: int = 80) -> None:
    """Shade p, darkest at its peak, from a log density (B, 2) -> (B,)."""
    with torch.no_grad():
        p = array(log_density(lattice(extent, cells)).exp()).reshape(cells, cells)
    root, corners = np.sqrt(p), (-extent, extent, -extent, extent)  # of p: the tails show too
    axes.imshow(
        root, extent=corners, origin="lower", cmap="Blues", vmin=0, vmax=1.6 * root.max(),
        interpolation="bilinear", zorder=0,
    )  # fmt: skip


def draw_streamlines(axes: Axes, field: Field, extent: float, seeds: int = 9) -> None:
    """Draw streamlines of a field (B, 2) -> (B, 2), thicker where fast, about `seeds` each way."""
    with torch.no_grad():
        v = field(lattice(extent, CELLS)).reshape(CELLS, CELLS, 2).double()
    if not torch.isfinite(v).all():
        raise ValueError("the field is not finite everywhere in the picture")
    if (speed := v.norm(dim=2)).max() < STILL:
        axes.text(0.5, 0.03, "no flow", transform=axes.transAxes, ha="center", color="#555555")
        return
    line, (x, y) = np.linspace(-extent, extent, CELLS), array(v.permute(2, 0, 1))
    width = 0.3 + (speed / speed.quantile(0.7).clamp(min=STILL)).clamp(max=1).sqrt()
    look: dict[str, Any] = {"linewidth": array(width), "color": FLOW, "arrowsize": 0.7}
    axes.streamplot(line, line, x, y, density=seeds / 12, **look)


def draw_trajectory(axes: Any, path: Any, cloud: Any = None, colour: str = "#0072b2") -> None:
    """Draw a path (T, 3), and samples (n, 3) faintly behind it, on three-dimensional axes."""
    if cloud is not None:
        axes.scatter(*thin(cloud, 700).T, s=3, c=FAINT, alpha=0.6, linewidths=0, depthshade=False)
    path = array(path)
    path = np.where(np.abs(path) > SPACE, np.nan, path)  # nothing clips a path that leaves
    axes.plot(*path.T, color=colour, linewidth=0.6, alpha=0.85)
    axes.scatter(*path[-1:].T, s=14, c=colour, edgecolors="white", linewidths=0.5)


def draw_image(
    axes: Axes, image: Any, limits: tuple[float, float] | None = None, kind: str = PATTERN
) -> None:
    """Draw (3, H, W) as colours in [0, 1], (H, W) by a colour map; velocities evenly about 0."""
    image = array(image)
    if image.ndim == 3:
        axes.imshow(image.transpose(1, 2, 0).clip(0, 1), interpolation="nearest")
    else:
        if limits is None and kind == VELOCITY:
            most = float(np.abs(image).max()) or 1.0
            limits = (-most, most)
        low, high = limits or (None, None)
        axes.imshow(image, cmap=kind, vmin=low, vmax=high, interpolation="nearest")
    bare(axes)


def draw_tracks(axes: Axes, positions: Any, side: int) -> None:
    """Draw paths (T, n, 2) of creatures, row before column, on a periodic canvas `side` wide."""
    for path in np.moveaxis(array(positions), 1, 0):
        wrapped = path % side
        jumps = np.abs(np.diff(wrapped, axis=0)).max(1) > side / 2
        wrapped = np.insert(wrapped, np.flatnonzero(jumps) + 1, np.nan, axis=0)
        axes.plot(wrapped[:, 1], wrapped[:, 0], color=PALETTE["symmetric"], linewidth=1.1)
    axes.set(xlim=(-0.5, side - 0.5), ylim=(side - 0.5, -0.5))


def bare(axes: Axes) -> None:
    """Take ticks and frame away."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def square(axes: Axes, extent: float, labels: Labels = PLANE, inner: bool = True) -> None:
    """Make axes square, from -extent to extent both ways, and label them; y only if `inner`."""
    ticks = np.arange(-math.floor(extent / 2) * 2, extent + 0.1, 2)
    axes.set(xlim=(-extent, extent), ylim=(-extent, extent), aspect="equal")
    axes.set(xticks=ticks, yticks=ticks, xlabel=in_units(labels[0]))
    if inner:
        axes.set_ylabel(in_units(labels[1]))


def cube(axes: Any, extent: float, labels: Sequence[str]) -> None:
    """Set up three-dimensional axes: a light box, few ticks, labels with their units."""
    axes.set(xlim=(-extent, extent), ylim=(-extent, extent), zlim=(-extent, extent))
    for axis, label in zip((axes.xaxis, axes.yaxis, axes.zaxis), labels, strict=True):
        axis.set_ticks([-2, 0, 2])
        axis.set_pane_color((1, 1, 1, 0))
        axis.set_tick_params(labelsize=7, pad=-3)
        axis.set_label_text(in_units(label), fontsize=8)
        axis.labelpad = -9
    axes.grid(False)
    axes.patch.set_visible(False)
    axes.view_init(elev=14, azim=-62)
    axes.set_box_aspect((1, 1, 1), zoom=1.0)


def lattice(extent: float, cells: int) -> Tensor:
    """The points (cells^2, 2) of a square lattice, row by row from the bottom."""
    line = torch.linspace(-extent, extent, cells)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], dim=1)
