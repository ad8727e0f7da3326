"""Stationary processes with noise, dx = v(x) dt + sqrt(2 D) dW, and snapshots of them.

A smooth function psi then has E[grad psi . v + D : grad grad psi] = 0 over the snapshots.
"""

import math
from typing import Any

import numpy as np
from scipy.linalg import solve_continuous_lyapunov

from eqflow_nb.inputs import InputError, as_samples, count, positive
from eqflow_nb.snapshots.zoo import System, system

BATCH, SETTLING, SPACING = 2000, 20.0, 4.0  # trajectories; Lorenz time units
STEP, COARSE = 0.005, 0.01  # a tenth of the error that 400,000 snapshots tell; of the transient


def stochastic_lorenz(n: int, seed: int, D: float) -> np.ndarray:
    """Draw n snapshots (n, 3) of Lorenz with noise of diffusion constant D, raw, float64."""
    n, D, rng = count(n, "n"), positive(D, "D"), _random(seed)
    lorenz = system("lorenz")
    x = np.array(lorenz.start)[:, None] + rng.standard_normal((3, min(n, BATCH)))
    follow(lorenz, x, SETTLING, COARSE, D, rng)
    snapshots = []
    for _ in range(math.ceil(n / x.shape[1])):
        follow(lorenz, x, SPACING, STEP, D, rng)
        snapshots.append(x.T.copy())
    return np.concatenate(snapshots)[:n]


def follow(
    drift: System, x: np.ndarray, time: float, dt: float, D: float, rng: np.random.Generator
) -> None:
    """Follow dx = v dt + sqrt(2 D) dW from states x (d, b) for a time, in place."""
    # Strang splitting: half a step of noise, one of the drift by RK4, half a step of noise.  Of
    # weak order 2 (Leimkuhler & Matthews, Molecular Dynamics, Springer, 2015).
    steps = max(1, round(time / dt))
    lengths = np.full(x.shape[1], time / steps)
    kick = math.sqrt(2 * D * time / steps)
    x += kick * math.sqrt(0.5) * rng.standard_normal(x.shape)
    for step in range(steps):
        drift.rk4(x, lengths, 1)
        # Two halves that follow each other are one whole.
        size = kick if step < steps - 1 else kick * math.sqrt(0.5)
        x += size * rng.standard_normal(x.shape)


def ornstein_uhlenbeck(A: Any, D: Any, n: int, seed: int) -> np.ndarray:
    """Draw n independent snapshots (n, d) of dx = -A x dt + sqrt(2 D) dW, float64, exactly.

    A (d, d) has eigenvalues with positive real parts, and is not symmetric where there is a
    current.  D is the diffusion matrix (d, d), or a number that stands for D times the identity.
    """
    # Their covariance C (d, d) solves A C + C A^T = 2 D.
    A = as_samples(A, "A", at_least=1).double().numpy()
    d = len(A)
    D = positive(D, "D") * np.eye(d) if isinstance(D, int | float) else D
    D = as_samples(D, "D", dim=d, at_least=d).double().numpy()
    if A.shape != (d, d) or np.linalg.eigvals(A).real.min() <= 0:
        wanted = "with eigenvalues of positive real part, for x to settle"
        raise InputError(f"A must be square, {wanted}")
    if D.shape != (d, d) or not np.allclose(D, D.T) or np.linalg.eigvalsh(D).min() <= 0:
        raise InputError(f"D must be a number or a symmetric positive definite matrix ({d}, {d})")
    covariance = solve_continuous_lyapunov(A, 2 * D)
    normal = _random(seed).standard_normal((count(n, "n"), d))
    return normal @ np.linalg.cholesky(covariance).T


def double_well_with_rotation(n: int, seed: int) -> np.ndarray:
    """Draw n independent snapshots (n, 2) of p ~ exp(-U), float64, exactly.

    U(x, y) = (x^2 - 1)^2 + y^2: wells at (-1, 0) and (1, 0), with a barrier of height 1 between.
    The drift v = -D grad U + c J grad U, J = [[0, 1], [-1, 0]], with diffusion constant D keeps p,
    since div(p J grad U) = 0.
    """
    # Rejection: a proposal from N(1, 1/2), cut at 0, is accepted with probability
    # exp(-(x - 1)^2 x (x + 2)), since (x^2 - 1)^2 = (x - 1)^2 (1 + x (x + 2)).
    n, rng = count(n, "n"), _random(seed)
    accepted: list[np.ndarray] = []
    while sum(map(len, accepted)) < n:
        x = 1 + rng.standard_normal(2 * n) / math.sqrt(2)
        chance = np.exp(-((x - 1) ** 2) * x * (x + 2))
        accepted.append(x[(x > 0) & (rng.random(2 * n) < chance)])
    x = np.concatenate(accepted)[:n] * rng.choice([-1.0, 1.0], n)
    return np.stack([x, rng.standard_normal(n) / math.sqrt(2)], axis=1)


def _random(seed: int) -> np.random.Generator:
    return np.random.default_rng(count(seed, "seed", at_least=0))
