"""How alike two velocity fields are, each given by its values at the same states.

Stills fix neither speed nor the arrow of time, so fields are compared after scaling and, unless
said otherwise, up to one sign for the whole set of states.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from eqflow_nb.inputs import InputError, as_numbers, as_samples, count


def rms(v: Tensor) -> float:
    """Root mean square speed: sqrt(mean over states of |v|^2), for v of shape (B, ...)."""
    return float(v.detach().double().square().sum().div(len(v)).sqrt())


def signed_similarity(v: Any, w: Any) -> float:
    """Cosine of two fields, <v, w> / (|v| |w|), flattened over states and coordinates.

    Parameters
    ----------
    v, w : same shape (B, ...)
        Velocities at the same states.

    Returns
    -------
    float
        In [-1, 1]: 1 the same motion, -1 the same run backwards, 0 orthogonal.

    Raises
    ------
    InputError
        If the shapes differ, a value is not finite, or a field is zero everywhere.
    """
    v, w = as_numbers(v, "v"), as_numbers(w, "w")
    if v.shape != w.shape:
        raise InputError(
            f"w has shape {tuple(w.shape)}; it must be that of v, {tuple(v.shape)}: "
            "both fields at the same states"
        )
    return float((_unit(v, "v") @ _unit(w, "w")).clamp(-1, 1))


def similarity(v: Any, w: Any) -> float:
    """Similarity of two fields up to the arrow of time: |cosine|, in [0, 1].

    The paper's measure (Zhang & Levin 2025, arXiv 2509.17990).  Arguments and errors as in
    `signed_similarity`.
    """
    return abs(signed_similarity(v, w))


def similarity_matrix(velocities: Sequence[Any]) -> Tensor:
    """|cosine| between every two of m fields: (m, m) float64, symmetric, ones on the diagonal.

    Parameters
    ----------
    velocities : sequence of m arrays of the same shape (B, ...)

    Raises
    ------
    InputError
        As in `signed_similarity`, naming the field by its place.
    """
    fields = [as_numbers(v, f"velocities[{i}]") for i, v in enumerate(velocities)]
    if not fields:
        raise InputError("velocities is empty; give at least one field")
    for i, v in enumerate(fields):
        if v.shape != fields[0].shape:
            raise InputError(
                f"velocities[{i}] has shape {tuple(v.shape)}; it must be that of velocities[0], "
                f"{tuple(fields[0].shape)}"
            )
    units = torch.stack([_unit(v, f"velocities[{i}]") for i, v in enumerate(fields)])
    return (units @ units.T).abs().clamp(max=1).fill_diagonal_(1)


def embed(matrix: Any, dim: int = 2) -> Tensor:
    """Place m fields in a plane so that distances are as near 1 - similarity as they can be.

    Classical multidimensional scaling (Torgerson, Psychometrika 17, 401, 1952): the leading
    eigenvectors of the doubly centred squared distances, scaled by the roots of their eigenvalues.

    Parameters
    ----------
    matrix : (m, m)
        Similarities, symmetric, ones on the diagonal.
    dim : int
        The dimension of the picture.

    Returns
    -------
    Tensor (m, dim)
        float64, centred; each axis is signed so that its largest entry is positive.

    Raises
    ------
    InputError
        If the matrix is not finite, square and symmetric, or has fewer than dim rows.
    """
    dim = count(dim, "dim")
    s = as_samples(matrix, "matrix", at_least=dim).cpu().double()
    if s.shape[0] != s.shape[1] or not torch.allclose(s, s.T, atol=1e-6):
        raise InputError(
            f"matrix of shape {tuple(s.shape)} is not square and symmetric; "
            "give the output of similarity_matrix"
        )
    centring = torch.eye(len(s)).double() - 1 / len(s)
    gram = -centring @ (1 - s).square() @ centring / 2
    values, vectors = torch.linalg.eigh(gram)
    values, vectors = values.flip(0)[:dim], vectors.flip(1)[:, :dim]
    points = vectors * values.clamp(min=0).sqrt()
    largest = points.gather(0, points.abs().argmax(dim=0, keepdim=True))
    return torch.where(largest < 0, -points, points)


def _unit(v: Tensor, name: str) -> Tensor:
    """Flatten a field to a float64 vector of length 1.

    Dividing by the largest entry first keeps the squares from under- or overflowing.
    """
    flat = v.detach().cpu().double().flatten()
    if not torch.isfinite(flat).all():
        raise InputError(f"{name} has NaN or infinite velocities; leave those states out")
    largest = flat.abs().max() if len(flat) else flat.new_zeros(())
    if largest == 0:
        raise InputError(f"{name} is zero everywhere; a field at rest has no direction to compare")
    flat = flat / largest
    return flat / flat.norm()
