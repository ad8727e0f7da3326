"""Figures of measurements: curves, points and bars, each labelled."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from eqflow_nb.figures import style
from eqflow_nb.figures.style import INK, array, colours, grid, legend_outside

Lines = Mapping[str, tuple[Any, ...]]
FLOOR = {"noise floor": 1.0}  # a level, for distances in units of their floor


def draw_curves(
    axes: Axes, lines: Lines, levels: Any = None, stars: Any = None, marker: str = "", **about: Any
) -> None:
    """Draw labelled curves, without their legend.

    Parameters
    ----------
    lines : {name: (x (T,), y (T,)) or (x, y, spread (T,)) or (x, y (T, members))}
        A spread becomes a band y ± spread, several members their median and range.
    levels, stars : {name: y}, {name: (x, y)}, optional
        Horizontal lines, such as a noise floor; one point of each curve that was chosen.
    marker, about
        Drawn at every point; for `axes.set`: xlabel, ylabel, title, xscale, ylim and more.
    """
    for (name, (x, y, *spread)), look in zip(lines.items(), style.looks(lines), strict=True):
        x, y = array(x), array(y)
        band = (y - array(spread[0]), y + array(spread[0])) if spread else None
        if y.ndim == 2:
            band, y = (y.min(1), y.max(1)), np.median(y, axis=1)
        if band:
            axes.fill_between(x, *band, color=look["color"], alpha=0.18, linewidth=0)
        axes.plot(x, y, marker=marker, markersize=4, label=name, **look)
        if stars and name in stars:
            star: dict[str, Any] = {"markersize": 13, "markeredgecolor": "white"}
            axes.plot(*stars[name], "*", color=look["color"], **star)
    if stars:
        axes.plot([], [], "*", color=INK, markersize=10, label="chosen")
    for (name, y), dashes in zip((levels or {}).items(), (":", "--", "-."), strict=False):
        axes.axhline(y, color=INK, linewidth=1, linestyle=dashes, label=name)
    _label(axes, about)


def curves(lines: Lines, size: style.Size = (7, 3), **how: Any) -> Figure:
    """Labelled curves on one pair of axes, with a legend beside it; see `draw_curves`."""
    figure, (axes,) = grid(1, 1, size)
    draw_curves(axes, lines, **how)
    legend_outside(axes)
    return figure


def scatter(groups: Mapping[str, Any], size: style.Size = (7, 4.2), **about: Any) -> Figure:
    """Points {name: (n, 2) or (x, y)}, a colour and a mark for each; `about` as in `curves`."""
    figure, (axes,) = grid(1, 1, size)
    for index, (name, tint) in enumerate(zip(groups, colours(groups), strict=True)):
        mark = style.MARKERS.get(style.kind_of(name) or "", "osD^vPX"[index % 7])
        xy, star = array(groups[name]).reshape(-1, 2), mark == "*"
        axes.plot(
            *xy.T, mark, color=tint, label=name, zorder=1 if star else 2,  # the truth lies below
            markersize=18 if star else 6 if len(xy) < 15 else 4, markeredgecolor="white",
            markeredgewidth=0.4,
        )  # fmt: skip
    _label(axes, about)
    legend_outside(axes)
    return figure


def grouped_bars(table: Mapping[str, Mapping[str, tuple[float, float]]], ylabel: str) -> Figure:
    """Bars with spreads, {group: {kind: (mean, sd)}}: a colour for each kind, in every group."""
    kinds = list(dict.fromkeys(kind for group in table.values() for kind in group))
    figure, (axes,) = grid(1, 1, (8.2, 3.0))
    width = 0.84 / len(kinds)
    for index, (kind, tint) in enumerate(zip(kinds, colours(kinds), strict=True)):
        places = np.arange(len(table)) + (index - (len(kinds) - 1) / 2) * width
        means, sds = zip(*(group[kind] for group in table.values()), strict=True)
        bars = axes.bar(places, means, 0.9 * width, color=tint, label=kind, yerr=sds, ecolor=INK)
        axes.bar_label(bars, [f"{mean:.2f}"[-3:] for mean in means], padding=2, fontsize=7)
    axes.set_xticks(range(len(table)), list(table))
    axes.set(ylabel=ylabel, ymargin=0.08)  # room for the numbers
    legend_outside(axes)
    return figure


def _label(axes: Axes, about: Mapping[str, Any]) -> None:
    """Set labels and limits; plain numbers on logarithmic axes of at most two decades."""
    axes.set(**about)
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        if axis.get_scale() == "log" and high < 150 * low:  # powers of ten are rare
            steps = (1, 2, 5) if high > 8 * low else (1, 1.2, 1.5, 2, 3, 4, 6, 8)
            axis.set_major_locator(LogLocator(subs=steps))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_locator(NullLocator())
