"""The noise level of a score, chosen from the data alone: the largest that they cannot detect."""

import math
from typing import Any, NamedTuple

import numpy as np

from eqflow_nb.inputs import as_samples, count

GRID = np.geomspace(0.03, 1.0, 26)  # in units of a standard deviation
SPLITS, DIRECTIONS = 12, 24
MOST = 2000  # points a side, as in every preservation quoted
TOLERANCE = 1.03
CRITERION = (
    "the largest σ at which one half of the data, blurred, lies no more than 3% farther from the "
    "other half (sliced Wasserstein-2, up to 2,000 points a side) than the halves lie apart"
)


class Choice(NamedTuple):
    """A noise level, in the units of the samples, and the curve that it was read from.

    `values` (k,) are distances of a half blurred by each of `sigmas` to the other half, over that
    without blur, accepted up to `tolerance`; `errors` their standard errors over random halves.
    """

    sigma: float
    sigmas: np.ndarray
    values: np.ndarray
    errors: np.ndarray
    tolerance: float = TOLERANCE
    criterion: str = CRITERION


def choose_sigma(x: Any, seed: int = 0) -> Choice:
    """Choose the noise level of a score of points: the largest that the data cannot detect.

    A flow made at level sigma keeps the blurred distribution, so a large sigma shows as blur.  With
    a small one the flow whirls each point around a sample of its own: it keeps the sample, not the
    system's distribution.  So the largest sigma that does not yet show is taken: blur one half of
    the data, and compare its distance to the other with that before.  (The likelihood of left-out
    points does as well on the toys, but blurs heavy tails too much, and falls to 0 where rows are
    duplicated.)  Samples are x (n, d); 26 levels are tried, in units of a standard deviation.
    """
    samples = as_samples(x, "x", at_least=20, vary=True).detach().cpu().double().numpy()
    levels = GRID * math.sqrt(samples.var(0).mean())
    rng = np.random.default_rng(count(seed, "seed", at_least=0))
    squares = np.array([_squared_distances(samples, levels, rng) for _ in range(SPLITS)])
    # All of the data lie closer to a fresh sample than halves do: squared floors fall as 1 / n.
    half = min(MOST, len(samples) // 2)
    floor = squares[:, 0].mean() * half / min(MOST, len(samples))
    excess = (squares[:, 1:] - squares[:, :1]) / floor
    values = np.sqrt(np.maximum(0, 1 + excess.mean(0)))
    errors = excess.std(0, ddof=1) / (2 * math.sqrt(SPLITS) * np.maximum(values, 1e-3))
    seen = np.flatnonzero(values > TOLERANCE)
    last = int(seen[0]) - 1 if len(seen) else len(levels) - 1
    return Choice(float(levels[max(0, last)]), levels, values, errors)


def _squared_distances(x: np.ndarray, levels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Squared distances (1 + k,) between random halves, one of them blurred by 0 and each level."""
    # Noise projected on a direction is normal, so it is drawn along each; the same at all levels,
    # for a smooth curve.  Either half is blurred in turn: what the halves differ by then cancels.
    half = min(MOST, len(x) // 2)
    rows = rng.permutation(len(x))[: 2 * half]
    directions = rng.normal(size=(DIRECTIONS, x.shape[1]))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    projected = (directions @ x[rows].T).astype(np.float32).reshape(DIRECTIONS, 2, half)
    plain = np.sort(projected, axis=2)
    noise = rng.normal(size=projected.shape).astype(np.float32)
    squares = [np.square(plain[:, 0] - plain[:, 1]).mean()]
    for level in levels.astype(np.float32):
        blurred = np.sort(projected + level * noise, axis=2)
        squares.append(np.square(blurred - plain[:, ::-1]).mean())
    return np.array(squares, dtype=np.float64)
