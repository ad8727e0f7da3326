"""What a law looks like on other snapshots: resampled, halved, or with a part of them left out."""

from __future__ import annotations

from typing import Any

import numpy as np

from eqflow_nb.equations.elimination import RIDGE, Fit, Weighted, root_of_inverse, smallest

DRAWS = 200


def bootstrap(
    conditions: Any, weighted: Weighted, fit: Fit, seed: int = 0, draws: int = DRAWS
) -> np.ndarray:
    """Coefficients (draws, K) of a law on resampled data, under the same weights.

    Parts of the data, not single snapshots, are drawn again, so that neighbours that resemble each
    other count as what they are.

    Parameters
    ----------
    conditions : see `conditions.MomentConditions`
    weighted : Weighted
    fit : Fit
    """
    blocks, gram = _white(conditions, weighted.root, fit.support)
    rng = np.random.default_rng(seed)
    out = np.zeros((draws, len(fit.c)))
    for draw in range(draws):
        rows = _mean(blocks, conditions.weights, rng)
        found = smallest(rows, gram)[1][:, 0]
        out[draw, fit.support] = found * np.sign(found @ gram @ fit.c[fit.support])
    return out


def without_each_part(conditions: Any, weighted: Weighted, fit: Fit) -> np.ndarray:
    """The losses (B, n) of a law's terms when one part of the data is left out."""
    blocks, gram = _white(conditions, weighted.root, fit.support)
    total, out = np.tensordot(conditions.weights, blocks, axes=1), []
    for share, part in zip(conditions.weights, blocks, strict=True):
        values, vectors = smallest((total - share * part) / (1 - share), gram)
        above = np.maximum(values[1:] - values[0], 1e-15 * values[-1] + 1e-300)
        out.append(conditions.count * vectors[:, 0] ** 2 / ((vectors[:, 1:] ** 2) / above).sum(1))
    return np.array(out)


def _white(conditions: Any, root: np.ndarray, support: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The conditions of each part of the data, made white, and the Gram matrix, on a support."""
    blocks = np.einsum("rm,bmk->brk", root, conditions.blocks(support), optimize=True)
    return blocks, conditions.gram[np.ix_(support, support)]


def crossfit(
    conditions: Any, c: np.ndarray, support: np.ndarray, seed: int = 0, draws: int = DRAWS
) -> np.ndarray:
    """Coefficients (1 + draws, K) of the law: the estimate, then those on resampled data.

    Each half of the data is weighted by the covariance of the other half (cross-fitting), since
    weights that know the noise they weigh make an estimate that looks better than it is.  Parts of
    the data, not single snapshots, are drawn again, so that neighbours that resemble each other
    count as what they are.

    Parameters
    ----------
    conditions : see `conditions.MomentConditions`
    c : ndarray (K,)
        A law, at which the conditions' covariance is taken.
    support : ndarray (n,)
        The terms to be fitted.
    """
    blocks, shares = conditions.blocks(support), conditions.weights
    gram = conditions.gram[np.ix_(support, support)]
    low = np.linalg.cholesky(gram + 1e-13 * np.diag(np.diag(gram)))
    white = []
    for half, covariance in enumerate(conditions.halves(c)):
        size = float(np.trace(np.linalg.solve(conditions.slopes, covariance))) / len(covariance)
        root = root_of_inverse(covariance + RIDGE * size * conditions.slopes)
        white.append(np.einsum("rm,bmk->brk", root, blocks[1 - half :: 2]))
    rng = np.random.default_rng(seed)
    out = np.zeros((1 + draws, len(c)))
    for draw in range(1 + draws):
        rows = [
            _mean(part, shares[1 - half :: 2], rng if draw else None)
            for half, part in enumerate(white)
        ]
        _, _, vectors = np.linalg.svd(
            np.linalg.solve(low, np.vstack(rows).T).T, full_matrices=False
        )
        found = np.linalg.solve(low.T, vectors[-1])
        out[draw, support] = found * np.sign(found @ gram @ c[support])
    return out


def _mean(parts: np.ndarray, shares: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
    """The mean over parts (b, r, n), or over as many drawn from them."""
    if rng is not None:
        drawn = rng.integers(len(parts), size=len(parts))
        parts, shares = parts[drawn], shares[drawn]
    return np.tensordot(shares / shares.sum(), parts, axes=1)
