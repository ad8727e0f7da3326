"""Integrators.  They are generators that yield (t, x), so the caller owns plots and progress.

They record no gradients, and never change the starting states they are given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from eqflow_nb.inputs import as_states, between, count, floating, positive, seeded, skew_matrix

Field = Callable[[Tensor], Tensor]
NOISE_SEEDS = 1_000_000_007


@torch.no_grad()
def rk4(field: Field, x: Tensor, dt: float, steps: int) -> Iterator[tuple[float, Tensor]]:
    """Follow dx/dt = v(x) with the classical fourth-order Runge-Kutta method.

    Parameters
    ----------
    field : callable, shape of x -> shape of x
    x : Tensor
        The starting states, of any shape the field takes.
    dt : float
        The step, in units of time.
    steps : int

    Yields
    ------
    (t, x)
        The time and the states, the start included.

    Raises
    ------
    InputError
        At the first state, if dt is not > 0 or steps is not a whole number > 0.
    """
    dt, steps, x = positive(dt, "dt"), count(steps, "steps"), floating(x).clone()
    yield 0.0, x
    for step in range(1, steps + 1):
        k1 = field(x)
        k2 = field(x + dt / 2 * k1)
        k3 = field(x + dt / 2 * k2)
        k4 = field(x + dt * k3)
        x = x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        yield step * dt, x


@torch.no_grad()
def heun(
    drift: Field, x: Tensor, dt: float, steps: int, eta: float, seed: int = 0
) -> Iterator[tuple[float, Tensor]]:
    """Follow dx = b(x) dt + sqrt(2 eta) dW with Heun's method (two drifts a step).

    With b = v + eta s, and v keeping p, the law p is kept for every eta >= 0.  The error of its
    moments is of order dt^2, that of a path without noise too.

    Parameters
    ----------
    drift : callable, shape of x -> shape of x
        The whole drift b.
    x : Tensor
        The starting states, of any shape the drift takes.
    dt : float
        The step, in units of time; near the data it should be small beside sigma^2.
    steps : int
    eta : float
        The diffusion; >= 0.
    seed : int
        Of the noise.

    Yields
    ------
    (t, x)
        The time and the states, the start included.

    Raises
    ------
    InputError
        At the first state, if dt is not > 0, eta is negative or steps is not a whole number > 0.
    """
    dt, eta, steps = positive(dt, "dt"), between(eta, "eta", 0, math.inf), count(steps, "steps")
    x, generator = floating(x).clone(), _generator(x, seed)
    yield 0.0, x
    for step in range(1, steps + 1):
        kick = math.sqrt(2 * eta * dt) * _noise(x, generator)
        first = drift(x)
        second = drift(x + dt * first + kick)
        x = x + dt / 2 * (first + second) + kick
        yield step * dt, x


@torch.no_grad()
def exponential(
    denoise: Field,
    matrix: Tensor,
    x: Tensor,
    sigma: float,
    tau: float,
    steps: int,
    eta: float,
    seed: int = 0,
) -> Iterator[tuple[float, Tensor]]:
    """Follow dx = (K + eta I) s dt + sqrt(2 eta) dW exactly while the denoiser D(x) is constant.

    With s = (D - x) / sigma^2 and E = exp(-(eta I + K) tau), one step of tau = dt / sigma^2 is
    x <- D + E (x - D) + L z with L L^T = sigma^2 (I - E E^T).  Stable at any step, where explicit
    steps must shrink like sigma^2.

    Parameters
    ----------
    denoise : callable (B, d) -> (B, d)
        The posterior mean D(x) = E[x_0 | x].
    matrix : Tensor (d, d)
        The skew matrix K.
    x : Tensor (B, d)
    sigma : float
        Noise level, in the units of x.
    tau : float
        The step, in units of sigma^2.
    steps : int
    eta : float
        The diffusion; >= 0.
    seed : int

    Yields
    ------
    (t, x)
        With t = step * tau * sigma^2.

    Raises
    ------
    InputError
        At the first state, if the matrix is not skew or not of the states' dimension, sigma or tau
        is not > 0, eta is negative, or steps is not a whole number > 0.
    """
    sigma, tau = positive(sigma, "sigma"), positive(tau, "tau")
    eta, steps, x = between(eta, "eta", 0, math.inf), count(steps, "steps"), floating(x).clone()
    matrix = skew_matrix(matrix, "matrix", dim=as_states(x).shape[1]).double().cpu()
    decay = torch.linalg.matrix_exp(-tau * (eta * torch.eye(len(matrix)).double() + matrix))
    # E E^T = exp(-2 eta tau) I for a skew K, so the noise is isotropic.
    spread = sigma * math.sqrt(-math.expm1(-2 * eta * tau))
    decay = decay.to(x)
    generator = _generator(x, seed)
    yield 0.0, x
    for step in range(1, steps + 1):
        centre = denoise(x)
        x = centre + (x - centre) @ decay.T
        if eta > 0:
            x = x + spread * _noise(x, generator)
        yield step * tau * sigma**2, x


def _generator(x: Tensor, seed: int) -> torch.Generator:
    """Noise unlike that of the starting states, which may well be drawn with the same seed."""
    return seeded(count(seed, "seed", at_least=0) + NOISE_SEEDS, x.device)


def _noise(x: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
