"""Constant skew-symmetric rules: v = K s with K = -K^T keeps any p, with nothing to train."""

import torch
from torch import Tensor

from eqflow_nb.flows.continuity import jacobian
from eqflow_nb.inputs import Field, InputError, as_numbers, as_samples, count, seeded, skew_matrix


class Linear:
    """v = M s for any constant matrix M.  It keeps p only if M is skew: the controls use others.

    M is (d, d), or (m, d, d): then the rows of x are m blocks of equal size, one for each.
    """

    def __init__(self, matrix: Tensor, score: Field) -> None:
        self.matrix, self.score = matrix if matrix.ndim == 3 else matrix[None], score

    def __call__(self, x: Tensor) -> Tensor:
        """Velocity (B, d) at states (B, d)."""
        if x.ndim != 2 or x.shape[1] != self.matrix.shape[1]:
            as_samples(x, "x", dim=self.matrix.shape[1], at_least=1)
        return (self._rows(x) @ self.score(x)[:, :, None])[:, :, 0]

    def _rows(self, x: Tensor) -> Tensor:
        """The matrix of each row of x, (1, d, d) or (B, d, d)."""
        m = len(self.matrix)
        if len(x) % m:
            raise InputError(f"x has {len(x)} rows, which do not divide among {m} matrices")
        return self.matrix.to(x).repeat_interleave(len(x) // m if m > 1 else 1, dim=0)

    def jacobian(self, x: Tensor) -> Tensor:
        """Jacobian (B, d, d) at states (B, d)."""
        return self._rows(x) @ jacobian(self.score, x)


def constant(matrix: Tensor, score: Field) -> Linear:
    """v = K s, which keeps p exactly: div(K s) = tr(K grad s) = 0 and s . K s = 0.

    Zhang & Levin 2025 call it training-free.  K is (d, d), or (m, d, d), see `Linear`.
    """
    matrix = as_numbers(matrix, "matrix")
    if matrix.ndim == 3 and len(matrix):
        return Linear(torch.stack([skew_matrix(one, "matrix") for one in matrix]), score)
    return Linear(skew_matrix(matrix, "matrix"), score)


def from_entries(*entries: float) -> Tensor:
    """Skew matrix from its entries above the diagonal, row by row: 1 for d = 2, 3 for d = 3."""
    given = as_numbers(entries, "entries").flatten()
    size = next((d for d in range(2, 33) if d * (d - 1) // 2 == len(given)), None)
    if size is None:
        hint = "a skew matrix has d (d - 1) / 2: 1, 3, 6, ..."
        raise InputError(f"entries holds {len(given)} numbers; {hint}")
    matrix = torch.zeros(size, size)
    rows, columns = torch.triu_indices(size, size, offset=1)
    matrix[rows, columns] = given.to(matrix)
    return skew_matrix(matrix - matrix.T, "entries")


def random(dim: int, seed: int = 0) -> Tensor:
    """Random skew matrix (d, d), d >= 2, with Gaussian entries and Frobenius norm 1."""
    dim = count(dim, "dim", at_least=2)
    entries = torch.randn(dim, dim, generator=seeded(seed))
    matrix = entries - entries.T
    return matrix / matrix.norm()
