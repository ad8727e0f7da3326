"""Pictures of measurements: curves with their floors, bars, exponents, the space of solutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from eqflow_nb.figures.style import (
    FAINT,
    INK,
    MARKERS,
    PALETTE,
    array,
    colours,
    grid,
    kind_of,
    legend_outside,
    looks,
)


def distances(
    curves: Mapping[str, tuple[Any, Any]],
    floor: tuple[float, float] | float | None = None,
    ylabel: str = "sliced W₂ to fresh samples (sd)",
    xlabel: str = "time (path in radii of the cloud)",
    log: bool = True,
    log_time: bool = False,
) -> Figure:
    """Distances over time {flow: (times (T,), values (T,) or (T, members))}, over their floor.

    Parameters
    ----------
    curves : mapping
        Several members are drawn as their mean and range.
    floor : (mean, sd) or mean, optional
        Drawn as a band of two sds, the distance of two independent samples.
    ylabel, xlabel : str
    log, log_time : bool
        Whether the axes are logarithmic; a logarithmic time axis leaves t = 0 out.
    """
    figure, (pane,) = grid(1, 1, (7, 3))
    for (name, (times, values)), look in zip(curves.items(), looks(list(curves)), strict=True):
        t, y = array(times), array(values)
        t, y = (t[t > 0], y[t > 0]) if log_time else (t, y)
        _curve(pane, t, y, label=name, **look)
    if floor is not None:
        mean, sd = floor if isinstance(floor, Sequence) else (floor, 0.0)
        pane.axhspan(mean - 2 * sd, mean + 2 * sd, color=FAINT, alpha=0.4, linewidth=0)
        pane.axhline(mean, color="#777777", linewidth=1, linestyle=":", label="noise floor")
    pane.set(xlabel=xlabel, ylabel=ylabel)
    pane.set_yscale("log" if log else "linear")
    pane.set_xscale("log" if log_time else "linear")
    legend_outside(pane)
    return figure


def bars(
    rows: Mapping[str, float | tuple[float, float]],
    target: float | None = None,
    xlabel: str = "distance over its floor",
    best: float | None = None,
    log: bool = False,
) -> Figure:
    """Horizontal bars {name: value or (value, sd)}.

    Parameters
    ----------
    rows : mapping
    target : float, optional
        What was aimed at, a dashed line.
    xlabel : str
    best : float, optional
        What a perfect flow would read (1 for a distance over its floor), a dotted line.
    log : bool
    """
    figure, (pane,) = grid(1, 1, (7, 0.7 + 0.27 * len(rows)))
    pairs = [value if isinstance(value, Sequence) else (value, 0.0) for value in rows.values()]
    values, spreads = np.array(pairs, dtype=float).T
    lines = np.arange(len(rows))
    whiskers = np.where(spreads > 0, spreads, np.nan)
    pane.barh(
        lines,
        values,
        xerr=whiskers,
        color=colours(list(rows)),
        height=0.7,
        error_kw={"elinewidth": 1, "ecolor": INK, "capsize": 2},
    )
    for line, value, spread in zip(lines, values, spreads, strict=True):
        said = f"{value:.3g}" + (f" ± {spread:.2g}" if spread else "")
        pane.annotate(
            said,
            (max(value, 0) + spread, line),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=INK,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )
    pane.set_yticks(lines, list(rows))
    pane.tick_params(axis="y", length=0, labelcolor=INK)
    pane.invert_yaxis()
    named = ((target, "aim", "--"), (best, "perfect", ":"))
    marks = sorted((at, said, dashes) for at, said, dashes in named if at is not None)
    # Two labels lean away from each other.
    sides = ["right", "left"] if len(marks) == 2 else ["center"]
    for (at, said, dashes), side in zip(marks, sides, strict=False):
        pane.axvline(at, color=INK, linewidth=1, linestyle=dashes)
        pane.annotate(
            f"{said} {at:g}",
            (at, 1),
            (0, 2),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha=side,
            fontsize=8,
        )
    pane.set_xscale("log" if log else "linear")
    pane.margins(x=0.12)
    pane.set_xlabel(xlabel)
    return figure


def loss_curves(
    curves: Mapping[str, tuple[Any, Any]],
    ylabel: str = "rms residual / rms speed (1/sd)",
    aim: float | None = None,
) -> Figure:
    """Training curves {name: (steps (T,), values (T,) or (T, members))}, each member a line."""
    figure, (pane,) = grid(1, 1, (7, 2.8))
    for (name, (steps, values)), look in zip(curves.items(), looks(list(curves)), strict=True):
        y = array(values)
        y = y[:, None] if y.ndim == 1 else y
        pane.plot(array(steps), y, linewidth=0.7, alpha=0.7, **look)
        pane.plot([], [], label=name, **look)
    if aim is not None:
        pane.axhline(aim, color=INK, linewidth=1, linestyle="--", label=f"aim {aim:g}")
    pane.set(xlabel="training step", ylabel=ylabel, yscale="log")
    legend_outside(pane)
    return figure


def lyapunov_convergence(
    curves: Mapping[str, tuple[Any, Any, Any]],
    truth: float | None = None,
    ylabel: str = "largest exponent (1/time)",
    xlabel: str = "horizon (time)",
) -> Figure:
    """Largest Lyapunov exponents {flow: (horizons, mean, sd)} against how long one has looked."""
    figure, (pane,) = grid(1, 1, (7, 3))
    for (name, (times, mean, sd)), look in zip(curves.items(), looks(list(curves)), strict=True):
        t, y, spread = array(times), array(mean), array(sd)
        pane.plot(t, y, label=name, **look)
        pane.fill_between(t, y - spread, y + spread, color=look["color"], alpha=0.18, lw=0)
    pane.axhline(0, color="#777777", linewidth=0.8)
    if truth is not None:
        pane.axhline(truth, color=INK, linewidth=1, linestyle="--", label=f"known: {truth:.4g}")
    pane.set(xlabel=xlabel, ylabel=ylabel, xscale="log")
    legend_outside(pane)
    return figure


def solution_space(
    points: Any, labels: Sequence[str], ylabel: str = "second embedding axis (1 - similarity)"
) -> Figure:
    """Flows placed in a plane (m, 2), near when they are alike; a kind keeps colour and marker.

    Labels name the kind of flow, such as "learned 3"; each kind is named once, beside its centre.
    """
    xy = array(points)
    kinds = [kind_of(label) or label for label in labels]
    figure, (pane,) = grid(1, 1, (7, 4.2))
    tints = dict(zip(kinds, colours(kinds), strict=True))
    for kind, tint in tints.items():
        own = xy[[k == kind for k in kinds]]
        pane.scatter(
            own[:, 0],
            own[:, 1],
            s=330 if kind == "truth" else 38,
            color=tint,
            label=kind,
            marker=MARKERS.get(kind, "o"),
            edgecolors="white",
            linewidths=0.6,
            # What coincides with the truth lies on its star.
            zorder=1 if kind == "truth" else 2,
        )
    pane.axhline(0, color="#dddddd", linewidth=0.7, zorder=0)
    pane.axvline(0, color="#dddddd", linewidth=0.7, zorder=0)
    pane.set(xlabel=ylabel.replace("second", "first"), ylabel=ylabel, aspect="equal")
    pane.set_adjustable("datalim")
    legend_outside(pane, title="kind of flow")
    return figure


def similarity_heatmap(matrix: Any, labels: Sequence[str]) -> Figure:
    """Similarities (m, m) of every two fields, written into the cells while there are few."""
    s = array(matrix)
    side = min(6.5, 2.2 + 0.36 * len(s))
    figure, (pane,) = grid(1, 1, (side + 1.2, side))
    figure.set_layout_engine("compressed")
    picture = pane.imshow(s, cmap="cividis", vmin=0, vmax=1)
    if len(s) <= 14:
        for i, j in np.ndindex(s.shape):
            ink = "white" if s[i, j] < 0.5 else "black"
            pane.text(
                j, i, f"{s[i, j]:.2f}".lstrip("0"), ha="center", va="center", fontsize=7, color=ink
            )
    pane.set_xticks(range(len(s)), labels, rotation=60, ha="right", rotation_mode="anchor")
    pane.set_yticks(range(len(s)), labels)
    pane.tick_params(length=0)
    figure.colorbar(picture, ax=pane, label="similarity |cos|", shrink=0.8)
    return figure


def sampler_curve(
    curves: Mapping[str, tuple[Any, Any]],
    xlabel: str = "skew strength γ",
    ylabel: str = "effective samples\nper 1,000 score evaluations",
    log: bool = False,
) -> Figure:
    """Curves {name: (x (T,), y (T,) or (T, repeats))} with a marker at every point measured."""
    figure, (pane,) = grid(1, 1, (7, 3))
    for (name, (x, y)), look in zip(curves.items(), looks(list(curves)), strict=True):
        _curve(pane, array(x), array(y), label=name, marker="o", markersize=4, **look)
    pane.set(xlabel=xlabel, ylabel=ylabel, yscale="log" if log else "linear")
    if not log:
        pane.set_ylim(bottom=0)
    legend_outside(pane)
    return figure


def growth(curves: Mapping[str, tuple[Any, Any]], ylabel: str) -> Figure:
    """Curves {name: (sizes, values)} on two log scales, sizes growing by factors of two."""
    figure, (pane,) = grid(1, 1, (7.5, 4))
    marks = "osD^vPX*"
    for k, (name, (x, y)) in enumerate(curves.items()):
        colour = list(PALETTE.values())[k % len(PALETTE)]
        pane.plot(x, y, color=colour, marker=marks[k % len(marks)], markersize=4, label=name)
    pane.set_xscale("log", base=2)
    pane.set(yscale="log", xlabel="size", ylabel=ylabel)
    legend_outside(pane)
    return figure


def _curve(pane: Any, x: np.ndarray, y: np.ndarray, **look: Any) -> None:
    """One curve; several members (T, m) become their mean and a band from least to greatest."""
    if y.ndim == 2:
        pane.fill_between(x, y.min(1), y.max(1), color=look["color"], alpha=0.18, linewidth=0)
        y = y.mean(1)
    pane.plot(x, y, **look)
