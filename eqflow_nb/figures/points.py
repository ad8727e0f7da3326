"""Figures of clouds and flows in the plane, in scaled coordinates: 1 is a standard deviation."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from PIL import Image
from scipy.ndimage import gaussian_filter

from eqflow_nb.figures.axes import (
    PLANE,
    Labels,
    LogDensity,
    bare,
    draw_cloud,
    draw_density,
    draw_streamlines,
    square,
)
from eqflow_nb.figures.style import CARD, DPI, FAINT, INK, array, colour, film, grid, palette, thin
from eqflow_nb.inputs import Field


def clouds(
    groups: Mapping[str, Any], axes: Sequence[str] = PLANE, extent: float = 3, columns: int = 4
) -> Figure:
    """Clouds {title: samples (n, 2)} side by side on common axes."""
    figure, panes = _squares(list(groups), columns, axes, extent)
    for pane, (title, samples) in zip(panes, groups.items(), strict=True):
        draw_cloud(pane, samples, colour(title))
    return figure


def flow_on_density(
    fields: Mapping[str, Field], log_density: LogDensity, axes: Labels = PLANE, extent: float = 3
) -> Figure:
    """Streamlines of fields {title: (B, 2) -> (B, 2)} over one density."""
    figure, panes = _squares(list(fields), 4, axes, extent)
    for pane, field in zip(panes, fields.values(), strict=True):
        draw_density(pane, log_density, extent)
        draw_streamlines(pane, field, extent)
    return figure


# Colours of where points started, from a map that is as clear without red or green.
TINTS = matplotlib.colormaps["plasma"](np.linspace(0, 0.86, 7))[:, :3]
SHARES, SHADES = (0.97, 0.5), ("#f4f2ec", "#e6e3d8")  # of the cloud inside each contour
PLATE = {"facecolor": "white", "linewidth": 0, "pad": 1.5}  # behind words that things move under


def points_film(
    films: Mapping[str, Any], alt: str, cloud: Any = None, times: Sequence[float] | None = None,
    extent: float = 3, points: int = 200, width: int = 660,
) -> None:  # fmt: skip
    """Display a looping film of moving points, over the outline that their cloud should keep.

    `films` are {title: states (T, n, d)}, a panel each; some 40 states of 200 points take 400 kB.
    Points are coloured by the first coordinate at their start, and draw trails.  `alt` says what
    there is to see.  The outline is that of `cloud` (m, d), or of the first start; `times` (T,)
    stand in the corner; the first two coordinates are shown, from -extent to extent.
    """
    shown = {k: np.stack([thin(x, points) for x in xs])[..., :2] for k, xs in films.items()}
    outline = array(next(iter(films.values()))[0] if cloud is None else cloud)[:, :2]
    wide = width / DPI / len(shown)
    high = min(wide, 4.2)  # one panel alone is wider than high, to fit on a screen

    def draw(pane: Axes, title: str, start: np.ndarray) -> tuple[Any, np.ndarray]:
        pane.set(xlim=(-extent * wide / high, extent * wide / high), ylim=(-extent, extent))
        bare(pane)
        draw_outline(pane, outline, 1.5 * extent)
        tints = by_place(start[:, 0])
        return pane.scatter(start[:, 0], start[:, 1], s=13, c=tints, linewidths=0), tints

    drawn = moving(shown, (wide, high), draw, lambda dots, x: dots.set_offsets(x), times, trail=5)
    film(drawn, alt, 70, rest=12)


def by_place(x: np.ndarray) -> np.ndarray:
    """Colours (n, 3) by the order of coordinates (n,)."""
    return TINTS[np.argsort(np.argsort(x)) * len(TINTS) // len(x)]


def moving(
    shown: Mapping[str, np.ndarray],
    size: tuple[float, float],
    draw: Callable[[Axes, str, np.ndarray], tuple[Any, np.ndarray]],
    move: Callable[[Any, np.ndarray], Any],
    times: Sequence[float] | None,
    trail: int,
    period: float = math.inf,
) -> Iterator[Image.Image]:
    """The pictures of films {title: states (T, n, k)}, of which only what moves is drawn anew."""
    # A pane is `size` inches large.  `draw(pane, title, state)` fills it, and returns what moves
    # and its colours (n, 3); `move(it, state)` moves it.  Trails are of the first two coordinates,
    # which may be periodic.
    figure, panes = grid(len(shown), len(shown), (size[0], size[1] + 0.25), layout="none")
    figure.subplots_adjust(0.005, 0.005, 0.995, size[1] / (size[1] + 0.25), wspace=0.03)
    canvas, parts = FigureCanvasAgg(figure), []
    for pane, (title, states) in zip(panes, shown.items(), strict=True):
        pane.set_title(title)
        things, tints = draw(pane, title, states[0])
        lines = LineCollection([], antialiaseds=False)
        pane.add_collection(lines, autolim=False)
        clock = pane.text(0.02, 0.02, "", transform=pane.transAxes, bbox=PLATE)
        parts.append((pane, states, tints, (lines, things, clock)))
        for artist in parts[-1][-1]:
            artist.set_animated(True)
    canvas.draw()
    # Few colours, the same in all frames, keep a film small.
    few = palette([CARD, "white", *SHADES, FAINT, INK, *TINTS, *(1 + TINTS) / 2])
    still = canvas.copy_from_bbox(figure.bbox)
    for now in range(len(next(iter(shown.values())))):
        canvas.restore_region(still)
        for pane, states, tints, artists in parts:
            lines, things, clock = artists
            lines.set(**_trails(states[max(0, now - trail) : now + 1, :, :2], tints, period))
            move(things, states[now])
            clock.set_text("" if times is None else f"t = {times[now]:.1f}")
            for artist in artists:
                pane.draw_artist(artist)
        drawn = Image.fromarray(np.array(canvas.buffer_rgba())).convert("RGB")
        yield drawn.quantize(palette=few, dither=Image.Dither.NONE)


def draw_outline(axes: Axes, samples: np.ndarray, extent: float) -> None:
    """Draw contours that hold given shares of samples (n, 2), of a smooth histogram of them."""
    edges = np.linspace(-extent, extent, 121)
    counts, _, _ = np.histogram2d(samples[:, 0], samples[:, 1], [edges, edges])
    smooth = gaussian_filter(counts, 120 / 45)
    ordered = np.sort(smooth, axis=None)[::-1]
    levels = ordered[np.searchsorted(np.cumsum(ordered) / ordered.sum(), SHARES)]
    at = (edges[1:] + edges[:-1]) / 2
    axes.contourf(at, at, smooth.T, [*levels, np.inf], colors=SHADES, zorder=0)
    axes.contour(at, at, smooth.T, levels[:1], colors=FAINT, linewidths=1, zorder=0)


def _trails(past: np.ndarray, tints: np.ndarray, period: float) -> dict[str, Any]:
    """Pale line segments along the last states (T, n, 2), thinner the older they are."""
    steps, ends = np.diff(past, axis=0), past[1:] if math.isinf(period) else past[1:] % period
    pairs = np.stack([ends - steps, ends], axis=2)  # (T - 1, n, 2 ends, 2), oldest first
    widths = np.linspace(0.5, 1.0, len(pairs)).repeat(len(tints))
    faint = np.tile((1 + tints) / 2, (len(pairs), 1))
    return {"segments": list(pairs.reshape(-1, 2, 2)), "colors": faint, "linewidths": widths}


def _squares(
    titles: Sequence[str], columns: int, axes: Sequence[str], extent: float
) -> tuple[Figure, list[Axes]]:
    """Square axes with titles, larger when they are few."""
    width = min(3.4, 8.8 / min(len(titles), columns))
    figure, panes = grid(len(titles), columns, (width, width + 0.2))
    for index, (pane, title) in enumerate(zip(panes, titles, strict=True)):
        pane.set_title(title)
        square(pane, extent, axes, inner=index % columns == 0)
    return figure, panes
