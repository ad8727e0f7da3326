"""Figures of equations found from snapshots."""

import re
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eqflow_nb.figures.axes import bare, draw_cloud
from eqflow_nb.figures.measures import draw_curves
from eqflow_nb.figures.style import FAINT, PALETTE, array, grid

FOUND, TRUE, CHOSEN = PALETTE["learned"], PALETTE["truth"], PALETTE["score"]
RIGHT, WRONG = "#00734f", "#b04a00"  # dark enough for small letters


def draw_elimination(axes: Axes, terms: Any, misfits: Any, expected: Any, chosen: int) -> None:
    """Draw the misfit (n,) against the number of terms left, over a band of what noise would give.

    `expected` (n,) are degrees of freedom; the equations in question have `chosen` terms.
    """
    n, y, mean = array(terms), array(misfits), array(expected)
    wide = 2 * np.sqrt(2 * mean)
    band: dict[str, Any] = {"color": FAINT, "alpha": 0.45, "linewidth": 0}
    band["label"] = "noise alone, ±2 sd"
    axes.fill_between(n, np.maximum(mean - wide, 1), mean + wide, **band)
    axes.plot(n, y, "o-", color=FOUND, markersize=3.5, linewidth=1, label="best equations left")
    at = (chosen, y[list(n).index(chosen)])
    axes.plot(*at, "o", color=CHOSEN, markersize=9, fillstyle="none", markeredgewidth=1.8)
    side = 1 if chosen > max(n) / 2 else -1  # away from the cliff
    axes.annotate(
        f"{chosen} terms", at, (side * 8, 8), textcoords="offset points", color=CHOSEN,
        ha="left" if side > 0 else "right", in_layout=False,
    )  # fmt: skip
    axes.set(xlabel="terms left", ylabel="misfit N |residual|²", yscale="log", xlim=(max(n) + 1, 0))
    axes.minorticks_off()  # their labels take half of the time of a panel's redraw


def draw_equations(axes: Axes, text: str, size: float = 8, width: int = 34, most: int = 15) -> None:
    """Write equations where axes were, long ones broken between terms, more than `most` smaller."""
    axes.set_axis_off()
    lines = [part for line in text.splitlines() for part in broken(line, width)]
    axes.text(
        0.0, 0.97, "\n".join(lines), transform=axes.transAxes, va="top", linespacing=1.35,
        family="DejaVu Sans Mono", in_layout=False,
        fontsize=max(size * min(1.0, most / max(len(lines), 1)), 4.5),
    )  # fmt: skip


def broken(line: str, width: int) -> list[str]:
    """A line as lines of at most about `width` letters, broken before a sign."""
    kept = re.sub(r" (?![+-] )|(?<==) ", "\u00a0", line)  # no-break spaces
    return textwrap.wrap(kept, width, subsequent_indent="   ", break_long_words=False) or [""]


def recovery_rates(trials: Mapping[str, tuple[Any, Any, Any]], **about: Any) -> Figure:
    """How often equations are recovered, and their error, over snapshots or noise.

    Trials are {name: (x (T,), found (T, seeds) of bool, field error (T, seeds) or None)}.
    """
    figure, (left, right) = grid(2, 2, (4.2, 3.0))
    shares = {n: (x, 100 * array(hit).mean(1)) for n, (x, hit, _) in trials.items()}
    errors = {n: (x, 100 * array(e)) for n, (x, _, e) in trials.items() if e is not None}
    title = "equations found"
    draw_curves(left, shares, marker="o", ylim=(-5, 105), ylabel="runs (%)", title=title, **about)
    title = "field error, median and range"
    draw_curves(right, errors, marker="o", yscale="log", ylabel="(%)", title=title, **about)
    left.legend(loc="best", fontsize=8)
    return figure


def gallery(
    rows: Mapping[str, tuple[Any, tuple[int, int], str, str, bool]], columns: int = 4
) -> Figure:
    """Attractors with the equations found under each.

    Rows are {name: (path (T, d), pair of coordinates, equations, remark, right)}; the remark, such
    as a field error, is green where `right`.
    """
    count = -(-len(rows) // columns)
    lengths = [sum(len(broken(line, 34)) for line in r[2].splitlines()) for r in rows.values()]
    heights = []  # in inches: of the attractors, and of the longest equations under them
    for row in range(count):
        heights += [1.6, 0.35 + 6.4 * 1.35 / 72 * max(lengths[row * columns :][:columns])]
    size = (9 / columns, (sum(heights) + 0.45 * count) / (2 * count))
    ratios = {"height_ratios": heights}
    figure, panes = grid(2 * count * columns, columns, size, gridspec_kw=ratios)
    for pane in panes:
        pane.set_axis_off()
    for index, (name, (path, pair, text, remark, right)) in enumerate(rows.items()):
        row, column = divmod(index, columns)
        above, below = panes[2 * row * columns + column], panes[(2 * row + 1) * columns + column]
        above.plot(*array(path)[:, list(pair)].T, color=FOUND, linewidth=0.45, alpha=0.85)
        above.set_title(name.replace("_", " "), fontsize=9)
        above.text(
            0.5, -0.02, remark.replace(", wrong", ",\nwrong"), transform=above.transAxes,
            ha="center", va="top", fontsize=7.5, color=RIGHT if right else WRONG, in_layout=False,
        )  # fmt: skip
        draw_equations(below, "\n" + text, 6.4, 34, most=99)
    return figure


def verdicts(rows: Mapping[str, tuple[Any, Any, str, bool]], most: int = 14) -> Figure:
    """Clouds above the misfits of their libraries' equations: how many lie within the noise.

    Rows are {title: (cloud (n, 2), misfits (K,) over what noise gives, verdict, right)}; `most`
    misfits are shown.
    """
    figure, panes = grid(2 * len(rows), len(rows), (8.8 / len(rows), 1.75))
    for column, (title, (cloud, misfits, verdict, right)) in enumerate(rows.items()):
        above, below = panes[column], panes[len(rows) + column]
        draw_cloud(above, cloud, PALETTE["learned"], size=1.5, points=1200)
        above.set_title(title, fontsize=9)
        bare(above)
        y = np.maximum(array(misfits)[:most], 0.12)
        k = np.arange(1, len(y) + 1)
        inside = y < 2
        below.plot(k[inside], y[inside], "o", color=CHOSEN, markersize=4.5)
        below.plot(k[~inside], y[~inside], "o", color=FAINT, markersize=3.5)
        below.axhspan(1e-2, 2, color=FAINT, alpha=0.25, linewidth=0)
        below.set(yscale="log", ylim=(0.08, 3e4), xlim=(0, most + 1), xticks=[1, 5, 10])
        below.set_xlabel(verdict.replace(" in the ", "\nin the "), fontsize=8.5)
        below.xaxis.label.set_color(RIGHT if right else WRONG)
        if column:
            below.set_yticklabels([])
        else:
            below.set_ylabel("misfit over noise's")
    return figure
