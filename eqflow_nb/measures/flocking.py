"""Do creatures move, keep going, go together, or seek each other?  Lengths are in pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..inputs import InputError, count, positive
from .tracking import Tracks


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
    creatures.
    """
    table = np.stack([mean_squared_displacement(tracks, lag) for lag in lags])
    x = np.log(np.asarray(lags, dtype=float))
    random = np.random.default_rng(seed)
    some = random.integers(0, table.shape[1], (draws, table.shape[1]))
    slopes = np.polyfit(x, np.log(table[:, some].mean(-1)), 1)[0]
    return float(np.polyfit(x, np.log(table.mean(-1)), 1)[0]), float(slopes.std())


def polarisation(tracks: Sequence[Tracks], lag: int) -> tuple[float, float]:
    """Length of the mean unit velocity over `lag` frames: (measured, that of chance).

    1 when all go one way.  Chance is what as many independent creatures show, sqrt(pi / (4 n)).
    """
    found, chance = [], []
    for track in tracks:
        steps = (track.positions[lag:] - track.positions[:-lag])[::lag]
        if steps.shape[1] < 2 or not len(steps):
            continue
        units = steps / np.linalg.norm(steps, axis=-1, keepdims=True).clip(1e-12)
        found.append(np.linalg.norm(units.mean(1), axis=-1).mean())
        chance.append(math.sqrt(math.pi / (4 * steps.shape[1])))
    if not found:
        raise InputError("tracks hold no film with two creatures followed; nothing can align")
    return float(np.mean(found)), float(np.mean(chance))


def persistence(tracks: Sequence[Tracks], lag: int) -> float:
    """Correlation of a creature's displacement over `lag` frames with its next one.

    0 for a random walk, 1 for going straight on.
    """
    pairs = []
    for track in tracks:
        steps = (track.positions[lag:] - track.positions[:-lag])[::lag]
        pairs += [((steps[1:] * steps[:-1]).sum(-1).ravel(), (steps**2).sum(-1).mean())]
    joined = np.concatenate([p[0] for p in pairs]) if pairs else np.empty(0)
    if not len(joined):
        raise InputError(f"tracks are shorter than two lags of {lag} frames; give longer films")
    return float(joined.mean() / np.mean([p[1] for p in pairs]))


def axis_drift(tracks: Sequence[Tracks], lag: int) -> tuple[float, float]:
    """Mean displacement along the body's axis over `lag` frames, and its standard error."""
    along = []
    for track in tracks:
        steps = track.positions[lag:] - track.positions[:-lag]
        axis = np.stack([-np.sin(track.heading[:-lag]), np.cos(track.heading[:-lag])], axis=-1)
        along.append((steps * axis).sum(-1)[::lag].ravel())
    joined = np.concatenate(along) if along else np.empty(0)
    if len(joined) < 2:
        raise InputError("tracks hold fewer than two displacements; give longer films")
    return float(joined.mean()), float(joined.std(ddof=1) / math.sqrt(len(joined)))


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
        gap = points[:, None] - points[None, :]
        gap -= size * np.round(gap / size)
        far = np.sqrt((gap**2).sum(-1))[np.triu_indices(len(points), 1)]
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
