"""How far creatures go, and how straight.  Lengths are in pixels, times in frames."""

import math
from collections.abc import Sequence

import numpy as np
from scipy import integrate

from eqflow_nb.inputs import InputError, count
from eqflow_nb.measures.tracking import Tracks


def mean_squared_displacement(tracks: Sequence[Tracks], lag: int) -> np.ndarray:
    """Mean over starts of |x(t + lag) - x(t)|^2 of each creature, pixels^2; lag in frames."""
    lag = count(lag, "lag")
    per = [
        ((t.positions[lag:] - t.positions[:-lag]) ** 2).sum(-1).mean(0)
        for t in tracks
        if len(t.positions) > lag
    ]
    if not any(len(one) for one in per):
        raise _too_short(lag)
    return np.concatenate(per)


def msd_exponent(tracks: Sequence[Tracks], lags: Sequence[int]) -> tuple[float, float]:
    """Slope of log mean squared displacement against log lag, and its error over creatures.

    1 is a random walk, 2 is straight on.  The error is by bootstrap, of films longer than each lag.
    """
    lags = sorted({count(lag, "lags") for lag in lags})
    if len(lags) < 2:
        raise InputError(f"lags hold {len(lags)} different lag(s); a slope needs at least 2")
    mean_squared_displacement(tracks, lags[-1])  # refuses films that are too short
    long = [track for track in tracks if len(track.positions) > lags[-1]]
    table = np.stack([mean_squared_displacement(long, lag) for lag in lags])
    if not (table > 0).any(1).all():
        raise InputError("tracks hold no creature that moves; a standstill has no exponent")
    x = np.log(np.asarray(lags, dtype=float))
    some = np.random.default_rng(0).integers(0, table.shape[1], (200, table.shape[1]))
    slopes = np.polyfit(x, np.log(table[:, some].mean(-1)), 1)[0]
    return float(np.polyfit(x, np.log(table.mean(-1)), 1)[0]), float(slopes.std())


def speed(tracks: Sequence[Tracks], lag: int = 1) -> float:
    """Mean length of a displacement over `lag` frames, by the lag: pixels a frame.

    A random walk has no speed of its own: there it falls as 1 / sqrt(lag).
    """
    lengths = [np.linalg.norm(v, axis=-1).mean() for v in displacements(tracks, lag)]
    return float(np.mean(lengths) / lag)


def persistence_time(tracks: Sequence[Tracks], lag: int = 1) -> float:
    """Frames for which a creature remembers its velocity (displacement over `lag` frames).

    The autocorrelation is integrated to its first zero.  A random walk shows half a lag, the least
    that can be told; a creature that never turns shows its film's length, a lower bound.
    """
    films = displacements(tracks, lag)
    shortest = min(len(steps) for steps in films)
    long = [steps for steps in films if len(steps) >= 2]
    if not long:
        raise InputError(f"tracks are shorter than two lags of {lag} frames; give longer films")
    products = [
        np.concatenate([(v[n:] * v[: len(v) - n]).sum(-1).ravel() for v in long]).mean()
        for n in range(shortest)
    ]
    if not products[0] > 0:
        raise InputError("tracks hold no creature that moves; a standstill has no direction")
    return lag * to_first_zero(np.array(products) / products[0])


def axis_drift(tracks: Sequence[Tracks], lag: int) -> tuple[float, float]:
    """Mean displacement along the body's axis over `lag` frames, and its standard error."""
    drift, error = body_drift(tracks, lag)
    return float(drift[0]), float(error[0])


def body_drift(tracks: Sequence[Tracks], lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean displacement (2,) over `lag` frames along the heading and to its left, and its errors.

    The heading is the mean of those before and after a displacement: so the drift of a motion that
    looks the same backwards, such as one without a rule, is 0.  By the heading before it would not
    be: a creature that turns about another point than the one that is followed seems to drift.
    """
    joined = []
    for track, steps in zip(moving(tracks), displacements(tracks, lag), strict=True):
        headings = track.heading[::lag]
        unit = np.exp(1j * headings[:-1]) + np.exp(1j * headings[1:])
        unit /= np.abs(unit).clip(1e-12)
        step = (steps[..., 1] - 1j * steps[..., 0]) * unit.conj()
        joined.append(np.stack([step.real.ravel(), step.imag.ravel()]))
    table = np.concatenate(joined, axis=1) if joined else np.empty((2, 0))
    if table.shape[1] < 2:
        raise InputError("tracks hold fewer than two displacements; give longer films")
    return table.mean(1), table.std(1, ddof=1) / math.sqrt(table.shape[1])


def turning(tracks: Sequence[Tracks], lag: int) -> tuple[float, float]:
    """Mean turn of a body over `lag` frames, radians anticlockwise, and its standard error."""
    lag = count(lag, "lag")
    turns = [np.diff(np.unwrap(t.heading, axis=0)[::lag], axis=0).ravel() for t in moving(tracks)]
    joined = np.concatenate(turns) if turns else np.empty(0)
    if len(joined) < 2:
        raise InputError("tracks hold fewer than two displacements; give longer films")
    return float(joined.mean()), float(joined.std(ddof=1) / math.sqrt(len(joined)))


def moving(tracks: Sequence[Tracks]) -> list[Tracks]:
    """The films in which some creature was followed."""
    return [track for track in tracks if track.positions.shape[1]]


def displacements(tracks: Sequence[Tracks], lag: int) -> list[np.ndarray]:
    """Displacements (steps, creatures, 2) over `lag` frames, one after another, of each film."""
    lag = count(lag, "lag")
    steps = [np.diff(track.positions[::lag], axis=0) for track in moving(tracks)]
    if not any(len(one) for one in steps):
        raise _too_short(lag)
    return steps


def _too_short(lag: int) -> InputError:
    return InputError(
        f"tracks hold no creature that was followed for more than lag = {lag} frames; give longer "
        "films, or check whether the creatures are kept"
    )


def to_first_zero(values: np.ndarray) -> float:
    """Integral (trapezoids, unit spacing) of a sampled curve up to where it first meets 0."""
    below = np.flatnonzero(values <= 0)
    if not len(below):
        return float(integrate.trapezoid(values))
    end = int(below[0])
    if end == 0:
        return 0.0
    last = values[end - 1]
    return float(integrate.trapezoid(values[:end]) + 0.5 * last**2 / (last - values[end]))
