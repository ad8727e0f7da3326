"""The exponential integrator for images, with a rule K that mixes channels, pixels or both."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from eqflow_nb.fourier import filtered, root
from eqflow_nb.inputs import InputError, as_numbers, between, count, floating, positive
from eqflow_nb.rollout.integrators import Field, _generator, _noise


class Diverged(RuntimeError):
    """A rollout that left every bound; the message says when, how far, and the likely cause.

    Attributes
    ----------
    step : int
        The step at which it was found to have left.
    """

    def __init__(self, message: str, step: int) -> None:
        super().__init__(message)
        self.step = step


@torch.no_grad()
def exponential_images(
    denoise: Field,
    rule: Tensor,
    x: Tensor,
    sigma: float,
    tau: float,
    steps: int,
    eta: float,
    seed: int = 0,
    extra: Field | None = None,
    limit: float = 30.0,
) -> Iterator[tuple[float, Tensor]]:
    """Follow dx = (K * s + eta s + extra) dt + sqrt(2 eta) dW, exactly while D(x) is constant.

    With s = (D - x) / sigma^2 and E(k) = exp(-(eta I + K(k)) tau), one step of tau = dt / sigma^2
    is x <- D + E * (x - D) + L z with L L^T = sigma^2 (I - E E^H), frequency by frequency.

    Parameters
    ----------
    denoise : callable (B, C, H, W) -> (B, C, H, W)
        The posterior mean D(x) = E[x_0 | x].
    rule : Tensor (C, C) or (H, W//2+1, C, C)
        The matrix K, one for all frequencies or one for each.  Only a skew one keeps p; others are
        for controls.  For those the noise is that of L L^T where it is positive, and none else.
    x : Tensor (B, C, H, W)
        Blurred images.
    sigma : float
        Noise level, in the units of x.
    tau : float
        The step, in units of sigma^2.
    steps : int
    eta : float
        The diffusion; >= 0.
    seed : int
    extra : callable, optional
        A further velocity, which is followed by the midpoint rule.
    limit : float
        The largest |x| that is still followed.

    Yields
    ------
    (t, x)
        With t = step * tau * sigma^2.

    Raises
    ------
    InputError
        At the first state, if a number is out of its range, or the rule is not of x's channels or
        grid.
    Diverged
        If an |x| passes the limit or is not finite.
    """
    sigma, tau = positive(sigma, "sigma"), positive(tau, "tau")
    eta, steps, x = between(eta, "eta", 0, math.inf), count(steps, "steps"), floating(x).clone()
    rule = as_numbers(rule, "rule") if not isinstance(rule, Tensor) else rule
    if x.ndim == 4 and not len(x):
        raise InputError("x holds no image; at least one is needed")
    if x.ndim != 4 or rule.shape[-2:] != (x.shape[1], x.shape[1]):
        raise InputError(
            f"rule has shape {tuple(rule.shape)}, which does not mix the channels of x, of shape "
            f"{tuple(x.shape)}"
        )
    if rule.ndim == 4 and rule.shape[:2] != (x.shape[2], x.shape[3] // 2 + 1):
        raise InputError(
            f"rule is made for another grid: it has shape {tuple(rule.shape)}, and x is "
            f"{x.shape[2]} by {x.shape[3]} pixels; make it by `symbol(kernel, size)` for this one"
        )
    decay, spread = _propagators(rule, x, sigma, tau, eta)
    generator, dt = _generator(x, seed), tau * sigma**2
    yield 0.0, x
    for step in range(1, steps + 1):
        if extra is not None:
            x = x + dt * extra(x + dt / 2 * extra(x))
        centre = denoise(x)
        x = centre + filtered(decay, x - centre)
        if eta > 0:
            x = x + filtered(spread, _noise(x, generator))
        _stop_if_far(x, step, limit, f"tau = {tau:g}, eta = {eta:g}")
        yield step * dt, x


def _propagators(
    rule: Tensor, x: Tensor, sigma: float, tau: float, eta: float
) -> tuple[Tensor, Tensor]:
    """E and L of one step, for every frequency."""
    kind = torch.complex128 if rule.is_complex() else torch.float64
    rule = rule.to(x.device, kind)
    unit = torch.eye(rule.shape[-1], dtype=kind, device=x.device)
    decay = torch.linalg.matrix_exp(-tau * (eta * unit + rule))
    return decay, sigma * root(unit - decay @ decay.mH)


def _stop_if_far(x: Tensor, step: int, limit: float, said: str) -> None:
    size = float(x.abs().amax())
    if not size < limit:
        raise Diverged(
            f"the rollout left its bounds at step {step}: the largest |x| is {size:g}, over "
            f"{limit:g} ({said}).  Likely causes: a rule that is not skew, an extra velocity too "
            "fast for this step, or a denoiser used off its noise level",
            step,
        )
