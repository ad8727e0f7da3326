"""Do creatures stay whole, and where do they stand to each other?  Lengths are in pixels."""

from collections.abc import Sequence

import numpy as np

from eqflow_nb.inputs import InputError, count, positive
from eqflow_nb.measures.tracking import whole


def count_kept(ink: np.ndarray, placed: float, number: int) -> float:
    """Share of `number` creatures still `whole`, by the ink (n,) of those found; at most 1."""
    number, placed = count(number, "number"), positive(placed, "placed")
    return min(1.0, float(whole(ink, placed).sum()) / number)


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


def _gaps(points: np.ndarray, size: int) -> np.ndarray:
    """Distance of every two points on a periodic canvas, in the order of `triu_indices`."""
    gap = points[:, None] - points[None, :]
    gap -= size * np.round(gap / size)
    return np.sqrt((gap**2).sum(-1))[np.triu_indices(len(points), 1)]
