"""Do creatures move, keep going, go together, or seek each other?  Lengths are in pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy import integrate, special

from ..inputs import InputError, count, positive
from .tracking import Tracks, whole


def count_kept(ink: np.ndarray, placed: float, number: int) -> float:
    """Share of `number` creatures that are still whole, given the ink (n,) of those found.

    Whole are those with .6 to 1.5 times the ink of a placed one; a merged pair is none, and more
    than were placed count as all.
    """
    number, placed = count(number, "number"), positive(placed, "placed")
    return min(1.0, float(whole(ink, placed).sum()) / number)


def mean_squared_displacement(tracks: Sequence[Tracks], lag: int) -> np.ndarray:
    """Mean over starts of |x(t + lag) - x(t)|^2 of each creature, pixels^2; lag in frames.

    Raises
    ------
    InputError
        If the films are not longer than the lag, or no creature was seen throughout.
    """
    lag = count(lag, "lag")
    per = [
        ((t.positions[lag:] - t.positions[:-lag]) ** 2).sum(-1).mean(0)
        for t in tracks
        if len(t.positions) > lag
    ]
    each = np.concatenate(per) if per else np.empty(0)
    if not len(each):
        raise InputError(
            f"tracks hold no creature that was followed for more than lag = {lag} frames; give "
            "longer films, or check whether the creatures are kept"
        )
    return each


def msd_exponent(
    tracks: Sequence[Tracks], lags: Sequence[int], draws: int = 200, seed: int = 0
) -> tuple[float, float]:
    """Slope of log mean squared displacement against log lag, and its error over creatures.

    1 is a random walk, 2 is straight on.  The error is the deviation over bootstrap draws of the
    creatures, of those films that are longer than every lag.

    Raises
    ------
    InputError
        If there are fewer than 2 lags, no film is long enough, or nothing moves.
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
    random = np.random.default_rng(seed)
    some = random.integers(0, table.shape[1], (draws, table.shape[1]))
    slopes = np.polyfit(x, np.log(table[:, some].mean(-1)), 1)[0]
    return float(np.polyfit(x, np.log(table.mean(-1)), 1)[0]), float(slopes.std())


def speed(tracks: Sequence[Tracks], lag: int = 1) -> float:
    """Mean length of a displacement over `lag` frames, by the lag: pixels a frame.

    A random walk has no speed of its own: there it falls as 1 / sqrt(lag).
    """
    return float(np.mean([np.linalg.norm(v, axis=-1).mean() for v in _steps(tracks, lag)]) / lag)


def polarisation(tracks: Sequence[Tracks], lag: int) -> tuple[float, float]:
    """Length of the mean unit velocity over `lag` frames: (measured, that of chance).

    1 when all go one way.  Chance is what as many independent creatures show.
    """
    herds = [steps for steps in _steps(tracks, lag) if steps.shape[1] > 1]
    if not herds:
        raise InputError("tracks hold no film with two creatures followed; nothing can align")
    found = [np.linalg.norm(_units(steps).mean(1), axis=-1).mean() for steps in herds]
    chance = [polarisation_of_chance(steps.shape[1]) for steps in herds]
    return float(np.mean(found)), float(np.mean(chance))


@cache
def polarisation_of_chance(n: int) -> float:
    """Expected length of the mean of n independent unit vectors in the plane.

    By Kluyver's formula (1906), the integral of (1 - J0(t)^n) / t^2 over t, by n; for many about
    sqrt(pi / (4 n)).
    """
    n = count(n, "n")
    if n < 3:  # one, and the mean of |cos| of half an angle: the tail converges slowly there
        return 1.0 if n == 1 else 2 / math.pi
    end = 400.0  # from where J0^n is as good as gone, and the integral is 1 / t
    body = integrate.quad(lambda t: (1 - special.j0(t) ** n) / t**2, 1e-9, end, limit=2000)[0]
    return float((body + 1 / end) / n)


def persistence(tracks: Sequence[Tracks], lag: int) -> float:
    """Correlation of a creature's displacement over `lag` frames with its next one.

    0 for a random walk, 1 for going straight on.
    """
    return float(_autocorrelation(tracks, lag, 2)[1])


def persistence_time(tracks: Sequence[Tracks], lag: int = 1) -> float:
    """Frames for which a creature remembers its velocity (displacement over `lag` frames).

    The autocorrelation of velocities, over all creatures, is integrated to its first zero.  A
    random walk shows half a lag, the least that can be told; a creature that never turns shows
    its film's length, a lower bound.
    """
    shortest = min((len(steps) for steps in _steps(tracks, lag)), default=0)
    return lag * _to_first_zero(_autocorrelation(tracks, lag, shortest))


def correlation_length(tracks: Sequence[Tracks], lag: int, bins: int = 8) -> float:
    """How far creatures go the same way, in pixels.

    The mean product of unit velocities (over `lag` frames) of two creatures, as a function of
    their distance up to half the canvas, is integrated to its first zero.  0 if even the nearest
    go their own ways; half the canvas, a lower bound, if all go one way.
    """
    edges = np.linspace(0, 0.5, count(bins, "bins") + 1)
    same, seen = np.zeros(bins), np.zeros(bins)
    for track, steps in zip(_moving(tracks), _steps(tracks, lag), strict=True):
        units = _units(steps)
        for where, unit in zip(track.positions[::lag], units, strict=False):
            far = _gaps(where, track.size) / track.size
            first, second = np.triu_indices(len(where), 1)
            products = (unit[first] * unit[second]).sum(-1)
            same += np.histogram(far, edges, weights=products)[0]
            seen += np.histogram(far, edges)[0]
    if not seen.any():
        raise InputError("tracks hold no two creatures in one film; nothing can go together")
    known = seen > 0  # no two creatures are nearer than they are wide
    means = np.interp(np.arange(bins), np.flatnonzero(known), same[known] / seen[known])
    size = float(np.mean([track.size for track in _moving(tracks)]))
    return size / 2 / bins * (_to_first_zero(means) + 0.5 * max(0.0, means[0]))


def axis_drift(tracks: Sequence[Tracks], lag: int) -> tuple[float, float]:
    """Mean displacement along the body's axis over `lag` frames, and its standard error."""
    drift, error = body_drift(tracks, lag)
    return float(drift[0]), float(error[0])


def body_drift(tracks: Sequence[Tracks], lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean displacement (2,) over `lag` frames in the body's own frame, and its standard errors.

    Along the heading, and to its left: whatever direction of the body a creature goes in shows.
    """
    joined = []
    for track, steps in zip(_moving(tracks), _steps(tracks, lag), strict=True):
        angle = track.heading[:-lag:lag]
        down, right = steps[..., 0], steps[..., 1]
        along = right * np.cos(angle) - down * np.sin(angle)
        left = -right * np.sin(angle) - down * np.cos(angle)
        joined.append(np.stack([along.ravel(), left.ravel()]))
    table = np.concatenate(joined, axis=1) if joined else np.empty((2, 0))
    if table.shape[1] < 2:
        raise InputError("tracks hold fewer than two displacements; give longer films")
    return table.mean(1), table.std(1, ddof=1) / math.sqrt(table.shape[1])


def pair_distribution(
    positions: Sequence[np.ndarray], size: int, reach: float, bins: int = 24
) -> tuple[np.ndarray, np.ndarray]:
    """g(r) of positions (n, 2) on periodic canvases: distances (bins,) and g (bins,).

    1 at every r for points that take no notice of each other.

    Raises
    ------
    InputError
        If reach is more than half the canvas, or there are no pairs.
    """
    if not 0 < positive(reach, "reach") <= size / 2:
        raise InputError(f"reach is {reach:g}; it must be at most half the canvas, {size / 2:g}")
    edges = np.linspace(0, reach, count(bins, "bins") + 1)
    seen, expected = np.zeros(bins), 0.0
    for points in positions:
        far = _gaps(points, size)
        seen += np.histogram(far, edges)[0]
        expected += len(far) / size**2
    if not expected:
        raise InputError("positions hold no pair of creatures")
    return (edges[1:] + edges[:-1]) / 2, seen / (expected * np.pi * np.diff(edges**2))


def pair_correlation(
    positions: Sequence[np.ndarray], reference: Sequence[np.ndarray], size: int, diameter: float
) -> float:
    """Neighbours within 1.7 diameters over those among the snapshots' own: 1 is no interaction.

    Above 1 the creatures attract each other, below they repel.
    """
    shells = []
    for points in (positions, reference):
        r, g = pair_distribution(points, size, min(1.7 * diameter, size / 2), 17)
        shells.append(float((g * r).sum() / r.sum()))
    if not shells[1] > 0:
        raise InputError("reference has no neighbours within 1.7 diameters; give more canvases")
    return shells[0] / shells[1]


def _moving(tracks: Sequence[Tracks]) -> list[Tracks]:
    return [track for track in tracks if track.positions.shape[1]]


def _steps(tracks: Sequence[Tracks], lag: int) -> list[np.ndarray]:
    """Displacements (steps, creatures, 2) over `lag` frames, one after another, of each film."""
    lag = count(lag, "lag")
    steps = [np.diff(track.positions[::lag], axis=0) for track in _moving(tracks)]
    if not any(len(one) for one in steps):
        raise InputError(
            f"tracks hold no creature that was followed for more than lag = {lag} frames; give "
            "longer films, or check whether the creatures are kept"
        )
    return steps


def _units(steps: np.ndarray) -> np.ndarray:
    return steps / np.linalg.norm(steps, axis=-1, keepdims=True).clip(1e-12)


def _gaps(points: np.ndarray, size: int) -> np.ndarray:
    """Distance of every two points on a periodic canvas, in the order of `triu_indices`."""
    gap = points[:, None] - points[None, :]
    gap -= size * np.round(gap / size)
    return np.sqrt((gap**2).sum(-1))[np.triu_indices(len(points), 1)]


def _autocorrelation(tracks: Sequence[Tracks], lag: int, most: int) -> np.ndarray:
    """Of displacements, 1 at first, (most,), over all creatures that were followed that long."""
    long = [steps for steps in _steps(tracks, lag) if len(steps) >= max(2, most)]
    if not long:
        raise InputError(f"tracks are shorter than two lags of {lag} frames; give longer films")
    products = [
        np.concatenate([(v[n:] * v[: len(v) - n]).sum(-1).ravel() for v in long]).mean()
        for n in range(most)
    ]
    if not products[0] > 0:
        raise InputError("tracks hold no creature that moves; a standstill has no direction")
    return np.array(products) / products[0]


def _to_first_zero(values: np.ndarray) -> float:
    """Integral (trapezoids, unit spacing) of a sampled curve up to where it first meets 0."""
    below = np.flatnonzero(values <= 0)
    if not len(below):
        return float(integrate.trapezoid(values))
    end = int(below[0])
    if end == 0:
        return 0.0
    last = values[end - 1]
    return float(integrate.trapezoid(values[:end]) + 0.5 * last**2 / (last - values[end]))
