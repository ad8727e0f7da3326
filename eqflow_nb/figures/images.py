"""Figures of images side by side, and their films."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from eqflow_nb.figures.axes import PATTERN, draw_image, draw_tracks
from eqflow_nb.figures.style import array, grid


def images(
    pictures: Mapping[str, Any],
    columns: int = 4,
    size: float = 2.1,
    limits: tuple[float, float] | None = None,
    maps: Sequence[str] = (PATTERN,),
    tracks: Mapping[str, Sequence[Any]] | None = None,
    note: str = "",
) -> Figure:
    """Images {title: (H, W) or (3, H, W)} side by side, `size` inches a side.

    Colour `maps`, with `limits` at their ends, are used in turn: as many as there are columns give
    each its own.  `tracks` {title: [positions (T, n, 2), ...]} are drawn over the images, in
    pixels, and a `note` below the first.
    """
    figure, panes = grid(len(pictures), columns, (size, size + (0.45 if note else 0.22)))
    for index, (pane, (title, image)) in enumerate(zip(panes, pictures.items(), strict=True)):
        draw_image(pane, image, limits, maps[index % len(maps)])
        for positions in (tracks or {}).get(title, ()):
            draw_tracks(pane, positions, array(image).shape[-1])
        pane.set_title(title)
    panes[0].set_xlabel(note)
    return figure


def frames(
    strips: Mapping[str, Sequence[Any]],
    times: Sequence[str],
    size: float = 2.1,
    limits: tuple[float, float] | None = None,
    tracks: Mapping[str, Any] | None = None,
) -> Iterator[Figure]:
    """One figure a time, of films {title: images} side by side; for `figures.film`.

    Tracks {title: positions (T, n, 2)} are drawn as far as they have come.
    """
    for index, time in enumerate(times):
        shown = {title: strip[index] for title, strip in strips.items()}
        paths = {title: [path[: index + 1]] for title, path in (tracks or {}).items()}
        yield images(shown, len(strips), size, limits, tracks=paths, note=time)
