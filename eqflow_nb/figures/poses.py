"""Figures of sheets of poses (N, 3), see `eqflow_nb.snapshots.poses`: creatures drawn as fish."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from eqflow_nb.figures.axes import bare
from eqflow_nb.figures.points import TINTS, by_place, moving
from eqflow_nb.figures.style import DPI, INK, array, film, grid
from eqflow_nb.inputs import as_numbers
from eqflow_nb.snapshots.poses import SIZE, neighbours

# Of a fish that looks to the right, in pixels, from its nose anticlockwise.
SIDE = [(3.2, 0), (2.4, 0.8), (0.9, 1.35), (-0.8, 1.1), (-2.0, 0.35), (-3.4, 1.3), (-2.9, 0)]
FISH = np.array(SIDE + [(x, -y) for x, y in SIDE[-2:0:-1]])
AROUND = np.array([(x, y) for x in (0, -1, 1) for y in (0, -1, 1)])  # a periodic sheet: copies


def draw_poses(axes: Axes, q: Any, size: float = SIZE, tints: Any = INK) -> PolyCollection:
    """Draw creatures (N, 3) as fish on a square sheet; on its border they show on both sides."""
    axes.set(xlim=(0, size), ylim=(0, size), aspect="equal", facecolor="white")
    bare(axes)
    fish = PolyCollection(_outlines(array(q), size), facecolors=tints, linewidths=0)
    axes.add_collection(fish, autolim=False)
    return fish


def poses_film(
    films: Mapping[str, Mapping[float, Any]], alt: str, size: float = SIZE,
    kinds: Mapping[str, Sequence[int]] | None = None, until: float = math.inf, trail: int = 8,
    width: int = 520,
) -> None:  # fmt: skip
    """Display a looping film of the first sheets of {title: {time: poses (B, N, 3)}}, not wrapped.

    Creatures are coloured by where they started, from left to right, or, where `kinds` {title:
    numbers} say how many are of each, by kind.  They draw trails of so many states.  The film ends
    with the last state up to the time `until`.
    """
    times = [time for time in next(iter(films.values())) if time <= until]
    shown = {k: np.stack([array(states[t])[0] for t in times]) for k, states in films.items()}
    side = width / DPI / len(shown)

    def draw(pane: Axes, title: str, q: np.ndarray) -> tuple[PolyCollection, np.ndarray]:
        tints = by_place(q[:, 0] % size)
        if kinds and title in kinds:
            tints = TINTS[[0, 4]].repeat(kinds[title], axis=0)
        return draw_poses(pane, q, size, tints), tints

    def move(fish: PolyCollection, q: np.ndarray) -> None:
        fish.set_verts(_outlines(q, size))

    drawn = moving(shown, (side, side), draw, move, times, trail, size)
    film(drawn, alt, 80, rest=12)


def neighbourhoods(sheets: Mapping[str, Any]) -> Figure:
    """Where a neighbour stands and looks, seen by a creature in the middle that looks right."""
    # Of sheets {title: poses (B, N, 3)}: colours are how often one stands there, beside chance,
    # and arrows the mean direction it looks in, longer the more they agree.
    figure, panes = grid(len(sheets), 4, (2.3, 2.4))
    size, reach = SIZE, 24.0
    box = [[-reach, reach], [-reach, reach]]
    for pane, (title, q) in zip(panes, sheets.items(), strict=True):
        q = as_numbers(q, "sheets")
        i, j, gap = (x.numpy() for x in neighbours(q, size, math.sqrt(2) * reach))
        e, way = np.exp(1j * q[..., 2].flatten().numpy()), gap[:, 0] + 1j * gap[:, 1]
        seen = np.concatenate([way / e[i], -way / e[j]])  # ahead + i left of who looks
        heading = np.concatenate([e[j] / e[i], e[i] / e[j]])
        chance = len(q) * q.shape[1] * (q.shape[1] - 1) / size**2  # a pixel^2
        counts, x, _ = np.histogram2d(seen.real, seen.imag, 32, box)
        shade = pane.imshow(
            counts.T / chance / (x[1] - x[0]) ** 2, extent=(-reach, reach, -reach, reach),
            origin="lower", vmin=0, vmax=3, cmap="Blues", interpolation="bilinear",
        )  # fmt: skip
        number, x, _ = np.histogram2d(seen.real, seen.imag, 8, box)
        often = number > 0.1 * chance * (x[1] - x[0]) ** 2
        arrows = [
            np.histogram2d(seen.real, seen.imag, 8, box, weights=part)[0][often] / number[often]
            for part in (heading.real, heading.imag)
        ]
        at = np.argwhere(often)
        pane.quiver(
            *(x[at] + x[at + 1]).T / 2, *arrows, color="#d55e00", pivot="middle",
            angles="xy", scale_units="xy", scale=0.22, width=0.008,
        )  # fmt: skip
        pane.add_collection(PolyCollection([FISH], facecolors=INK), autolim=False)
        pane.set(title=title, xticks=[-20, 0, 20], yticks=[-20, 0, 20])
        pane.set(xlabel="ahead (pixels)", ylabel="left (pixels)" if pane is panes[0] else "")
    bar: dict[str, Any] = dict(label="density over chance", aspect=25, fraction=0.04, pad=0.02)
    figure.colorbar(shade, ax=panes, **bar)
    return figure


def _outlines(q: np.ndarray, size: float) -> list[np.ndarray]:
    """Fish (points, 2), of all creatures on the sheet, then of their copies around it."""
    x, y = FISH.T
    cos, sin = np.cos(q[:, 2:]), np.sin(q[:, 2:])
    fish = q[:, None, :2] % size + np.stack([cos * x - sin * y, sin * x + cos * y], -1)
    return list((size * AROUND[:, None, None] + fish).reshape(-1, *FISH.shape))
