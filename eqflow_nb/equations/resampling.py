"""What a fit looks like on other snapshots: resampled, halved, or with a part of them left out.

Parts of the data, not single snapshots, are drawn again, so that neighbours that resemble each
other count as what they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eqflow_nb.equations.conditions import Conditions
from eqflow_nb.equations.elimination import RIDGE, Found, losses, root_of_inverse, smallest

DRAWS = 200


def bootstrap(found: Found, seed: int = 0, draws: int = DRAWS) -> np.ndarray:
    """Coefficients (draws, K) of a fit on resampled data, under the same weights."""
    conditions, fit = found.conditions, found.fit
    white = [(_white(found), conditions.weights)]
    rng = np.random.default_rng(seed)
    return np.array([_fit(conditions, white, fit.c, fit.support, rng) for _ in range(draws)])


def crossfit(
    conditions: Conditions, c: np.ndarray, support: np.ndarray, draws: int = DRAWS
) -> np.ndarray:
    """Coefficients (1 + draws, K): the estimate on a support, then those on resampled data.

    Each half of the data is weighted by the covariance of the other half at `c` (cross-fitting),
    since weights that know the noise they weigh make an estimate that looks better than it is.
    """
    blocks, white = conditions.blocks(support), []
    for half, covariance in enumerate(conditions.halves(c)):
        size = float(np.trace(np.linalg.solve(conditions.slopes, covariance))) / len(covariance)
        root = root_of_inverse(covariance + RIDGE * size * conditions.slopes)
        others = slice(1 - half, None, 2)
        white.append((np.einsum("rm,bmk->brk", root, blocks[others]), conditions.weights[others]))
    rng = np.random.default_rng(0)
    every = [None, *[rng] * draws]
    return np.array([_fit(conditions, white, c, support, each) for each in every])


def without_each_part(found: Found) -> np.ndarray:
    """The losses (B, n) of a fit's terms when one part of the data is left out."""
    conditions, blocks, support = found.conditions, _white(found), found.fit.support
    gram = conditions.gram[np.ix_(support, support)]
    total, out = np.tensordot(conditions.weights, blocks, axes=1), []
    for weight, part in zip(conditions.weights, blocks, strict=True):
        rest = smallest((total - weight * part) / (1 - weight), gram)
        out.append(losses(conditions.count, *rest))
    return np.array(out)


def _white(found: Found) -> np.ndarray:
    """The conditions on the fit's terms over each part of the data, made white (B, r, n)."""
    blocks = found.conditions.blocks(found.fit.support)
    return np.einsum("rm,bmk->brk", found.weighted.root, blocks, optimize=True)


def _fit(
    conditions: Conditions, white: Sequence[tuple[np.ndarray, np.ndarray]], c: np.ndarray,
    support: np.ndarray, rng: np.random.Generator | None,
) -> np.ndarray:  # fmt: skip
    """Coefficients (K,), with the sign of c, from parts of the data, or as many drawn from them."""
    rows = []
    for parts, weights in white:
        drawn = slice(None) if rng is None else rng.integers(len(parts), size=len(parts))
        rows.append(np.tensordot(weights[drawn] / weights[drawn].sum(), parts[drawn], axes=1))
    gram = conditions.gram[np.ix_(support, support)]
    best = smallest(np.vstack(rows), gram)[1][:, 0]
    out = np.zeros(len(c))
    out[support] = best * np.sign(best @ gram @ c[support])
    return out
