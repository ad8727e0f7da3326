"""The picture of a sweep: one figure of merit over all its models, beside what others report."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from eqflow_nb.figures.style import INK, array, colour, grid

SIMILARITY = (0.257, 0.012)  # mean and sd of 100 models in Zhang & Levin (2025)
FAR = 10


def ensemble(
    values: Any,
    paper: tuple[float, float] | None = SIMILARITY,
    xlabel: str = "similarity to the true motion",
    limits: tuple[float, float] | None = (0.0, 1.0),
) -> Figure:
    """A figure of merit over the models of a sweep, and the paper's.

    Above, a dot for each model and the paper's figure; below, where most values lie: their
    histogram, a tick for each model, and the median of all.  What lies further from the median than
    `FAR` times the distance between the quartiles is only counted there.

    Parameters
    ----------
    values : (n,)
        One for each model; what isn't finite is left out, and counted in the title.
    paper : (mean, sd), optional
        The figure to compare with; by default the similarity of the paper's 100 learned flows.
    xlabel : str
    limits : (low, high), optional
        Of the axis above; the data's own if not given.

    Raises
    ------
    ValueError
        If fewer than two values are finite.
    """
    given = array(values).astype(float)
    x = given[np.isfinite(given)]
    if len(x) < 2:
        raise ValueError(f"values has {len(x)} finite number(s); at least 2 are needed")
    lower, median, upper = np.quantile(x, [0.25, 0.5, 0.75])
    inner = x[np.abs(x - median) <= FAR * (upper - lower)]
    figure, (whole, near) = grid(2, 1, (7, 1.7))
    blue = colour("learned")
    # Dots of near values would cover each other on a line: spread, the same way every time.
    heights = np.random.default_rng(0).uniform(0.15, 0.85, len(x))
    whole.plot(x, heights, "o", color=blue, markersize=3, alpha=0.5, label=f"ours, {len(x)} models")
    if paper is not None:
        centre, spread = paper
        whole.axvspan(centre - spread, centre + spread, color=colour("score"), alpha=0.25, lw=0)
        label = f"the paper's, {centre:g} ± {spread:g}"
        whole.axvline(centre, color=colour("score"), linestyle="--", label=label)
    whole.set(yticks=[], ylim=(0, 1), xlim=limits)
    whole.legend(loc="center")
    lost = len(given) - len(x)
    said = f"all: mean {x.mean():.4f}, sd {x.std(ddof=1):.4f}, median {median:.4f}"
    whole.set_title(said + (f"; {lost} not finite" if lost else ""))
    near.hist(inner, bins="auto", color=blue, alpha=0.3)
    near.plot(inner, np.zeros(len(inner)), "|", color=blue, markersize=12)
    near.axvline(median, color=INK)
    said = f"enlarged: {len(inner)} models, mean {inner.mean():.4f}, sd {inner.std(ddof=1):.4f}"
    near.set_title(said + (f"; {len(x) - len(inner)} far off" if len(inner) < len(x) else ""))
    near.set(xlabel=xlabel, ylabel="models")
    return figure
