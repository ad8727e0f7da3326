"""Finding which few terms of a library satisfy linear conditions M c = 0, and how surely.

The misfit of equations is J(c) = N (M c)' C^-1 (M c), C the covariance of the conditions' summands
over snapshots: the generalised method of moments (Hansen, Econometrica 50, 1029, 1982).  At the
truth it is chi-squared with as many degrees of freedom as there are conditions beyond the unknowns,
so it says by itself whether equations fit and what a term is worth.

How sure a fit is, others on resampled data tell.  Parts of it are drawn, not single snapshots, so
that neighbours that resemble each other count as what they are.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from eqflow_nb.equations.conditions import Conditions

RIDGE = 1e-4  # of the tests' own Gram matrix: few snapshots must not make a test seem exact
WORTH = 16.0  # what a term must be worth in misfit, 4 standard deviations, to be kept
DIRECTIONS = 24  # of what is uncertain about c that enter the weights
FITS = 1.5  # the most misfit, in units of its expected value, of equations that fit
DRAWS = 200  # resamplings


@dataclass(frozen=True)
class Fit:
    """The best equations with some terms (n,) of a library, `support`.

    The coefficients c (K,) are 0 off the support, and of mean square velocity 1.  `freedom` is the
    misfit expected at the truth, `losses` (n,) how much it would rise without each term.
    """

    support: np.ndarray
    c: np.ndarray
    misfit: float
    freedom: int
    losses: np.ndarray

    @property
    def excess(self) -> float:
        """Misfit in units of its expected value, at least 1: the noise's overdispersion."""
        return max(1.0, self.misfit / max(self.freedom, 1))


class Weighted:
    """Conditions made white by a root (r, m), C^-1 = root' root, as a triangle: J = N |T c|^2."""

    def __init__(self, conditions: Conditions, root: np.ndarray) -> None:
        self.conditions, self.root, self.tests = conditions, root, len(root)
        self.triangle: np.ndarray = scipy.linalg.qr(root @ conditions.matrix, mode="r")[0]
        self.triangle = self.triangle[: self.triangle.shape[1]]

    def fit(self, support: np.ndarray) -> Fit:
        """The least misfit on a support; the diffusion's loss counts as infinite."""
        gram = self.conditions.gram[np.ix_(support, support)]
        values, vectors = smallest(self.triangle[:, support], gram)
        c = np.zeros(self.triangle.shape[1])
        c[support] = vectors[:, 0]
        lost = losses(self.conditions.count, values, vectors)
        lost[[self.conditions.terms[k].equation < 0 for k in support]] = np.inf
        freedom = max(self.tests - len(support) + 1, 0)
        return Fit(support, c, self.conditions.count * float(values[0]), freedom, lost)

    def spectrum(self) -> tuple[np.ndarray, np.ndarray]:
        """Misfits (K,), least first, and coefficients (K, K) orthogonal in velocity."""
        values, vectors = smallest(self.triangle, self.conditions.gram)
        return self.conditions.count * values, vectors


def smallest(rows: np.ndarray, gram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Stationary values (n,), least first, of |rows c|^2 under c' gram c = 1; their c (n, n)."""
    low = np.linalg.cholesky(gram + 1e-13 * np.diag(np.diag(gram)))
    white = np.linalg.solve(low, rows.T).T
    size = white.shape[1]
    # Singular values, since squaring the rows would lose half the digits.
    _, values, vectors = np.linalg.svd(white, full_matrices=len(white) < size)
    values = np.concatenate([values, np.zeros(size - len(values))])
    return values[::-1] ** 2, np.linalg.solve(low.T, vectors[::-1].T)


def losses(count: int, values: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """How much the misfit rises without each term, from what `smallest` gives."""
    if len(values) == 1:
        return np.full(1, np.inf)
    above = np.maximum(values[1:] - values[0], 1e-15 * values[-1] + 1e-300)
    room = ((vectors[:, 1:] ** 2) / above).sum(1)
    return count * vectors[:, 0] ** 2 / np.maximum(room, 1e-300)


def root_of_inverse(matrix: np.ndarray, tolerance: float = 1e-12) -> np.ndarray:
    """A root (r, m) with root' root = matrix^-1, on the directions not lost to rounding."""
    size = np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    values, vectors = np.linalg.eigh(matrix / np.outer(size, size))
    kept = values > tolerance * values[-1]
    return (vectors[:, kept] / np.sqrt(values[kept])).T / size


def weights(
    conditions: Conditions, c: np.ndarray, misfits: np.ndarray, near: np.ndarray
) -> np.ndarray:
    """The root of C^-1, C averaged over what c may still be: `near` (K, n) with their `misfits`.

    A wrong c makes some tests look exact that aren't; the average, and a little of the tests' Gram
    matrix, keep that from happening.
    """
    total, spread = conditions.covariance(c), 1 / np.maximum(misfits - misfits[0], 1.0)
    for k in np.flatnonzero(spread > RIDGE / 10)[1 : DIRECTIONS + 1]:  # less is lost in the ridge
        total = total + spread[k] * conditions.covariance(near[:, k])
    white, slopes = root_of_inverse(conditions.slopes), conditions.slopes
    size = float(np.sum((white @ total) * white)) / len(white)
    return root_of_inverse((1 - RIDGE) * total + RIDGE * size * slopes)


def by_noise(c: np.ndarray, conditions: Conditions) -> Weighted:
    """Conditions weighted by the covariance at c alone."""
    return Weighted(conditions, weights(conditions, c, np.zeros(1), c[:, None]))


def whiten(conditions: Conditions) -> Weighted:
    """Weight the conditions by the covariance at the best fit of the whole library."""
    weighted = Weighted(conditions, root_of_inverse(conditions.slopes))
    misfits, near = weighted.spectrum()
    misfits = misfits * weighted.tests / max(misfits[0], 1e-300)
    for _ in range(2):
        weighted = Weighted(conditions, weights(conditions, near[:, 0], misfits, near))
        misfits, near = weighted.spectrum()
    return weighted


def eliminate(weighted: Weighted) -> list[Fit]:
    """Drop terms one at a time, each time the one that is worth least; all fits on the way."""
    support = np.arange(weighted.triangle.shape[1])
    path = [weighted.fit(support)]
    while len(support) > 1 and np.isfinite(path[-1].losses).any():
        support = np.delete(support, np.argmin(path[-1].losses))
        path.append(weighted.fit(support))
    return path


def cliff(path: list[Fit]) -> int:
    """Where on the path the first term is that can't be dropped: the jump in misfit."""
    rises = (sparser.misfit - fit.misfit for fit, sparser in itertools.pairwise(path))
    steep = (k for k, rise in enumerate(rises) if rise > WORTH * path[0].excess)
    return next(steep, len(path) - 1)


def improve(weighted: Weighted, fit: Fit) -> tuple[Fit, Fit | None]:
    """Add, swap and drop single terms while that helps; also the best rival with as many terms.

    No addition to the result is worth `WORTH`, no term of it is worth less, no swap is better.
    """
    everything, rival = np.arange(weighted.triangle.shape[1]), None
    for _ in range(100):
        worth = WORTH * fit.excess
        if len(fit.support) > 2 and fit.losses.min() < worth:
            fit = weighted.fit(np.delete(fit.support, np.argmin(fit.losses)))
            continue
        others = np.setdiff1d(everything, fit.support)
        larger = [weighted.fit(np.append(fit.support, k)) for k in others]
        best = min(larger, key=lambda each: each.misfit, default=None)
        if best is not None and fit.misfit - best.misfit > worth:
            fit = best
            continue
        rival = best_swap(weighted, larger)
        if rival is None or rival.misfit >= fit.misfit - fit.excess:
            break
        fit = rival
    return fit, rival


def best_swap(weighted: Weighted, larger: list[Fit]) -> Fit | None:
    """The best fit that lacks one of the old terms of a larger one, and keeps its new term."""
    misfits = [each.misfit + each.losses[:-1].min(initial=np.inf) for each in larger]
    if not np.isfinite(misfits).any():
        return None
    best = larger[int(np.argmin(misfits))]
    return weighted.fit(np.delete(best.support, np.argmin(best.losses[:-1])))


@dataclass(frozen=True)
class Found:
    """What a search found under one set of tests: last weights, path of elimination, fit, rival."""

    conditions: Conditions
    weighted: Weighted
    path: list[Fit]
    fit: Fit
    rival: Fit | None

    @property
    def support(self) -> frozenset[int]:
        """The numbers of the terms found."""
        return frozenset(int(k) for k in self.fit.support)

    @property
    def gap(self) -> float:
        """How much misfit tells the fit from the next best, with a term less, another, or no D."""
        support, terms = self.fit.support, self.conditions.terms
        drift = support[[terms[k].equation >= 0 for k in support]]
        others = [self.rival, self.weighted.fit(drift) if len(drift) < len(support) else None]
        apart = (one.misfit - self.fit.misfit for one in others if one is not None)
        return min(float(self.fit.losses.min()), *apart, np.inf) / self.fit.excess

    @property
    def fits(self) -> bool:
        """Whether its misfit is what noise would give."""
        return self.fit.misfit <= FITS * max(self.fit.freedom, 1) + 8

    def bootstrap(
        self, seed: int = 0, draws: int = DRAWS, along: np.ndarray | None = None
    ) -> np.ndarray:
        """Coefficients (draws, K) of the fit on resampled data, under the same weights.

        They have its sign.  What else may vary than the terms' coefficients is `along` (K, n).
        """
        c, rng = self.fit.c, np.random.default_rng(seed)
        vectors = np.eye(len(c))[:, self.fit.support]
        if along is not None:
            vectors = scipy.linalg.orth(np.hstack([vectors, along]), rcond=1e-9)
        parts, weights = self._white(vectors), self.conditions.weights
        along, rows = vectors.T @ self.conditions.gram, []
        for _ in range(draws):
            drawn = weights * rng.multinomial(len(parts), np.full(len(parts), 1 / len(parts)))
            white = np.tensordot(drawn / drawn.sum(), parts, axes=1)
            best = smallest(white, along @ vectors)[1][:, 0]
            rows.append(vectors @ best * np.sign(best @ along @ c))
        return np.array(rows)

    def _white(self, vectors: np.ndarray) -> np.ndarray:
        """The conditions on vectors (K, n) over each part of the data, made white (B, r, n)."""
        terms = np.flatnonzero(vectors.any(1))
        blocks = self.conditions.blocks(terms) @ vectors[terms]
        return np.einsum("rm,bmk->brk", self.weighted.root, blocks, optimize=True)


def search(conditions: Conditions) -> Found:
    """Find the sparsest equations that fit: weigh, eliminate, improve, until the terms stay."""
    weighted = whiten(conditions)
    seen: set[tuple[int, ...]] = set()
    while True:
        path = eliminate(weighted)
        fit, rival = improve(weighted, path[cliff(path)])
        key = tuple(sorted(fit.support))
        if key in seen or len(seen) == 5:
            return Found(conditions, weighted, path, fit, rival)
        seen.add(key)
        misfits, near = weighted.spectrum()
        weighted = Weighted(conditions, weights(conditions, fit.c, misfits, near))
