"""Figures of sheets of poses (N, 3), see `eqflow_nb.snapshots.poses`: creatures drawn as fish."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from PIL import Image

from eqflow_nb.figures.axes import bare
from eqflow_nb.figures.points import TINTS, pale, palette
from eqflow_nb.figures.style import CARD, DPI, FAINT, INK, array, film, grid
from eqflow_nb.inputs import as_numbers
from eqflow_nb.snapshots.poses import SIZE, neighbours

# Of a fish that looks to the right, in pixels, from its nose anticlockwise.
SIDE = [(3.2, 0), (2.4, 0.8), (0.9, 1.35), (-0.8, 1.1), (-2.0, 0.35), (-3.4, 1.3), (-2.9, 0)]
FISH = np.array(SIDE + [(x, -y) for x, y in SIDE[-2:0:-1]])


def draw_poses(axes: Axes, q: Any, size: float = SIZE, tints: Any = None) -> PolyCollection:
    """Draw creatures (N, 3) as fish on a square sheet; on its border they show on both sides."""
    axes.set(xlim=(0, size), ylim=(0, size), aspect="equal", facecolor="white")
    bare(axes)
    q = array(q)
    colours = INK if tints is None else np.asarray(tints)[_shown_on(q, size)[1]]
    fish = PolyCollection(list(_outlines(q, size)), facecolors=colours, linewidths=0)
    axes.add_collection(fish, autolim=False)
    return fish


def poses_film(
    films: Mapping[str, Any],
    alt: str,
    size: float = SIZE,
    times: Sequence[float] | None = None,
    kinds: Mapping[str, Sequence[int]] | None = None,
    trail: int = 8,
    width: int = 780,
    milliseconds: int = 80,
) -> None:
    """Display a looping film of sheets {title: states (T, N, 3)}, not wrapped, a panel each.

    Creatures are coloured by where they started, from left to right, or, where `kinds` {title:
    numbers} say how many are of each, by kind.  They draw trails of so many states, and `times`
    (T,) stand in the corner.
    """
    shown = {
        title: np.stack([array(x) for x in states]).astype(float) for title, states in films.items()
    }
    stays = [milliseconds] * len(next(iter(shown.values())))
    stays[0] = stays[-1] = 10 * milliseconds
    film(_frames(shown, size, times, kinds or {}, trail, width), alt, stays)


def _frames(
    shown: Mapping[str, np.ndarray],
    size: float,
    times: Sequence[float] | None,
    kinds: Mapping[str, Sequence[int]],
    trail: int,
    width: int,
) -> Iterator[Image.Image]:
    """The pictures of a film, of which only creatures and times are drawn anew."""
    side = width / DPI / len(shown)
    figure, panes = grid(len(shown), len(shown), (side, side + 0.25), layout="none")
    figure.subplots_adjust(0.005, 0.005, 0.995, side / (side + 0.25), wspace=0.03)
    canvas, moving = FigureCanvasAgg(figure), []
    for pane, (title, states) in zip(panes, shown.items(), strict=True):
        if title not in kinds:
            ranks = np.argsort(np.argsort(states[0, :, 0] % size))
            tints = TINTS[ranks * len(TINTS) // len(ranks)]
        else:
            tints = TINTS[[0, 4]].repeat(kinds[title], axis=0)
        fish = draw_poses(pane, states[0], size, tints)
        pane.set_title(title)
        lines = LineCollection([], antialiaseds=False, linewidths=1)
        pane.add_collection(lines, autolim=False)
        clock = pane.text(0.02, 0.02, "", transform=pane.transAxes)
        for artist in (fish, lines, clock):
            artist.set_animated(True)
        moving.append((pane, states, tints, lines, fish, clock))
    canvas.draw()
    few = palette([CARD, "white", FAINT, INK, *TINTS, *pale(TINTS)])
    still = canvas.copy_from_bbox(figure.bbox)
    for now in range(len(next(iter(shown.values())))):
        canvas.restore_region(still)
        for pane, states, tints, lines, fish, clock in moving:
            past = states[max(0, now - trail) : now + 1, :, :2]
            steps = np.diff(past, axis=0).reshape(-1, 2)
            ends = past[1:].reshape(-1, 2) % size
            faint: Any = np.tile(pale(tints), (len(past) - 1, 1))
            lines.set(segments=list(np.stack([ends - steps, ends], 1)), colors=faint)
            outlines, whose = _outlines(states[now], size), _shown_on(states[now], size)[1]
            fish.set_verts(list(outlines))
            fish.set_facecolor(tints[whose])
            clock.set_text("" if times is None else f"t = {times[now]:.0f}")
            for artist in (lines, fish, clock):
                pane.draw_artist(artist)
        drawn = Image.fromarray(np.array(canvas.buffer_rgba())).convert("RGB")
        yield drawn.quantize(palette=few, dither=Image.Dither.NONE)


def neighbourhoods(sheets: Mapping[str, Any], size: float = SIZE, reach: float = 24.0) -> Figure:
    """Where a neighbour stands and looks, seen by a creature in the middle that looks to the right.

    Of sheets {title: poses (B, N, 3)}: colours are how often one stands there, beside chance, and
    arrows the mean direction it looks in, longer the more they agree.
    """
    figure, panes = grid(len(sheets), 4, (2.3, 2.4))
    for pane, (title, q) in zip(panes, sheets.items(), strict=True):
        q = as_numbers(q, "sheets")
        i, j, gap = (x.numpy() for x in neighbours(q, size, math.sqrt(2) * reach))
        theta = q[..., 2].flatten().numpy()
        seen = np.concatenate([_seen(gap, theta[i]), _seen(-gap, theta[j])])
        ahead = np.concatenate([theta[j] - theta[i], theta[i] - theta[j]])
        chance = len(q) * q.shape[1] * (q.shape[1] - 1) / size**2
        edges = np.linspace(-reach, reach, 33)
        x, y = seen.T
        counts = np.histogram2d(x, y, (edges, edges))[0] / chance / np.diff(edges)[0] ** 2
        shade = pane.imshow(
            counts.T, extent=(-reach, reach, -reach, reach), origin="lower", vmin=0, vmax=3,
            cmap="Blues", interpolation="bilinear",
        )  # fmt: skip
        wide = np.linspace(-reach, reach, 9)
        number = np.histogram2d(x, y, (wide, wide))[0]
        cos, sin = (
            np.histogram2d(x, y, (wide, wide), weights=each)[0] / number.clip(1)
            for each in (np.cos(ahead), np.sin(ahead))
        )
        middles = (wide[1:] + wide[:-1]) / 2
        x, y = np.meshgrid(middles, middles, indexing="ij")
        often = number > 0.1 * chance * np.diff(wide)[0] ** 2
        pane.quiver(
            x[often], y[often], cos[often], sin[often], color="#d55e00", pivot="middle",
            angles="xy", scale_units="xy", scale=0.22, width=0.008,
        )  # fmt: skip
        pane.add_collection(PolyCollection([FISH], facecolors=INK), autolim=False)
        pane.set(title=title, xticks=[-20, 0, 20], yticks=[-20, 0, 20])
        pane.set(xlabel="ahead (pixels)", ylabel="left (pixels)" if pane is panes[0] else "")
    figure.colorbar(
        shade, ax=panes, label="density over chance", aspect=25, fraction=0.04, pad=0.02
    )
    return figure


def _seen(gap: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """The ways (P, 2) to others, as creatures of headings (P,) see them: ahead, to the left."""
    cos, sin = np.cos(theta), np.sin(theta)
    return np.stack([cos * gap[:, 0] + sin * gap[:, 1], cos * gap[:, 1] - sin * gap[:, 0]], 1)


def _shown_on(q: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray]:
    """Places (M, 2) where fish are drawn, those on the border twice, and whose they are (M,)."""
    shifts = size * np.array([(x, y) for x in (0, -1, 1) for y in (0, -1, 1)])
    places = (q[:, :2] % size)[None] + shifts[:, None]
    near = ((places > -4) & (places < size + 4)).all(-1)
    return places[near], np.argwhere(near)[:, 1]


def _outlines(q: np.ndarray, size: float) -> np.ndarray:
    """Fish (M, points, 2)."""
    places, whose = _shown_on(q, size)
    cos, sin = np.cos(q[whose, 2])[:, None], np.sin(q[whose, 2])[:, None]
    x, y = FISH.T
    return places[:, None] + np.stack([cos * x - sin * y, sin * x + cos * y], -1)
