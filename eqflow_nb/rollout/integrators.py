"""Integrators: generators that yield (t, x), the start included, so the caller owns the loop.

They record no gradients and never change the states they are given.  Their arguments are checked
when the first state is asked for.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from eqflow_nb import inputs
from eqflow_nb.fourier import filtered, root
from eqflow_nb.inputs import Field, InputError, between, count, floating, positive, seeded
from eqflow_nb.snapshots.base import rk4_step

Path = Iterator[tuple[float, Tensor]]
NOISE_SEEDS = 1_000_000_007  # keeps the noise apart from a start that was drawn with the same seed
LIMIT = 30.0  # the largest |x| of an image that is still followed


class Diverged(RuntimeError):
    """A rollout of images left its bounds, at step `step`; the message says the likely cause."""

    def __init__(self, message: str, step: int) -> None:
        super().__init__(message)
        self.step = step


@torch.no_grad()
def rk4(field: Field, x: Tensor, dt: float, steps: int) -> Path:
    """Follow dx/dt = v(x) by the classical fourth-order Runge-Kutta method, x of any shape."""
    dt, steps, x = positive(dt, "dt"), count(steps, "steps"), floating(x)
    yield 0.0, x
    for step in range(1, steps + 1):
        x = rk4_step(field, x, dt)
        yield step * dt, x


@torch.no_grad()
def heun(
    drift: Field, x: Tensor, dt: float, steps: int, eta: float, seed: int = 0, scale: Any = 1.0
) -> Path:
    """Follow dx = b(x) dt + sqrt(2 eta) scale dW with Heun's method (two drifts a step).

    If v keeps p, then b = v + eta scale^2 s keeps it for every eta >= 0, s being the score, and the
    scale one number for each coordinate (the last axis of x).  The moments are right to order dt^2;
    near the data dt should be small beside sigma^2.
    """
    dt, eta, steps = positive(dt, "dt"), between(eta, "eta", 0, math.inf), count(steps, "steps")
    x, noise = floating(x), _noise(x, seed)
    spread = math.sqrt(2 * eta * dt) * torch.as_tensor(scale).to(x)
    yield 0.0, x
    for step in range(1, steps + 1):
        kick = spread * noise()
        first = drift(x)
        second = drift(x + dt * first + kick)
        x = x + dt / 2 * (first + second) + kick
        yield step * dt, x


@torch.no_grad()
def exponential(
    denoise: Field, rule: Tensor, x: Tensor, sigma: float, tau: float, steps: int, eta: float,
    seed: int = 0, extra: Field | None = None, carry: Field | None = None,
) -> Path:  # fmt: skip
    """Follow dx = (K * s + eta s + extra) dt + sqrt(2 eta) dW, exactly while D(x) is constant.

    With s = (D - x) / sigma^2 and E(k) = exp(-(eta I + K(k)) tau), one step of tau = dt / sigma^2
    is x <- D + E * (x - D) + L z with L L^T = sigma^2 (I - E E^H), frequency by frequency.  It is
    stable at any step; an |x| over 30 raises `Diverged`.

    Parameters
    ----------
    denoise : callable (B, C, H, W) -> (B, C, H, W)
        The posterior mean D(x) = E[x_0 | x].
    rule : Tensor (C, C) or (H, W//2+1, C, C)
        The matrix K, one for all frequencies or one for each.  Only a skew K keeps p; for others,
        which serve as controls, the noise is that of the positive part of I - E E^H.
    x : Tensor (B, C, H, W)
        Blurred images.
    sigma, tau : float
        Noise level, in the units of x, and step, in units of sigma^2.
    eta : float
        The diffusion; >= 0.
    seed : int
        Of the noise.
    extra : callable, optional
        A further velocity, followed by the midpoint rule.
    carry : callable, optional
        Where a step takes D, and not the noise: x <- carry(D) + E * (x - D) + L z.
    """
    sigma, tau, steps = positive(sigma, "sigma"), positive(tau, "tau"), count(steps, "steps")
    eta, x = between(eta, "eta", 0, math.inf), floating(x)
    rule = _checked(rule, x)
    unit = torch.eye(rule.shape[-1]).to(rule)
    decay = torch.linalg.matrix_exp(-tau * (eta * unit + rule))  # E and L, for every frequency
    spread = sigma * root(unit - decay @ decay.mH)
    noise, dt = _noise(x, seed), tau * sigma**2
    yield 0.0, x
    for step in range(1, steps + 1):
        if extra is not None:
            x = x + dt * extra(x + dt / 2 * extra(x))
        centre = denoise(x)
        x = (centre if carry is None else carry(centre)) + filtered(decay, x - centre)
        if eta > 0:
            x = x + filtered(spread, noise())
        size = float(x.abs().amax())
        if not size < LIMIT:
            found = f"the largest |x| is {size:g}, over {LIMIT:g} (tau = {tau:g}, eta = {eta:g})"
            why = "a rule that is not skew, an extra velocity too fast, a denoiser off its level"
            where = f"the rollout left its bounds at step {step}"
            raise Diverged(f"{where}: {found}.  Likely causes: {why}", step)
        yield step * dt, x


def _checked(rule: Any, x: Tensor) -> Tensor:
    """The rule in double precision, where x is, if it is made for x's channels and grid."""
    rule = rule if isinstance(rule, Tensor) else inputs.as_numbers(rule, "rule")
    if x.ndim != 4 or not len(x) or rule.shape[-2:] != (x.shape[1], x.shape[1]):
        found = f"rule has shape {tuple(rule.shape)}; it does not mix the channels of x, which has"
        raise InputError(f"{found} shape {tuple(x.shape)} and must be images (B, C, H, W)")
    if rule.ndim == 4 and rule.shape[:2] != (x.shape[2], x.shape[3] // 2 + 1):
        found = f"it has shape {tuple(rule.shape)}, and x is {x.shape[2]} by {x.shape[3]} pixels"
        hint = "make it by `symbol(kernel, size)` for this one"
        raise InputError(f"rule is made for another grid: {found}; {hint}")
    return rule.to(x.device, torch.complex128 if rule.is_complex() else torch.float64)


def _noise(x: Tensor, seed: int) -> Callable[[], Tensor]:
    """A source of standard normal noise like x."""
    generator = seeded(count(seed, "seed", at_least=0) + NOISE_SEEDS, x.device)
    return lambda: torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
