"""What sheets of poses (B, N, 3) show, see `eqflow_nb.snapshots.poses`: lengths are in pixels."""

import numpy as np
import torch
from torch import Tensor

from eqflow_nb.measures import flocking
from eqflow_nb.snapshots import poses


def pair_distance(q: Tensor, fresh: Tensor, size: float = poses.SIZE, reach: float = 24.0) -> float:
    """Mean absolute difference of g(r), the pair distribution, between two sets of sheets."""
    g = [flocking.pair_distribution([*x[..., :2].numpy()], int(size), reach)[1] for x in (q, fresh)]
    return float(np.abs(g[0] - g[1]).mean())


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
