"""A look at a reader's own snapshots: what they amount to, and what they are fit for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from eqflow_nb.user_data.findings import Finding, of_images, of_points
from eqflow_nb.user_data.read import Own

MOST_ROWS = 200_000
SHUFFLES = 20
PROBES = 16  # fixed linear readings of an image, to follow it in time by
PER_UNKNOWN = 30  # independent snapshots: Lorenz's 30 unknowns are determined from about 1,000


@dataclass(frozen=True)
class Look:
    """What a look at the data found.

    Attributes
    ----------
    rows : int
        Snapshots, N.
    duplicated : int
        Rows that repeat an earlier one exactly (of the first 200,000).
    ordered : bool
        Whether neighbouring rows are alike, as in a time series or a sorted table.
    independent : float
        How many independent snapshots the rows amount to.
    keep : tuple of int
        Columns to work with: not constant, no counter, no combination of others.
    findings : tuple of Finding
    fit_for : tuple of str
        What the data will do for, in sentences.
    """

    rows: int
    duplicated: int
    ordered: bool
    independent: float
    keep: tuple[int, ...]
    findings: tuple[Finding, ...]
    fit_for: tuple[str, ...]

    def about(self, kind: str) -> tuple[Finding, ...]:
        """The findings of one kind."""
        return tuple(f for f in self.findings if f.about == kind)

    def __str__(self) -> str:
        lines = [f.text for f in self.findings] or ["Nothing odd was found."]
        return "\n".join([*lines, *self.fit_for])


def look(own: Own, seed: int = 0) -> Look:
    """Look at a reader's snapshots before anything is made of them.

    Parameters
    ----------
    own : Own
        From `own.read`.
    seed : int
        Of the shuffled controls.
    """
    rows = len(own.values)
    own = replace(own, values=own.values[:MOST_ROWS])
    found = of_images(own) if own.images else of_points(own)
    out = {c for f in found if f.about in ("constant", "counter", "collinear") for c in f.columns}
    keep = tuple(c for c in range(own.values.shape[1]) if c not in out)
    flat = own.values.reshape(len(own.values), -1)
    duplicated = len(flat) - len(np.unique(flat, axis=0))
    # A counter or a time would look ordered whatever the states did.
    time, control = order(_readings(own.values[:, keep], seed), seed)
    ordered = time > max(1.5, 1.2 * control)
    distinct = len(flat) - duplicated
    share = min(1 / time if ordered else 1.0, distinct / len(flat))
    about = [*_repeated(len(flat), duplicated), *_cut(rows)]
    if ordered:
        about.append(_order_found(rows, time, control, rows * share))
    fit = tuple(_fit_for(own, rows * share, len(keep)))
    return Look(rows, duplicated, ordered, rows * share, keep, (*about, *found), fit)


def order(x: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """Longest integrated autocorrelation time of the columns of x (N, k), and of shuffled rows.

    tau = 1 + 2 sum_t rho(t) over the lags t < 5 tau (Sokal's window; Sokal, in Functional
    Integration, 1997, section 3), so that N / tau rows are independent; at least 1.

    Returns
    -------
    (float, float)
        That of the order given, and the longest that 20 shuffled orders show by chance.
    """
    rng = np.random.default_rng(seed)
    varying = x[:, np.ptp(x, axis=0) > 0]
    if not varying.size:
        return 1.0, 1.0
    shuffled = [_longest(rng.permutation(varying)) for _ in range(SHUFFLES)]
    return _longest(varying), max(shuffled)


def _longest(x: np.ndarray) -> float:
    n = len(x)
    z = (x - x.mean(0)) / x.std(0)
    spectrum = np.abs(np.fft.rfft(z, 2 * n, axis=0)) ** 2
    rho = np.fft.irfft(spectrum, axis=0)[:n] / n
    times = 2 * np.cumsum(rho, axis=0) - 1
    outside = np.arange(n)[:, None] >= 5 * times
    ends = np.where(outside.any(0), outside.argmax(0), n - 1)
    return max(1.0, float(times[ends, np.arange(x.shape[1])].max()))


def _readings(values: np.ndarray, seed: int) -> np.ndarray:
    """Columns (N, k) that an order in time would show in: the points, or pixels of images."""
    if values.ndim == 2:
        return values
    n, channels = values.shape[:2]
    pixels = values.reshape(n, channels, -1)
    chosen = np.random.default_rng(seed).integers(pixels.shape[2], size=PROBES)
    return np.concatenate([pixels.mean(2), pixels[:, :, chosen].reshape(n, -1)], 1)


def _cut(rows: int) -> Iterator[Finding]:
    if rows > MOST_ROWS:
        yield Finding("cut", f"Only the first {MOST_ROWS:,} of {rows:,} rows were looked at.")


def _repeated(rows: int, duplicated: int) -> Iterator[Finding]:
    if duplicated:
        yield Finding(
            "duplicates",
            f"{duplicated} of {rows} rows repeat an earlier one exactly. They add nothing, and a "
            "density fitted to them grows spikes: leave them out.",
        )


def _order_found(rows: int, time: float, control: float, independent: float) -> Finding:
    at_most = "at most " if time > rows / 50 else "about "
    return Finding(
        "order",
        f"Neighbouring rows are alike (autocorrelation time {time:.3g} rows, {control:.2g} when "
        f"shuffled), as in a time series. The {rows} rows amount to {at_most}"
        f"{max(1, round(independent))} independent ones; if the table is only sorted, to all of "
        "them. The order itself is not used.",
    )


def _fit_for(own: Own, independent: float, d: int) -> Iterator[str]:
    if d == 0:
        yield "Fit for nothing: no column varies by itself."
    elif own.images:
        good = "enough" if independent >= 32 else "few"
        yield f"About {independent:.0f} independent images: {good} for a flow without training."
        if independent < 100:
            yield "A law of motion takes some 100 of 64 by 64 pixels, or fewer large ones."
    elif d == 1:
        yield "One coordinate: on a line nothing can flow and look the same. Bring another."
    else:
        yield from _fit_points(independent, d)


def _fit_points(independent: float, d: int) -> Iterator[str]:
    """Sampling noise of a density grows with d; unknowns of a quadratic law as d^3."""
    needed = 10 ** (1 + d / 2)
    if independent >= needed:
        yield f"Fit for a score and a flow in {d} dimensions."
    else:
        yield (
            f"Few for a score in {d} dimensions: {independent:.0f} independent rows, where some "
            f"{needed:.0f} would do. A large σ will be chosen."
        )
    unknowns = d * math.comb(d + 2, 2)
    if d > 6:
        yield "Too many coordinates to look for a law of motion; at most 6 are tried."
    elif independent >= PER_UNKNOWN * unknowns:
        yield f"Fit for a law of motion with up to {unknowns} terms (quadratic)."
    else:
        yield (
            f"Few for a quadratic law of motion: some {PER_UNKNOWN * unknowns} independent rows "
            f"would do for its {unknowns} terms."
        )
