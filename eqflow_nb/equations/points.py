"""The equations behind unordered points, from stationarity alone: no score, no velocities.

Nearest work: Lu, Kusmierz & Mihalas, arXiv:2502.17690 (2025).
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from eqflow_nb.equations import own_noise, verdicts
from eqflow_nb.equations.conditions import MomentConditions
from eqflow_nb.equations.elimination import Fit, Found, search
from eqflow_nb.equations.moments import Moments, measure
from eqflow_nb.equations.origins import decide_anywhere
from eqflow_nb.equations.result import Equations, Extras, write
from eqflow_nb.inputs import InputError, as_array, as_points, between, count

# Degrees of polynomial tests worth trying, by dimension.
TESTS = {1: (6, 8, 10), 2: (5, 6, 7, 8, 9), 3: (4, 5, 6, 7, 8, 9), 4: (4, 5, 6, 7)}
TESTS |= {5: (4, 5, 6), 6: (4, 5)}
MOST_SETS = 3  # of tests, the largest that the snapshots carry
MOST_FEATURES = 1400  # moments kept, so that their products stay under 16 MB
WINDOWS = {1: 2.0, 2: 2.0, 3: 2.0, 4: 4.0, 5: 4.0}  # their variance, in those of the columns
CARRIED = 20  # snapshots a test, at least: fewer can't tell the covariance of the tests
KNOWN = 100  # snapshots a test from which weights are known so well that errors are what they seem
FINE = 0.01  # of a deviation, up to which steps of rounding do no harm
LEAST = 20  # different snapshots


def identify(
    x: Any, degree: int = 2, *, noise: Any = 0.0, diffusion: Any = None,
    extras: Extras | None = None, relative_to: str | None = None,
    names: Sequence[str] | None = None, seed: int = 0,
) -> Equations:  # fmt: skip
    """Find the equations dx = v dt (+ sqrt(2 D) dW) that unordered snapshots were drawn from.

    Parameters
    ----------
    x : array (N, d), or Moments
        Snapshots, in any order; d from 1 to 6.  Of data that doesn't fit into memory, give what
        `moments_of` makes of its chunks.
    degree : int
        Of the library: all monomials up to it, in every equation.
    noise : float, array (d,) or "auto"
        Standard deviation of Gaussian observation noise, in the units of the columns; "auto"
        estimates it.  Its effect on all moments is removed exactly.
    diffusion : None, "fit", float, array (d,) or (d, d)
        None for no noise in the dynamics.  "fit" finds the size of an isotropic D along with v.  A
        number, a diagonal or a matrix is taken as known, and sets the unit of time.
    extras : mapping of str to callable (n, d) -> (n,), optional
        Further terms, such as {"sin(x)": lambda x: np.sin(x[:, 0])}.
    relative_to : str, optional
        The term whose coefficient is made 1, such as "x*y" or "2:x*y" (in equation 2); by default
        the one known best.  With noise in the dynamics the default is the size of D.
    names, seed
        Of the columns; of the bootstrap.
    """
    started = time.perf_counter()
    degree = count(degree, "degree")
    rows = None if isinstance(x, Moments) else _checked_points(x)
    own = {} if rows is None else _checked_extras(extras, rows)
    known = x if rows is None else moments_of([rows], len(rows), degree, own)
    labels = names_for(names, known.dim)
    tensor, amount = _checked_diffusion(diffusion, known.dim)
    size = _checked_noise(noise, known)
    steps = np.zeros(known.dim)
    if size is None:
        size = _estimated_noise(known, degree, tensor)
    elif rows is not None and not own:
        steps = steps_of(rows)
        size = np.hypot(size, steps / math.sqrt(12))  # as far as moments go, uniform noise
    clean = known.without_noise(size)
    powers = _sizes(known.dim, degree, known.count)[-MOST_SETS:]
    fewest = math.comb(known.dim + min(powers or _sizes(known.dim, degree)), known.dim)
    if known.count < 2 * fewest:
        raise InputError(
            f"x has {known.count} rows; a library of degree {degree} in {known.dim} dimensions "
            f"takes at least {2 * fewest}, and {CARRIED * fewest} for an answer; "
            "use a lower degree or more snapshots"
        )
    tried = powers or _sizes(known.dim, degree)[:1]

    def about(origin: np.ndarray) -> Iterator[Found]:
        """What all sets of tests find, the largest first, in coordinates x - origin."""
        moved = clean.about(origin)
        return (search(MomentConditions(moved, n, degree, tensor)) for n in reversed(tried))

    decision, place = decide_anywhere(about, clean.centre, clean.scale)
    if not powers:
        least = CARRIED * decision.found.weighted.tests
        text = f"{known.count} snapshots can't carry the tests of this library; {least:,} could"
        decision = verdicts.too_few(decision, text, least)
    sources = decision.agree or (decision.found,)
    if decision.verdict == "determined":
        moved = clean if place is None else clean.about(place.origin)
        every = _sizes(known.dim, degree, known.count)
        few = [n for n in every if KNOWN * math.comb(known.dim + n, n) <= known.count]
        conditions = MomentConditions(moved, max(few or every[:1]), degree, tensor)
        weighted, fit = own_noise.own(conditions, decision.found.fit)
        sources += (replace(decision.found, conditions=conditions, weighted=weighted, fit=fit),)
        if tensor is None:
            tests = MomentConditions(moved.plain, 2, degree)
            decision = verdicts.conserved(decision, tests, labels)
    if steps.any():
        rounded = ", ".join(f"{n} to {s:.3g}" for n, s in zip(labels, steps, strict=True) if s)
        text = f"{decision.evidence}; rounding ({rounded}) was taken out like noise of that size"
        decision = replace(decision, evidence=text)
    return write(
        decision, sources, labels, place, noise=size, amount=amount,
        relative_to=relative_to, seed=seed, started=started, extras=own,
    )  # fmt: skip


def moments_of(
    chunks: Iterable[np.ndarray], rows: int, degree: int, extras: Extras | None = None
) -> Moments:
    """Measure all moments that `identify` needs, in one pass over chunks (n, d) of `rows` rows."""
    chunks = iter(chunks)
    first = next(chunks)
    every, dim = chain([first], chunks), first.shape[1]
    most = max(_sizes(dim, degree)) + (1 if dim in WINDOWS else -1)  # the degree of their slopes
    return measure(every, rows, most + degree, extras, most, WINDOWS.get(dim, np.inf), degree + 1)


def steps_of(rows: np.ndarray) -> np.ndarray:
    """The steps (d,) to which columns are rounded, as those of an instrument; 0 if too fine."""
    steps = np.zeros(rows.shape[1])
    for i, (column, spread) in enumerate(zip(rows.T, rows.std(0), strict=True)):
        values = np.unique(column)
        step = np.diff(values).min(initial=np.inf)
        if FINE * spread < step < spread:
            off = np.remainder((values - values[0]) / step + 0.5, 1) - 0.5
            steps[i] = step if abs(off).max() < 0.01 else 0.0
    return steps


def _sizes(dim: int, degree: int, rows: int | None = None) -> list[int]:
    """Degrees of the tests to try: more conditions than unknowns, and no more than N can carry."""
    if dim not in TESTS:
        raise InputError(f"x has {dim} columns; the dimension must lie between 1 and 6")
    more = max(degree - 2, 0) if dim <= 3 else 0
    unknowns = dim * math.comb(dim + degree, dim)
    sizes = []
    for power in (tests + more for tests in TESTS[dim]):
        number = math.comb(dim + power, dim) - 1
        fits = math.comb(dim + power + (1 if dim in WINDOWS else -1) + degree, dim) <= MOST_FEATURES
        if number >= 1.15 * unknowns and fits and (rows is None or number < rows / CARRIED):
            sizes.append(power)
    if rows is None and not sizes:
        raise InputError(f"degree is {degree}, which means {unknowns} unknowns; use a lower one")
    return sizes


def _estimated_noise(known: Moments, degree: int, tensor: np.ndarray | None) -> np.ndarray:
    """The observation noise (d,) at which the best equations fit best: of all, then each column."""
    power = _sizes(known.dim, degree, known.count)[:3][-1]
    low = known.up_to(power + degree + 1)  # no more moments are asked for
    scatter = known.plain.second[1 : known.dim + 1, 1 : known.dim + 1]

    def conditions(parts: np.ndarray) -> MomentConditions:
        return MomentConditions(low.without_noise(parts * known.scale), power, degree, tensor)

    def misfit(parts: np.ndarray, terms: Fit | None = None) -> float:
        if np.linalg.eigvalsh(scatter - np.diag(parts**2))[0] <= 1e-3:  # more noise than scatter
            return np.inf
        given = conditions(parts)
        return (own_noise.own(given, terms)[1] if terms else search(given).fit).misfit

    parts = _least(misfit, np.zeros(known.dim), np.ones(known.dim, bool), 0.0, 0.5, 11)
    for _ in range(2 * parts.any()):
        best = partial(misfit, terms=search(conditions(parts)).fit)  # a new search takes longer
        for i, column in enumerate(np.eye(known.dim, dtype=bool)):
            parts = _least(best, parts, column, 0.5 * parts[i], 1.5 * parts[i], 9)
    return parts * known.scale


def _least(
    function: Callable[[np.ndarray], float], parts: np.ndarray, chosen: np.ndarray,
    low: float, high: float, number: int,
) -> np.ndarray:  # fmt: skip
    """Parts whose chosen entries are where a function is least: a grid, then a parabola on it."""
    grid = np.linspace(low, high, number)
    values = np.array([function(np.where(chosen, size, parts)) for size in grid])
    k = int(np.argmin(values))
    least, near = grid[k], values[max(k - 1, 0) : k + 2]
    if len(near) == 3 and np.isfinite(near).all():
        left, middle, right = near
        if (curvature := left - 2 * middle + right) > 0:
            least += 0.5 * (left - right) / curvature * (grid[1] - grid[0])
    return np.where(chosen, least, parts)


def names_for(names: Sequence[str] | None, dim: int, letters: str = "xyzw") -> tuple[str, ...]:
    """The reader's names of the columns, or x, y, z, w, or x1 to x6."""
    if names is None:
        return tuple(letters[:dim] if dim <= len(letters) else (f"x{i + 1}" for i in range(dim)))
    if len(names) != dim or len(set(names)) != dim:
        raise InputError(f"names are {list(names)}; there must be {dim}, all different")
    return tuple(names)


def _checked_points(x: Any) -> np.ndarray:
    """Points (N, d) as float64: finite, 1 to 6 columns, none constant, none a sum of the others."""
    rows = as_points(x, "x", at_least=LEAST, vary=True).astype(np.float64)
    if rows.shape[1] > 6:
        few = "give 1 to 6, such as the first principal components"
        raise InputError(f"x has {rows.shape[1]} columns; {few}")
    # Copies say nothing new, and would make every error too small.  But of rounded readings some
    # are alike by chance; a file of these that was doubled has all of them an even number of times.
    _, first, at, copies = np.unique(
        rows, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    if len(first) < LEAST:
        raise InputError(f"x has {len(first)} different row(s); at least {LEAST} are needed")
    if steps_of(rows).all():
        number = np.argsort(np.argsort(at, kind="stable")) - (np.cumsum(copies) - copies)[at]
        rows = rows[number < (copies // np.gcd.reduce(copies))[at]]
    else:
        rows = rows[np.sort(first)]
    values, vectors = np.linalg.eigh(np.corrcoef(rows.T).reshape(rows.shape[1], -1))
    if values[0] < 1e-9:
        involved = ", ".join(map(str, np.flatnonzero(abs(vectors[:, 0]) > 1e-4)))
        raise InputError(f"x has columns that are sums of each other: {involved}; leave one out")
    return rows


def _checked_extras(extras: Extras | None, x: np.ndarray) -> Extras:
    """The reader's own terms: callables (n, d) -> (n,) that are finite on the data."""
    for name, function in (extras or {}).items():
        values = np.asarray(function(x))
        if values.shape != (len(x),):
            raise InputError(f"extras[{name!r}] gives shape {values.shape}; it must be ({len(x)},)")
        if not np.isfinite(values).all():
            raise InputError(f"extras[{name!r}] is NaN or infinite on some rows of x")
    return extras or {}


def _checked_diffusion(diffusion: Any, dim: int) -> tuple[np.ndarray | None, float | None]:
    """The form (d, d) of D, and its size where it is known; (None, None) without noise."""
    if diffusion is None:
        return None, None
    if isinstance(diffusion, str) and diffusion == "fit":
        return np.eye(dim), None
    if isinstance(diffusion, str):
        raise InputError(f"diffusion is {diffusion!r}; give 'fit', a number or a matrix")
    tensor = as_array(diffusion, "diffusion").astype(np.float64)
    if tensor.ndim == 0 or tensor.shape == (dim,):
        tensor = np.diag(np.broadcast_to(tensor, dim))
    if tensor.shape != (dim, dim) or not np.isfinite(tensor).all():
        raise InputError(
            f"diffusion has shape {tensor.shape}; it must be one number, ({dim},) or ({dim}, {dim})"
        )
    if not np.allclose(tensor, tensor.T) or np.linalg.eigvalsh(tensor)[0] < 0 or not tensor.any():
        raise InputError("diffusion must be a symmetric matrix without negative eigenvalues, not 0")
    return tensor, 1.0


def _checked_noise(noise: Any, known: Moments) -> np.ndarray | None:
    """The size (d,) of the observation noise; None if it is to be estimated."""
    if isinstance(noise, str) and noise != "auto":
        raise InputError(f"noise is {noise!r}; give a size, one a column, or 'auto'")
    auto = isinstance(noise, str)
    sizes = np.zeros(known.dim) if auto else as_array(noise, "noise").astype(np.float64)
    if sizes.ndim > 1 or (sizes.ndim == 1 and len(sizes) != known.dim):
        raise InputError(f"noise has shape {sizes.shape}; give one size, or {known.dim}")
    sizes = np.broadcast_to([between(s, "noise", 0, math.inf) for s in sizes.flat], known.dim)
    if (sizes >= known.scale).any():
        column = int(np.argmax(sizes >= known.scale))
        limit = f"its standard deviation is {known.scale[column]:g}; nothing would be left"
        raise InputError(f"noise is {sizes[column]:g} in column {column}, but {limit}")
    if known.extras and (auto or sizes.any()):
        raise InputError(f"noise can't be removed from {known.extras[0]!r}; use monomials alone")
    return None if auto else sizes
