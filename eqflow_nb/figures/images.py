"""Pictures of images: patterns, their velocities, films side by side, creatures and tracks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eqflow_nb.figures.style import INK, MARKERS, PALETTE, array, colours, grid, kind_of, looks

PATTERN, VELOCITY = "magma", "RdBu_r"


def draw_image(
    pane: Axes, image: Any, limits: tuple[float, float] | None = None, kind: str = PATTERN
) -> None:
    """One image without axes: (3, H, W) as colours in [0, 1], (H, W) by a colour map.

    Velocities (`kind` VELOCITY) get limits that are even about 0, where the map is white.
    """
    picture = array(image)
    if picture.ndim == 3:
        pane.imshow(picture.transpose(1, 2, 0).clip(0, 1), interpolation="nearest")
    else:
        if limits is None and kind == VELOCITY:
            most = float(np.abs(picture).max()) or 1.0
            limits = (-most, most)
        low, high = limits or (None, None)
        pane.imshow(picture, cmap=kind, vmin=low, vmax=high, interpolation="nearest")
    pane.set_xticks([])
    pane.set_yticks([])
    for side in pane.spines.values():
        side.set_visible(False)


def images(
    pictures: Mapping[str, Any],
    columns: int = 4,
    size: float = 2.1,
    kind: str = PATTERN,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Images {title: (H, W) or (3, H, W)} side by side."""
    figure, panes = grid(len(pictures), columns, (size, size + 0.22))
    for pane, (title, picture) in zip(panes, pictures.items(), strict=True):
        draw_image(pane, picture, limits, kind)
        pane.set_title(title)
    return figure


def motion(rows: Mapping[str, Mapping[str, Any]], size: float = 1.75) -> Figure:
    """A pattern and velocities of it: {row: {title: (H, W)}}, the first of each row the pattern."""
    columns = len(next(iter(rows.values())))
    figure, panes = grid(len(rows) * columns, columns, (size, size + 0.2))
    cells = iter(panes)
    for name, pictures in rows.items():
        for index, (title, picture) in enumerate(pictures.items()):
            pane = next(cells)
            draw_image(pane, picture, kind=VELOCITY if index else PATTERN)
            pane.set_title(title)
            if index == 0:
                pane.set_ylabel(name)
    return figure


def frames(
    strips: Mapping[str, Sequence[Any]],
    times: Sequence[str],
    size: float = 2.1,
    limits: tuple[float, float] | None = None,
) -> Iterator[Figure]:
    """One figure a time, of films {title: images} side by side; for `figures.film`."""
    for index, time in enumerate(times):
        figure, panes = grid(len(strips), len(strips), (size, size + 0.45))
        for pane, (title, strip) in zip(panes, strips.items(), strict=True):
            draw_image(pane, strip[index], limits)
            pane.set_title(title)
        panes[0].set_xlabel(time)
        yield figure


def draw_tracks(pane: Axes, canvas: Any, positions: Any) -> None:
    """Fill a pane with a canvas and the paths (T, n, 2) of its creatures."""
    draw_image(pane, canvas)
    side = array(canvas).shape[-1]
    for path in np.moveaxis(array(positions), 1, 0):
        wrapped = path % side
        jumps = np.abs(np.diff(wrapped, axis=0)).max(1) > side / 2
        wrapped = np.insert(wrapped, np.flatnonzero(jumps) + 1, np.nan, axis=0)
        pane.plot(wrapped[:, 1], wrapped[:, 0], color=PALETTE["symmetric"], linewidth=1.1)
    pane.set(xlim=(-0.5, side - 0.5), ylim=(side - 0.5, -0.5))


def track_frames(
    canvases: Any, positions: Any | None, times: Sequence[str], size: float = 2.6
) -> Iterator[Figure]:
    """One figure a time, of canvases (T, 3, H, W) with the paths so far; for `figures.film`.

    Positions (T, n, 2) are those of the same times; without any there are no paths.
    """
    for index, time in enumerate(times):
        figure, panes = grid(1, 1, (size, size + 0.3))
        if positions is None:
            draw_image(panes[0], canvases[index])
        else:
            draw_tracks(panes[0], canvases[index], positions[: index + 1])
        panes[0].set_xlabel(time)
        yield figure


def two_virtues(flows: Mapping[str, tuple[float, float]], limit: float, title: str = "") -> Figure:
    """Flows {name: (similarity to the truth, distance from the law in floors)} in one picture.

    The corner that every flow should be in, true and law-keeping, is shaded up to `limit` floors.
    """
    figure, panes = grid(1, 1, (5.6, 3.6))
    pane = panes[0]
    pane.axhspan(0.3, limit, color="#009e73", alpha=0.1)
    pane.text(0.01, 0.33, f"keeps the law: below {limit:g} floors", fontsize=8)
    for tint, (name, (x, y)) in zip(colours(list(flows)), flows.items(), strict=True):
        marker = MARKERS.get(kind_of(name) or "", "o")
        pane.plot(x, y, marker, color=tint, markersize=9, label=name, linestyle="")
    pane.set(xlim=(-0.02, 1.02), yscale="log", xlabel="similarity to the true change")
    pane.set_ylabel("patch distance after 300 steps (floors)")
    pane.set_yticks([0.5, 1, 2, 4, 8], ["0.5", "1", "2", "4", "8"])
    pane.minorticks_off()
    pane.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    pane.set_title(title)
    return figure


def curves(
    lines: Mapping[str, tuple[Any, Any]],
    labels: tuple[str, str],
    log: bool = True,
    title: str = "",
) -> Figure:
    """Lines {name: (x, y)} on common axes, both logarithmic unless said otherwise."""
    figure, panes = grid(1, 1, (5.4, 3.0))
    for look, (name, (x, y)) in zip(looks(list(lines)), lines.items(), strict=True):
        panes[0].plot(array(x), array(y), label=name, **look)
    if log:
        panes[0].set(xscale="log", yscale="log")
    panes[0].set(xlabel=labels[0], ylabel=labels[1], title=title)
    panes[0].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def sheets(groups: Mapping[str, tuple[Any, Sequence[Any]]], columns: int = 4) -> Figure:
    """Canvases with paths: {title: (canvas (3, H, W), list of Tracks)} side by side."""
    figure, panes = grid(len(groups), columns, (2.15, 2.4))
    for pane, (title, (canvas, followed)) in zip(panes, groups.items(), strict=True):
        draw_image(pane, canvas)
        for one in followed:
            draw_tracks(pane, canvas, one.positions)
        pane.set_title(title)
    return figure


def grouped_bars(
    table: Mapping[str, Mapping[str, tuple[float, float]]], label: str, size: float = 8.2
) -> Figure:
    """Bars with spreads, {group: {kind: (mean, sd)}}: a colour for each kind, in every group."""
    kinds = list(dict.fromkeys(kind for group in table.values() for kind in group))
    figure, panes = grid(1, 1, (size, 3.0))
    pane, width = panes[0], 0.84 / len(kinds)
    for index, (kind, tint) in enumerate(zip(kinds, colours(kinds), strict=True)):
        places = [g + (index - (len(kinds) - 1) / 2) * width for g in range(len(table))]
        means, sds = zip(*(group.get(kind, (np.nan, 0.0)) for group in table.values()))
        pane.bar(places, means, 0.9 * width, color=tint, label=kind, yerr=sds, ecolor="#333333")
        for place, mean, sd in zip(places, means, sds, strict=True):
            low = mean < 0.12  # too short to be written into
            where, ink = (mean + sd + 0.01, INK) if low else (0.02, "white")
            pane.text(place, where, f"{mean:.2f}"[-3:], ha="center", fontsize=7, color=ink)
    pane.set_xticks(range(len(table)), list(table))
    pane.set_ylabel(label)
    pane.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def expected_and_found(
    groups: Mapping[str, Sequence[tuple[float, float]]],
    expected: str,
    found: str,
    size: float = 4.2,
) -> Figure:
    """Points {group: [(expected, found), ...]} on logarithmic axes, with the line of agreement."""
    figure, panes = grid(1, 1, (size + 1.2, size))
    pane = panes[0]
    everything = [value for points in groups.values() for pair in points for value in pair]
    low, high = 0.7 * min(everything), 1.4 * max(everything)
    pane.plot(
        [low, high], [low, high], color=INK, linewidth=0.8, linestyle=":", label="as expected"
    )
    for tint, mark, (name, points) in zip(
        colours(list(groups)), "osD^vP", groups.items(), strict=False
    ):
        pane.plot(*np.transpose(points), mark, color=tint, label=name, markersize=5.5, alpha=0.85)
    pane.set(xscale="log", yscale="log", xlabel=expected, ylabel=found, xlim=(low, high))
    pane.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure
