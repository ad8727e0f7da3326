"""How far creatures go, and how straight.  Lengths are in pixels, times in frames."""

import math
from collections.abc import Sequence

import numpy as np

from eqflow_nb.inputs import InputError, count
from eqflow_nb.measures.tracking import Tracks


def mean_squared_displacement(tracks: Sequence[Tracks], lag: int) -> np.ndarray:
    """Mean over starts of |x(t + lag) - x(t)|^2 of each creature, pixels^2; lag in frames."""
    paths = [track.positions for track in _long_enough(tracks, lag)]
    return np.concatenate([((x[lag:] - x[:-lag]) ** 2).sum(-1).mean(0) for x in paths])


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
    for track in _long_enough(tracks, lag):
        steps, headings = np.diff(track.positions[::lag], axis=0), track.heading[::lag]
        unit = np.exp(1j * headings[:-1]) + np.exp(1j * headings[1:])
        unit /= np.abs(unit).clip(1e-12)
        joined.append(((steps[..., 1] - 1j * steps[..., 0]) * unit.conj()).ravel())
    own = np.concatenate(joined)
    if len(own) < 2:
        raise InputError("tracks hold fewer than two displacements; give longer films")
    table = np.stack([own.real, own.imag])
    return table.mean(1), table.std(1, ddof=1) / math.sqrt(len(own))


def _long_enough(tracks: Sequence[Tracks], lag: int) -> list[Tracks]:
    """The films of more than `lag` frames in which some creature was followed."""
    lag = count(lag, "lag")
    kept = [t for t in tracks if len(t.positions) > lag and t.positions.shape[1]]
    if not kept:
        found = f"tracks hold no creature that was followed for more than lag = {lag} frames"
        raise InputError(f"{found}; give longer films, or check whether the creatures are kept")
    return kept
