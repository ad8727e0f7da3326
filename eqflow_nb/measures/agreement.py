"""How alike velocity fields are, given by their values at the same states, whatever their speed.

Snapshots don't fix the direction of time: all but `signed_similarity` ignore one sign for all.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from eqflow_nb.inputs import InputError, as_numbers, as_samples, check_finite


def signed_similarity(v: Any, w: Any) -> float:
    """Cosine <v, w> / (|v| |w|) of two fields (B, ...): 1 the same, -1 the same run backwards."""
    first, second = _units({"v": v, "w": w})
    return float((first @ second).clamp(-1, 1))


def similarity(v: Any, w: Any) -> float:
    """|cosine| of two fields (B, ...), the measure of Zhang & Levin 2025, arXiv 2509.17990."""
    return abs(signed_similarity(v, w))


def similarity_matrix(velocities: Sequence[Any]) -> Tensor:
    """|cosine| (m, m), float64, between every two of m fields of one shape (B, ...)."""
    units = _units({f"velocities[{i}]": v for i, v in enumerate(velocities)})
    return (units @ units.T).abs().clamp(max=1).fill_diagonal_(1)


def embed(matrix: Any) -> Tensor:
    """Place m fields in a plane (m, 2), as far apart as 1 - their similarity (Torgerson, 1952)."""
    s = as_samples(matrix, "matrix").cpu().double()
    if s.shape[0] != s.shape[1] or not torch.allclose(s, s.T, atol=1e-6):
        raise InputError("matrix is not square and symmetric; give that of similarity_matrix")
    centring = torch.eye(len(s)).double() - 1 / len(s)
    values, vectors = torch.linalg.eigh(-centring @ (1 - s).square() @ centring / 2)
    points = vectors.flip(1)[:, :2] * values.flip(0)[:2].clamp(min=0).sqrt()
    largest = points.gather(0, points.abs().argmax(dim=0, keepdim=True))
    return torch.where(largest < 0, -points, points)


def _units(fields: dict[str, Any]) -> Tensor:
    """Fields of one shape, by name, flattened to float64 vectors of length 1: (m, n)."""
    known = {name: as_numbers(v, name).detach().cpu().double() for name, v in fields.items()}
    if len({v.shape for v in known.values()}) != 1:
        found = ", ".join(f"{name} {tuple(v.shape)}" for name, v in known.items()) or "none"
        raise InputError(f"give at least one field, all of one shape; these are: {found}")
    for name, v in known.items():
        check_finite(torch.atleast_1d(v), name)
        if not v.any():
            raise InputError(f"{name} is zero everywhere; it has no direction to compare")
    flat = torch.stack([v.flatten() for v in known.values()])
    # Scaled first, so that squares neither under- nor overflow.
    return torch.nn.functional.normalize(flat / flat.abs().amax(1, keepdim=True), dim=1)
