"""Pictures of a report: the choice of σ, a score and a flow over the data; nothing is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from eqflow_nb.figures.axes import (
    Field,
    LogDensity,
    draw_cloud,
    draw_density,
    draw_streamlines,
    square,
)
from eqflow_nb.figures.style import (
    FAINT,
    INK,
    PALETTE,
    array,
    colours,
    grid,
    legend_outside,
    name_axes,
)

PHASE_MARKS = ("o", "s", "^", "D", "v", "P")


def sigma_curves(
    curves: Mapping[str, tuple[Any, Any, Any]], chosen: Mapping[str, float], tolerance: float
) -> Figure:
    """The criterion against the noise level, {name: (sigmas, values, errors)}, and the choices."""
    figure, (pane,) = grid(1, 1, (7, 3))
    for (name, (sigmas, values, errors)), tint in zip(
        curves.items(), colours(list(curves)), strict=True
    ):
        s, y, e = array(sigmas), array(values), array(errors)
        pane.plot(s, y, "o-", color=tint, markersize=3, label=name)
        pane.fill_between(s, y - e, y + e, color=tint, alpha=0.2, linewidth=0)
        pane.axvline(chosen[name], color=tint, linewidth=1, linestyle="--")
        if len(curves) == 1:
            pane.annotate(
                f"chosen: {chosen[name]:.2g}",
                (chosen[name], 1),
                (4, -10),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                fontsize=8,
            )
    pane.axhline(tolerance, color=INK, linewidth=1, linestyle=":", label=f"at most {tolerance:g}")
    ticks = [0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0]
    pane.set_xscale("log")
    pane.set_xticks(ticks, [f"{t:g}" for t in ticks])
    pane.minorticks_off()
    pane.set(xlabel="noise level σ (sd)", ylabel="distance of the blurred\nhalf over plain one's")
    pane.set_ylim(0.95, 1.5)
    legend_outside(pane)
    return figure


def level_costs(
    costs: Mapping[str, tuple[Any, Any]], chosen: Mapping[str, tuple[float, float]]
) -> Figure:
    """Cost against level {name: (levels, costs)}, and what was chosen {name: (level, cost)}."""
    figure, (pane,) = grid(1, 1, (7, 3))
    for (name, (levels, values)), tint in zip(costs.items(), colours(list(costs)), strict=True):
        pane.plot(array(levels), array(values), color=tint, label=name, marker=".", linewidth=1.2)
        pane.plot(*chosen[name], "*", color=tint, markersize=12, markeredgecolor="white")
    pane.plot([], [], "*", color=INK, markersize=10, linestyle="", label="chosen, from data alone")
    ticks = sorted({float(t) for levels, _ in costs.values() for t in array(levels)})
    pane.set_xscale("log")
    pane.set_xticks(ticks, [f"{t:g}" for t in ticks])
    pane.minorticks_off()
    pane.set(
        xlabel="noise level σ (sd)", ylabel="distance to held-out data\nafter the flow (floors)"
    )
    legend_outside(pane)
    return figure


def score_arrows(
    log_density: LogDensity,
    samples: Any,
    at: Any,
    arrows: Any,
    axes: Sequence[str],
    extent: float,
) -> Figure:
    """A density with samples (n, 2), and the score's arrows (m, 2) at points (m, 2)."""
    figure, (pane,) = grid(1, 1, (4.4, 4.3))
    draw_density(pane, log_density, extent)
    draw_cloud(pane, samples, INK, size=3, alpha=0.35, points=700)
    x, v = array(at), array(arrows)
    length = np.linalg.norm(v, axis=1, keepdims=True)
    longest = 0.16 * extent
    # Roots, so that short arrows show beside long ones; the longest reach the next point.
    v = v / np.maximum(length, 1e-12) * np.sqrt(length / length.max()) * longest
    pane.quiver(
        *x.T,
        *v.T,
        color=PALETTE["score"],
        angles="xy",
        scale_units="xy",
        scale=1,
        width=0.004,
        headwidth=4,
        headlength=5,
    )
    square(pane, extent, axes)
    return figure


def flow_lines(
    fields: Mapping[str, Field],
    log_density: LogDensity,
    axes: Sequence[str],
    extent: float,
) -> Figure:
    """Streamlines of fields {title: field} over one density."""
    size = 4.4 if len(fields) == 1 else 3.2
    figure, panes = grid(len(fields), 3, (size, size))
    for index, (pane, (title, field)) in enumerate(zip(panes, fields.items(), strict=True)):
        draw_density(pane, log_density, extent)
        draw_streamlines(pane, field, extent)
        pane.set_title(title)
        square(pane, extent, axes, inner=index == 0)
    return figure


def spectra(k: Any, powers: Mapping[str, Any], noise: float) -> Figure:
    """Power of each channel {name: (bins,)} against wave number, and the flat power of noise."""
    figure, (pane,) = grid(1, 1, (7, 3))
    for (name, power), tint in zip(powers.items(), colours(list(powers)), strict=True):
        pane.plot(array(k), array(power), color=tint, label=name)
    pane.axhline(noise, color=INK, linewidth=1, linestyle=":", label="noise of level σ")
    pane.set(xscale="log", yscale="log", xlabel="|k| (cycles a pixel)", ylabel="power (sd² a mode)")
    ticks = [t for t in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if array(k).min() <= t]
    pane.set_xticks(ticks, [f"{t:g}" for t in ticks])
    pane.minorticks_off()
    legend_outside(pane)
    return figure


def density_on_a_line(x: Any, values: Any, density: Any, axis: str) -> Figure:
    """A histogram of samples (n,), and their blurred density at points x (m,)."""
    figure, (pane,) = grid(1, 1, (7, 2.8))
    pane.hist(array(values), bins=40, density=True, color=FAINT, alpha=0.6, label="samples")
    pane.plot(array(x), array(density), color=PALETTE["learned"], label="blurred by σ")
    pane.set_ylabel("density (1/sd)")
    name_axes(pane, [axis, ""], inner=False)
    legend_outside(pane)
    return figure


def labelled_cloud(
    x: Any, labels: Sequence[str], order: Sequence[str], axes: Sequence[str], extent: float = 3.5
) -> Figure:
    """Points (n, 2) with a colour and a mark for each label."""
    figure, (pane,) = grid(1, 1, (4.9, 4.2))
    x, named = array(x), np.asarray(labels)
    for mark, tint, name in zip(PHASE_MARKS, colours(order), order, strict=False):
        own = x[named == name]
        pane.plot(
            *own.T, mark, color=tint, markersize=3.5, alpha=0.7, markeredgewidth=0,
            label=f"{name} ({len(own)})",
        )  # fmt: skip
    square(pane, extent, axes)
    legend_outside(pane, markerscale=2)
    return figure


def null_histogram(groups: Mapping[str, Any], found: float, label: str) -> Figure:
    """Values of a measure under controls {name: values}, beside the one found."""
    figure, (pane,) = grid(1, 1, (7, 2.4))
    for line, (name, tint) in enumerate(zip(groups, colours(list(groups)), strict=True)):
        values = array(groups[name])
        pane.plot(values, np.full(len(values), line), "|", color=tint, markersize=16, alpha=0.7)
    pane.axvline(found, color=PALETTE["score"], linewidth=2, label=f"the cells: {found:.3f}")
    pane.set_yticks(range(len(groups)), list(groups))
    pane.set_ylim(-0.6, len(groups) - 0.4)
    pane.set_xlabel(label)
    legend_outside(pane)
    return figure


def orbits(paths: Mapping[str, Sequence[Any]], extent: float, axes: Sequence[str]) -> Figure:
    """Orbits {title: [path (T, 2), ...]} side by side, a colour for each."""
    figure, panes = grid(len(paths), 3, (2.9, 3.0))
    tints = [PALETTE[k] for k in ("learned", "skew", "exact", "symmetric")]
    for index, (pane, (title, several)) in enumerate(zip(panes, paths.items(), strict=True)):
        for tint, path in zip(tints, several, strict=False):
            x = array(path)
            pane.plot(*x.T, color=tint, linewidth=0.9, alpha=0.9)
            pane.plot(*x[0], "o", color=tint, markersize=4)
        pane.set_title(title)
        square(pane, extent, axes, inner=index == 0)
    return figure
