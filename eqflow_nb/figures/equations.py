"""Pictures of laws found from snapshots.  They draw what they are given and compute nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from eqflow_nb.figures.axes import draw_cloud
from eqflow_nb.figures.style import FAINT, INK, PALETTE, array, grid, looks

FOUND, TRUE, CHOSEN = PALETTE["learned"], PALETTE["truth"], PALETTE["score"]
LAW_FONT = "DejaVu Sans Mono"


def draw_elimination(
    pane: Axes, terms: Any, misfits: Any, expected: Any, chosen: int, truth: int | None = None
) -> None:
    """Misfit against the number of terms left, with what noise alone would give as a band.

    Parameters
    ----------
    terms, misfits, expected : (n,)
        Along the path: terms left, misfit, and its expected value (degrees of freedom).
    chosen : int
        How many terms the law in question has.
    truth : int, optional
        How many the true law has.
    """
    n, y, mean = array(terms), array(misfits), array(expected)
    wide = 2 * np.sqrt(2 * mean)
    pane.fill_between(
        n, np.maximum(mean - wide, 1), mean + wide, color=FAINT, alpha=0.45, linewidth=0,
        label="noise alone, ±2 sd",
    )  # fmt: skip
    pane.plot(n, y, "o-", color=FOUND, markersize=3.5, linewidth=1, label="best law left")
    at = list(n).index(chosen)
    side = 1 if chosen > max(n) / 2 else -1  # away from the cliff
    pane.plot(n[at], y[at], "o", color=CHOSEN, markersize=9, fillstyle="none", markeredgewidth=1.8)
    pane.annotate(
        f"{chosen} terms", (n[at], y[at]), (side * 8, 8), textcoords="offset points", color=CHOSEN,
        fontsize=9, ha="left" if side > 0 else "right", in_layout=False,
    )  # fmt: skip
    if truth is not None and truth != chosen:
        pane.axvline(truth, color=TRUE, linewidth=0.8, linestyle=":")
    pane.set_yscale("log")
    pane.minorticks_off()  # their labels take half of the time of a panel's redraw
    pane.set_xlim(max(n) + 1, 0)
    pane.set_xlabel("terms left")
    pane.set_ylabel("misfit N |residual|²")


def elimination(paths: Mapping[str, tuple[Any, Any, Any, int]]) -> Figure:
    """Elimination paths {title: (terms, misfits, expected, chosen)} side by side."""
    figure, panes = grid(len(paths), 3, (4.4 if len(paths) < 3 else 2.9, 3.1), sharey=True)
    for index, (pane, (title, (terms, misfits, expected, chosen))) in enumerate(
        zip(panes, paths.items(), strict=True)
    ):
        draw_elimination(pane, terms, misfits, expected, chosen)
        pane.set_title(title)
        if index:
            pane.set_ylabel("")
    panes[0].legend(loc="upper left")
    return figure


def draw_attractor(
    pane: Axes, path: Any, pair: tuple[int, int], tint: str, cloud: Any = None
) -> None:
    """Two coordinates of a path (T, d) or, if it is long, of many points; samples behind."""
    if cloud is not None:
        draw_cloud(pane, array(cloud)[:, list(pair)], FAINT, size=2, alpha=0.5, points=1500)
    x = array(path)[:, list(pair)]
    pane.plot(*x.T, color=tint, linewidth=0.45, alpha=0.85)


def attractors(
    paths: Mapping[str, Any],
    pairs: Sequence[tuple[int, int]] = ((0, 2), (0, 1)),
    axes: Sequence[str] = ("x", "y", "z"),
    cloud: Any = None,
) -> Figure:
    """Paths {title: (T, 3)} side by side, a row for each pair of coordinates, on common axes."""
    columns = len(paths)
    figure, panes = grid(columns * len(pairs), columns, (8.4 / max(columns, 3), 2.5))
    everything = np.concatenate([array(x) for x in paths.values()])
    low, high = np.nanpercentile(everything, [0, 100], axis=0)
    room = 0.06 * (high - low)
    cells = iter(panes)
    for row, pair in enumerate(pairs):
        for column, (title, path) in enumerate(paths.items()):
            pane = next(cells)
            tint = TRUE if "true" in title else FOUND
            draw_attractor(pane, path, pair, tint, cloud)
            i, j = pair
            pane.set(xlim=(low[i] - room[i], high[i] + room[i]))
            pane.set(ylim=(low[j] - room[j], high[j] + room[j]), xlabel=axes[i])
            if column == 0:
                pane.set_ylabel(axes[j])
            if row == 0:
                pane.set_title(title)
    return figure


def spectra(curves: Mapping[str, tuple[Any, Any]], ylabel: str = "exponent (1/time)") -> Figure:
    """Lyapunov exponents {law: (horizons (T,), history (T, d))}, a pane for each exponent."""
    dim = array(next(iter(curves.values()))[1]).shape[1]
    figure, panes = grid(dim, dim, (8.4 / dim, 2.5))
    for k, pane in enumerate(panes):
        ends = []
        for (name, (times, history)), look in zip(curves.items(), looks(list(curves)), strict=True):
            t, y = array(times), array(history)[:, k]
            late = t > t[-1] / 20
            pane.plot(t[late], y[late], label=f"{name}: {y[-1]:.3f}", **look)
            ends.append(y[-1])
        middle = float(np.mean(ends))
        half = max(0.12, 0.12 * abs(middle), 3 * float(np.ptp(ends)))
        pane.set_ylim(middle - half, middle + half)
        pane.set(title=("largest", "second", "third", "fourth")[k], xlabel="horizon (time)")
        pane.legend(loc="upper right", fontsize=8)
    panes[0].set_ylabel(ylabel)
    return figure


def recovery(
    curves: Mapping[str, tuple[Any, Any, Any]],
    xlabel: str,
    log: bool = True,
    aim: float | None = None,
) -> Figure:
    """How laws are recovered: their share and their error, over snapshots or noise.

    Parameters
    ----------
    curves : {name: (x (T,), right (T, seeds) of bool, error (T, seeds) or None)}
        Whether each run's law counts as found, and its field error.
    xlabel : str
    log : bool
        Whether x is logarithmic.
    aim : float, optional
        Of the error, dashed.
    """
    figure, (left, right) = grid(2, 2, (4.2, 3.0))
    for (name, (x, hit, error)), look in zip(curves.items(), looks(list(curves)), strict=True):
        x, hit = array(x), array(hit).astype(float)
        left.plot(x, 100 * hit.mean(1), marker="o", markersize=4, label=name, **look)
        if error is None:
            continue
        error = 100 * array(error)
        middle = np.median(error, axis=1)
        right.plot(x, middle, marker="o", markersize=4, label=name, **look)
        right.fill_between(x, error.min(1), error.max(1), color=look["color"], alpha=0.15, lw=0)
    if aim is not None:
        right.axhline(100 * aim, color=INK, linewidth=1, linestyle="--")
    left.set(ylim=(-5, 105), ylabel="runs (%)", xlabel=xlabel, title="laws found")
    right.set(yscale="log", ylabel="(%)", xlabel=xlabel, title="field error, median and range")
    right.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    right.yaxis.set_minor_formatter(NullFormatter())
    for pane in (left, right):
        if log:
            pane.set_xscale("log")
    left.legend(loc="best", fontsize=8)
    return figure


def draw_law(pane: Axes, text: str, size: float = 8, width: int = 34, most: int = 15) -> None:
    """Write equations into a pane without axes, long ones broken between terms.

    More than `most` lines are written smaller.
    """
    pane.set_axis_off()
    lines = [part for line in text.splitlines() for part in broken(line, width)]
    fitting = size * min(1.0, most / max(len(lines), 1))
    pane.text(
        0.0, 0.97, "\n".join(lines), transform=pane.transAxes, va="top", family=LAW_FONT,
        fontsize=max(fitting, 4.5), linespacing=1.35, in_layout=False,
    )  # fmt: skip


def broken(line: str, width: int) -> list[str]:
    """A line as lines of at most about `width` letters, broken before a sign."""
    terms = re.split(r" (?=[+-] )", line)
    lines = [terms[0]]
    for term in terms[1:]:
        if len(lines[-1]) + 1 + len(term) > width and not lines[-1].endswith("="):
            lines.append("   " + term)
        else:
            lines[-1] += " " + term
    return lines


def gallery(
    rows: Mapping[str, tuple[Any, tuple[int, int], str, str, bool]], columns: int = 4
) -> Figure:
    """Attractors with the equations found under each.

    Parameters
    ----------
    rows : {name: (path (T, d), pair of coordinates, equations, remark, right)}
        The remark, such as a field error, is green where `right`.
    columns : int
    """
    count = -(-len(rows) // columns)
    heights = []  # in inches: of the attractors, and of the longest law under them
    for row in range(count):
        laws = [text for _, _, text, _, _ in list(rows.values())[row * columns :][:columns]]
        lines = [sum(len(broken(line, 34)) for line in law.splitlines()) for law in laws]
        heights += [1.6, 0.35 + 6.4 * 1.35 / 72 * max(lines)]
    figure, _ = grid(1, 1, (9.0, sum(heights) + 0.45 * count))
    figure.clear()
    panes = figure.subplots(
        2 * count, columns, squeeze=False, gridspec_kw={"height_ratios": heights}
    )
    for pane in panes.flat:
        pane.set_axis_off()
    for index, (name, (path, pair, text, remark, right)) in enumerate(rows.items()):
        row, column = divmod(index, columns)
        above, below = panes[2 * row, column], panes[2 * row + 1, column]
        draw_attractor(above, path, pair, FOUND)
        above.set_title(name.replace("_", " "), fontsize=9)
        tint = "#00734f" if right else "#b04a00"
        above.text(
            0.5, -0.02, remark.replace(", wrong", ",\nwrong"), transform=above.transAxes,
            ha="center", va="top", fontsize=7.5, color=tint, in_layout=False,
        )  # fmt: skip
        draw_law(below, "\n" + text, 6.4, 34, most=99)
    return figure


def verdicts(rows: Mapping[str, tuple[Any, Any, str, bool]], most: int = 14) -> Figure:
    """Clouds above the misfits of their libraries' laws: how many lie within the noise.

    Parameters
    ----------
    rows : {title: (cloud (n, 2), misfits (K,) over what noise gives, verdict, right)}
    most : int
        Of the misfits shown.
    """
    figure, panes = grid(2 * len(rows), len(rows), (8.8 / len(rows), 1.75))
    for column, (title, (cloud, misfits, verdict, right)) in enumerate(rows.items()):
        above, below = panes[column], panes[len(rows) + column]
        x = array(cloud)
        draw_cloud(above, x, PALETTE["learned"], size=1.5, alpha=0.5, points=1200)
        above.set_title(title, fontsize=9)
        above.set(xticks=[], yticks=[])
        for side in above.spines.values():
            side.set_visible(False)
        y = np.maximum(array(misfits)[:most], 0.12)
        inside = y < 2
        k = np.arange(1, len(y) + 1)
        below.plot(k[inside], y[inside], "o", color=CHOSEN, markersize=4.5)
        below.plot(k[~inside], y[~inside], "o", color=FAINT, markersize=3.5)
        below.axhspan(1e-2, 2, color=FAINT, alpha=0.25, linewidth=0)
        below.set(yscale="log", ylim=(0.08, 3e4), xlim=(0, most + 1), xticks=[1, 5, 10])
        below.set_xlabel(verdict.replace(" in the ", "\nin the "), fontsize=8.5)
        below.xaxis.label.set_color("#00734f" if right else "#b04a00")
        if column:
            below.set_yticklabels([])
        else:
            below.set_ylabel("misfit over noise's")
    return figure


def by_hand(values: Any, found: Any, names: Sequence[str], truth: Any) -> Figure:
    """Singular values (K,) of the conditions, and the null vector (K,) beside the true one."""
    figure, (left, right) = grid(2, 2, (4.2, 2.9), gridspec_kw={"width_ratios": [1, 2]})
    s = np.sort(array(values))
    left.plot(range(1, len(s) + 1), s, "o", color=FAINT, markersize=3.5)
    left.plot(1, s[0], "o", color=CHOSEN, markersize=6)
    left.set(yscale="log", xlabel="number, least first", title="singular values of M")
    places = np.arange(len(names))
    right.bar(places - 0.2, array(found), 0.4, color=FOUND, label="null vector")
    right.bar(places + 0.2, array(truth), 0.4, color=TRUE, label="truth")
    right.axhline(0, color=INK, linewidth=0.7)
    right.set_xticks(places, names, rotation=90, fontsize=6)
    right.set(title="the last singular vector", ylabel="coefficient")
    right.legend(loc="lower right", fontsize=8)
    return figure
