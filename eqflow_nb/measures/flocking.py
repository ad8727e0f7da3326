"""Do creatures stay whole, and how do they stand?  Lengths in pixels; q (B, N, 3) are poses."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from eqflow_nb.inputs import InputError, count, positive
from eqflow_nb.measures.tracking import whole
from eqflow_nb.snapshots import poses


def count_kept(ink: np.ndarray, placed: float, number: int) -> float:
    """Share of `number` creatures still `whole`, by the ink (n,) of those found; at most 1."""
    number, placed = count(number, "number"), positive(placed, "placed")
    return min(1.0, float(whole(ink, placed).sum()) / number)


def pair_distribution(
    positions: Sequence[np.ndarray] | np.ndarray, size: float, reach: float, bins: int = 24
) -> tuple[np.ndarray, np.ndarray]:
    """Distances r (bins,) and g(r) (bins,), 1 by chance, of positions (n, 2), canvas by canvas."""
    if not 0 < positive(reach, "reach") <= size / 2:
        raise InputError(f"reach is {reach:g}; it must be at most half the canvas, {size / 2:g}")
    edges = np.linspace(0, reach, count(bins, "bins") + 1)
    seen, expected = np.zeros(bins), 0.0
    for points in positions:
        tree, n = cKDTree(np.asarray(points) % size % size, boxsize=size), len(points)
        seen += np.diff(tree.count_neighbors(tree, edges)) / 2  # it counts each pair twice
        expected += n * (n - 1) / 2 / size**2
    if not expected:
        raise InputError("positions hold no pair of creatures")
    return (edges[1:] + edges[:-1]) / 2, seen / (expected * np.pi * np.diff(edges**2))


def pair_distance(q: Tensor, fresh: Tensor, size: float = poses.SIZE, reach: float = 24.0) -> float:
    """Mean absolute difference of g(r), the pair distribution, between two sets of sheets."""
    g, h = (pair_distribution(x[..., :2].numpy(), size, reach)[1] for x in (q, fresh))
    return float(np.abs(g - h).mean())


def polarisation(q: Tensor) -> float:
    """Length of the mean e on a sheet, on average: 1 if all look one way."""
    return float(torch.exp(1j * q[..., 2]).mean(1).abs().mean())


def neighbour_alignment(q: Tensor, near: float, size: float = poses.SIZE) -> float:
    """Mean cosine between the headings of two creatures nearer than `near` pixels."""
    i, j, _ = poses.neighbours(q, size, near)
    theta = q[..., 2].flatten()
    return float((theta[i] - theta[j]).cos().mean())


def cohesion(q: Tensor, near: float, size: float = poses.SIZE) -> float:
    """Share of creatures with another one nearer than `near` pixels."""
    i, j, _ = poses.neighbours(q, size, near)
    return len(torch.cat([i, j]).unique()) / q[..., 0].numel()


def centre_moved(q: Tensor, later: Tensor) -> float:
    """How far the centre of a sheet's creatures went, on average over the sheets; not wrapped."""
    return float((later - q)[..., :2].mean(1).norm(dim=-1).mean())
