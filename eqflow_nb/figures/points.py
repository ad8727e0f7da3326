"""Figures of clouds and flows in the plane, in scaled coordinates: 1 is a standard deviation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eqflow_nb.figures.axes import (
    PLANE,
    LogDensity,
    draw_cloud,
    draw_density,
    draw_streamlines,
    square,
)
from eqflow_nb.figures.style import PALETTE, array, colour, colours, grid, in_units
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
    fields: Mapping[str, Field],
    log_density: LogDensity,
    axes: Sequence[str] = PLANE,
    extent: float = 3,
) -> Figure:
    """Streamlines of fields {title: (B, 2) -> (B, 2)} over one density."""
    figure, panes = _squares(list(fields), 4, axes, extent)
    for pane, field in zip(panes, fields.values(), strict=True):
        draw_density(pane, log_density, extent)
        draw_streamlines(pane, field, extent)
    return figure


def rollout_strip(
    strips: Mapping[str, Mapping[float, Any]], axes: Sequence[str] = PLANE, extent: float = 3
) -> Figure:
    """Clouds {flow: {time: states (n, 2)}}: a row for each flow, a column for each time.

    Points outside the picture are counted in its corner.
    """
    columns = len(next(iter(strips.values())))
    width = min(2.0, 8.4 / columns)
    figure, panes = grid(len(strips) * columns, columns, (width, width * 0.93))
    for row, ((flow, states), tint) in enumerate(zip(strips.items(), colours(strips), strict=True)):
        for column, (time, x) in enumerate(states.items()):
            pane = panes[row * columns + column]
            draw_cloud(pane, x, tint, size=2.5, points=800)
            square(pane, extent, axes, inner=False)
            outside = (np.abs(array(x)) > extent).any(axis=1).mean()
            if outside > 0.005:
                pane.text(
                    0.97, 0.03, f"{outside:.0%} outside", transform=pane.transAxes, ha="right",
                    fontsize=7, color=PALETTE["score"],
                )  # fmt: skip
            if row == 0:
                pane.set_title(f"t = {time:g}")
            if row < len(strips) - 1:
                pane.set(xlabel="", xticklabels=[])
            if column:
                pane.set_yticklabels([])
            else:
                pane.set_ylabel(f"{flow}\n{in_units(axes[1])}")
    return figure


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
