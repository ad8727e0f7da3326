"""How far creatures go, and how straight.  Lengths are in pixels, times in frames."""

import math
from collections.abc import Sequence

import numpy as np

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
