"""Do creatures stay whole, go together, or seek each other?  Lengths are in pixels."""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy import integrate, special

from eqflow_nb.inputs import InputError, count, positive
from eqflow_nb.measures.tracking import Tracks, whole
from eqflow_nb.measures.travel import displacements, moving, to_first_zero


def count_kept(ink: np.ndarray, placed: float, number: int) -> float:
    """Share of `number` creatures still `whole`, by the ink (n,) of those found; at most 1."""
    number, placed = count(number, "number"), positive(placed, "placed")
    return min(1.0, float(whole(ink, placed).sum()) / number)


def polarisation(tracks: Sequence[Tracks], lag: int) -> tuple[float, float]:
    """Length of the mean unit velocity over `lag` frames, and what independent creatures show."""
    herds = [steps for steps in displacements(tracks, lag) if steps.shape[1] > 1]
    if not herds:
        raise InputError("tracks hold no film with two creatures followed; nothing can align")
    found = [np.linalg.norm(_units(steps).mean(1), axis=-1).mean() for steps in herds]
    chance = [polarisation_of_chance(steps.shape[1]) for steps in herds]
    return float(np.mean(found)), float(np.mean(chance))


@cache
def polarisation_of_chance(n: int) -> float:
    """Expected length of the mean of n independent unit vectors in the plane.

    By Kluyver (1906): the integral of (1 - J0(t)^n) / t^2, by n; for many about sqrt(pi / (4 n)).
    """
    n = count(n, "n")
    if n < 3:  # one, and the mean of |cos| of half an angle: the tail converges slowly there
        return 1.0 if n == 1 else 2 / math.pi
    end = 400.0  # from where J0^n is as good as gone, and the integral is 1 / t
    body = integrate.quad(lambda t: (1 - special.j0(t) ** n) / t**2, 1e-9, end, limit=2000)[0]
    return float((body + 1 / end) / n)


def correlation_length(tracks: Sequence[Tracks], lag: int, bins: int = 8) -> float:
    """How far creatures go the same way, in pixels.

    The mean cosine between two velocities (over `lag` frames), by distance up to half the canvas,
    is integrated to its first zero.  0 if even the nearest go their own ways; half the canvas, a
    lower bound, if all go one way.
    """
    edges = np.linspace(0, 0.5, count(bins, "bins") + 1)
    same, seen = np.zeros(bins), np.zeros(bins)
    for track, steps in zip(moving(tracks), displacements(tracks, lag), strict=True):
        units = _units(steps)
        for where, unit in zip(track.positions[::lag], units, strict=False):
            far = _gaps(where, track.size) / track.size
            same += np.histogram(far, edges, weights=_cosines(unit))[0]
            seen += np.histogram(far, edges)[0]
    if not seen.any():
        raise InputError("tracks hold no two creatures in one film; nothing can go together")
    known = seen > 0  # no two creatures are nearer than they are wide
    means = np.interp(np.arange(bins), np.flatnonzero(known), same[known] / seen[known])
    size = float(np.mean([track.size for track in moving(tracks)]))
    return size / 2 / bins * (to_first_zero(means) + 0.5 * max(0.0, means[0]))


def neighbour_alignment(tracks: Sequence[Tracks], lag: int, near: float) -> tuple[float, float]:
    """Mean cosine between the velocities of two neighbours, and its standard error over films.

    Neighbours are nearer than `near` pixels, and velocities taken over `lag` frames.
    """
    near, means = positive(near, "near"), []
    for track, steps in zip(moving(tracks), displacements(tracks, lag), strict=True):
        products = [
            _cosines(unit)[_gaps(where, track.size) < near]
            for where, unit in zip(track.positions[::lag], _units(steps), strict=False)
        ]
        joined = np.concatenate(products)
        if len(joined):
            means.append(joined.mean())
    if not means:
        raise InputError(f"tracks hold no two creatures nearer than near = {near:g} pixels")
    error = np.std(means, ddof=1) / math.sqrt(len(means)) if len(means) > 1 else math.nan
    return float(np.mean(means)), float(error)


def pair_distribution(
    positions: Sequence[np.ndarray], size: int, reach: float, bins: int = 24
) -> tuple[np.ndarray, np.ndarray]:
    """Distances r (bins,) and g(r) (bins,), 1 by chance, of positions (n, 2), canvas by canvas."""
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
    """Neighbours within 1.7 diameters over the reference's: above 1 they attract each other."""
    shells = []
    for points in (positions, reference):
        r, g = pair_distribution(points, size, min(1.7 * diameter, size / 2), 17)
        shells.append(float((g * r).sum() / r.sum()))
    if not shells[1] > 0:
        raise InputError("reference has no neighbours within 1.7 diameters; give more canvases")
    return shells[0] / shells[1]


def _units(steps: np.ndarray) -> np.ndarray:
    return steps / np.linalg.norm(steps, axis=-1, keepdims=True).clip(1e-12)


def _cosines(units: np.ndarray) -> np.ndarray:
    """Product of every two unit vectors (n, 2), in the order of `triu_indices`."""
    return (units @ units.T)[np.triu_indices(len(units), 1)]


def _gaps(points: np.ndarray, size: int) -> np.ndarray:
    """Distance of every two points on a periodic canvas, in the order of `triu_indices`."""
    gap = points[:, None] - points[None, :]
    gap -= size * np.round(gap / size)
    return np.sqrt((gap**2).sum(-1))[np.triu_indices(len(points), 1)]
