"""What a fit looks like on other snapshots: resampled, halved, or with a part of them left out."""

from __future__ import annotations

import numpy as np

from eqflow_nb.equations.conditions import Conditions
from eqflow_nb.equations.elimination import (
    RIDGE,
    Found,
    losses,
    root_of_inverse,
    smallest,
)

DRAWS = 200


def bootstrap(found: Found, seed: int = 0, draws: int = DRAWS) -> np.ndarray:
    """Coefficients (draws, K) of a fit on resampled data, under the same weights.

    Parts of the data, not single snapshots, are drawn again, so that neighbours that resemble each
    other count as what they are.
    """
    fit, shares = found.fit, found.conditions.weights
    blocks, gram = _white(found)
    rng = np.random.default_rng(seed)
    out = np.zeros((draws, len(fit.c)))
    for draw in range(draws):
        best = smallest(_mean(blocks, shares, rng), gram)[1][:, 0]
        out[draw, fit.support] = best * np.sign(best @ gram @ fit.c[fit.support])
    return out


def without_each_part(found: Found) -> np.ndarray:
    """The losses (B, n) of a fit's terms when one part of the data is left out."""
    shares, (blocks, gram) = found.conditions.weights, _white(found)
    total, out = np.tensordot(shares, blocks, axes=1), []
    for share, part in zip(shares, blocks, strict=True):
        rest = smallest((total - share * part) / (1 - share), gram)
        out.append(losses(found.conditions.count, *rest))
    return np.array(out)


def _white(found: Found) -> tuple[np.ndarray, np.ndarray]:
    """The conditions of each part of the data, made white, and the Gram matrix, on the support."""
    conditions, support = found.conditions, found.fit.support
    root, blocks = found.weighted.root, conditions.blocks(support)
    white = np.einsum("rm,bmk->brk", root, blocks, optimize=True)
    return white, conditions.gram[np.ix_(support, support)]


def crossfit(
    conditions: Conditions, c: np.ndarray, support: np.ndarray, draws: int = DRAWS
) -> np.ndarray:
    """Coefficients (1 + draws, K): the estimate on a support, then those on resampled data.

    Each half of the data is weighted by the covariance of the other half at `c` (cross-fitting),
    since weights that know the noise they weigh make an estimate that looks better than it is.
    """
    blocks, shares = conditions.blocks(support), conditions.weights
    gram = conditions.gram[np.ix_(support, support)]
    white = []
    for half, covariance in enumerate(conditions.halves(c)):
        size = float(np.trace(np.linalg.solve(conditions.slopes, covariance))) / len(covariance)
        root = root_of_inverse(covariance + RIDGE * size * conditions.slopes)
        white.append(np.einsum("rm,bmk->brk", root, blocks[1 - half :: 2]))
    rng = np.random.default_rng(0)
    out = np.zeros((1 + draws, len(c)))
    for draw in range(1 + draws):
        rows = [
            _mean(part, shares[1 - half :: 2], rng if draw else None)
            for half, part in enumerate(white)
        ]
        best = smallest(np.vstack(rows), gram)[1][:, 0]
        out[draw, support] = best * np.sign(best @ gram @ c[support])
    return out


def _mean(parts: np.ndarray, shares: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
    """The mean over parts (b, r, n), or over as many drawn from them."""
    if rng is not None:
        drawn = rng.integers(len(parts), size=len(parts))
        parts, shares = parts[drawn], shares[drawn]
    return np.tensordot(shares / shares.sum(), parts, axes=1)
