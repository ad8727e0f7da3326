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
    # Labels that are no formulas, and none between them: half of the time of a panel's redraw.
    raised = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    axes.yaxis.set_major_formatter(lambda y, _: "10" + f"{np.log10(y):.0f}".translate(raised))
    axes.minorticks_off()


def draw_equations(axes: Axes, text: str, size: float = 8, width: int = 34) -> None:
    """Write equations where axes were, long ones broken between terms, more than 15 smaller."""
    axes.set_axis_off()
    lines = broken(text, width)
    axes.text(
        0.0, 0.97, "\n".join(lines), transform=axes.transAxes, va="top", linespacing=1.35,
        family="DejaVu Sans Mono", in_layout=False,
        fontsize=max(size * min(1.0, 15 / max(len(lines), 1)), 4.5),
    )  # fmt: skip


def broken(text: str, width: int) -> list[str]:
    """The lines of a text, of at most about `width` letters, broken before a sign."""
    kept = re.sub(r" (?![+-] )|(?<==) ", "\u00a0", text)  # no-break spaces
    how: dict[str, Any] = {"subsequent_indent": "   ", "break_long_words": False}
    return [
        part for line in kept.splitlines() for part in textwrap.wrap(line, width, **how) or [""]
    ]


def recovery_rates(trials: Mapping[str, tuple[Any, Any, Any]], **about: Any) -> Figure:
    """How often equations are recovered, and their error, over snapshots or noise.

    Trials are {name: (x (T,), found (T, seeds) of bool, field error (T, seeds) or None)}.
    """
    figure, (left, right) = grid(2, 2, (4.2, 3.0))
    shares = {n: (x, 100 * array(hit).mean(1)) for n, (x, hit, _) in trials.items()}
    errors = {n: (x, 100 * array(e)) for n, (x, _, e) in trials.items() if e is not None}
    title = "right terms found"
    draw_curves(left, shares, marker="o", ylim=(-5, 105), ylabel="runs (%)", title=title, **about)
    title = "field error, median and range"
    draw_curves(right, errors, marker="o", yscale="log", ylabel="(%)", title=title, **about)
    left.legend(loc="best", fontsize=8)
    return figure


def gallery(rows: Mapping[str, tuple[Any, tuple[int, int], str, str, str, bool]]) -> Figure:
    """Attractors with the equations found under each, and the true ones under those.

    Rows are {name: (path (T, d), pair of coordinates, equations found, true ones, remark, right)};
    the remark, such as a field error, is green where `right`.
    """
    columns, size, width = 3, 9.0, 37  # size of letters, and how many fit on a line
    line = 1.35 * size / 72  # inches
    texts = {name: [broken(text, width) for text in r[2:4]] for name, r in rows.items()}
    lengths = [len(found) + len(true) + 1 for found, true in texts.values()]
    heights = []
    for start in range(0, len(rows), columns):
        heights += [2.1, 0.4 + line * max(lengths[start : start + columns])]
    shape = (10.2 / columns, (sum(heights) + 0.2 * len(heights)) / len(heights))
    ratios = {"height_ratios": heights}
    figure, panes = grid(len(heights) * columns, columns, shape, gridspec_kw=ratios)
    for pane in panes:
        pane.set_axis_off()
    for index, (name, (path, pair, _, _, remark, right)) in enumerate(rows.items()):
        row, column = divmod(index, columns)
        above, below = panes[2 * row * columns + column], panes[(2 * row + 1) * columns + column]
        above.plot(*array(path)[:, list(pair)].T, color=FOUND, linewidth=0.45, alpha=0.85)
        above.set_title(name.replace("_", " ").title(), fontsize=11)
        how: dict[str, Any] = {"transform": below.transAxes, "va": "top", "in_layout": False}
        tint = RIGHT if right else WRONG
        below.text(0.5, 1.0, remark, ha="center", fontsize=9.5, color=tint, **how)
        how |= {"family": "DejaVu Sans Mono", "fontsize": size, "linespacing": 1.3}
        found, true = ("\n".join(lines) for lines in texts[name])
        below.text(0, 1 - 0.3 / heights[2 * row + 1], found, color=FOUND, **how)
        down = 0.3 + line * (len(texts[name][0]) + 0.5)
        below.text(0, 1 - down / heights[2 * row + 1], true, color=TRUE, **how)
    return figure


def verdicts(rows: Mapping[str, tuple[Any, Any, str, bool]]) -> Figure:
    """Clouds above the misfits of their libraries' equations: how many lie within the noise.

    Rows are {title: (cloud (n, 2), misfits (K,) over what noise gives, verdict, right)}; of the
    misfits 14 are shown.
    """
    figure, panes = grid(2 * len(rows), len(rows), (8.8 / len(rows), 1.75))
    for column, (title, (cloud, misfits, verdict, right)) in enumerate(rows.items()):
        above, below = panes[column], panes[len(rows) + column]
        draw_cloud(above, cloud, PALETTE["learned"], size=1.5, points=1200)
        above.set_title(title, fontsize=9)
        above.set_aspect("equal", "datalim")
        bare(above)
        y = np.maximum(array(misfits)[:14], 0.12)
        k = np.arange(1, len(y) + 1)
        inside = y < 2
        below.plot(k[inside], y[inside], "o", color=CHOSEN, markersize=4.5)
        below.plot(k[~inside], y[~inside], "o", color=FAINT, markersize=3.5)
        below.axhspan(1e-2, 2, color=FAINT, alpha=0.25, linewidth=0)
        below.set(yscale="log", ylim=(0.08, 3e4), xlim=(0, 15), xticks=[1, 5, 10])
        below.set_xlabel(verdict.replace(" in the ", "\nin the "), fontsize=8.5)
        below.xaxis.label.set_color(RIGHT if right else WRONG)
        below.tick_params(labelleft=not column)
    panes[len(rows)].set_ylabel("misfit over noise's")
    return figure
