"""Figures of images side by side, and their films."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eqflow_nb.figures.axes import PATTERN, draw_image, draw_tracks
from eqflow_nb.figures.style import array, grid, style

Limits = tuple[float, float] | Mapping[str, tuple[float, float]] | None


def images(
    pictures: Mapping[str, Any], columns: int = 4, size: float = 2.1, limits: Limits = None,
    maps: Sequence[str] = (PATTERN,), tracks: Mapping[str, Sequence[Any]] | None = None,
    bars: Mapping[str, str] | None = None,
) -> Figure:  # fmt: skip
    """Images {title: (H, W) or (3, H, W)} side by side, `size` inches a side.

    Colour `maps`, with `limits` (one pair, or {map: pair}) at their ends, are used in turn: as many
    as there are columns give each its own.  Maps that have limits may have colour bars {map: label}
    on the right.  `tracks` {title: [positions (T, n, 2), ...]} lie over the images, in pixels.
    """
    room = 0.75 * len(bars or {}) / columns
    figure, panes = grid(len(pictures), columns, (size + room, size + 0.22))
    _fill(panes, pictures, limits, maps, tracks)
    drawn = {pane.images[0].get_cmap().name: pane.images[0] for pane in panes}
    for kind, label in (bars or {}).items():
        figure.colorbar(drawn[kind], ax=panes, label=label, aspect=30, fraction=0.05, pad=0.02)
    return figure


def frames(
    strips: Mapping[str, Sequence[Any]], times: Sequence[str], size: float = 2.1,
    limits: Limits = None, bar: str = "",
) -> Iterator[Figure]:  # fmt: skip
    """One figure a time, of films {title: images} side by side; for `figures.film`."""
    # `bar` labels a colour bar for the limits.  Images are `size` inches a side and nothing else,
    # so that a film can show each of their pixels by as many of its own: it is sharper, and
    # smaller.
    style()
    edge, line = 0.2, 0.3
    step, high = size + edge, size + 2 * line
    wide = edge + step * len(strips) + (0.75 if bar else 0)
    for index, time in enumerate(times):
        figure = Figure(figsize=(wide, high))
        low, across, up = line / high, size / wide, size / high
        lefts = [(edge + step * n) / wide for n in range(len(strips) + 1)]
        panes = [figure.add_axes((left, low, across, up)) for left in lefts[:-1]]
        shown = {title: strip[index] for title, strip in strips.items()}
        _fill(panes, shown, limits)
        figure.text(lefts[0], 0.1 / high, time)
        if bar:
            narrow = figure.add_axes((lefts[-1], low, 0.12 / wide, up))
            figure.colorbar(panes[0].images[0], cax=narrow, label=bar)
        yield figure


def _fill(
    panes: Sequence[Axes],
    pictures: Mapping[str, Any],
    limits: Limits,
    maps: Sequence[str] = (PATTERN,),
    tracks: Mapping[str, Sequence[Any]] | None = None,
) -> None:
    for pane, (title, image), kind in zip(panes, pictures.items(), cycle(maps), strict=False):
        ends = limits.get(kind) if isinstance(limits, Mapping) else limits
        draw_image(pane, image, ends, kind)
        for positions in (tracks or {}).get(title, ()):
            draw_tracks(pane, positions, array(image).shape[-1])
        pane.set_title(title)
