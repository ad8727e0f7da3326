"""Skew rules that know the spectrum: every wavelength turns at one rate, or at measured ones."""

import math

import torch
from torch import Tensor

from eqflow_nb.flows.kernels import convolution
from eqflow_nb.fourier import filtered, frequencies, root
from eqflow_nb.inputs import Field, InputError, as_images, between, count, seeded
from eqflow_nb.scores.gaussian_field import GaussianCopulaScore, GaussianFieldScore

Score = GaussianFieldScore | GaussianCopulaScore
QUARTER_TURN = ((0.0, 1.0), (-1.0, 0.0))


def low_pass(score: GaussianFieldScore) -> Tensor:
    """The geometric mean a(k) of the eigenvalues of C(k) + sigma^2 I, at most 1, (H, W//2+1)."""
    a = torch.linalg.det(score.precision) ** (-1 / len(score.mean))
    return a / a.max()


def equal_rate_kernel(score: GaussianFieldScore) -> Tensor:
    """The symbol K(k) = a(k) J that turns every wavelength of a Gaussian field at one rate.

    At frequency k the flow is v = -a J (C + sigma^2 I)^-1 (x - mu).  A matrix J S with S symmetric
    and positive has the eigenvalues ±i sqrt(det S), so these turn at a(k) / sqrt(det(C(k) +
    sigma^2 I)), which is the same for all k if a is the `low_pass`.  The largest eigenvalue of K,
    (H, W//2+1, 2, 2), is then 1.
    """
    if len(score.mean) != 2:
        raise InputError(f"score has {len(score.mean)} channel(s); the turn J is of two")
    return low_pass(score)[..., None, None] * torch.tensor(QUARTER_TURN).to(score.covariance)


def flow(score: Score, symbol: Tensor | None = None) -> Field:
    """v = K * s of a Gaussian field or a copula, K the `equal_rate_kernel` or another symbol.

    A copula's field y = g(x) moves so, and x sees v = K * s_y(g(x)) / g'(x): the same motion in
    other coordinates, so it keeps the distribution of x.  There it is v = A s + div A with the skew
    matrix A(x) = g'(x)^-1 K g'(x)^-1: the rule depends on the state.
    """
    gaussian = score.gaussian if isinstance(score, GaussianCopulaScore) else score
    straight = convolution(equal_rate_kernel(gaussian) if symbol is None else symbol, gaussian)
    if not isinstance(score, GaussianCopulaScore):
        return straight

    def field(x: Tensor) -> Tensor:
        y, slope, _ = score.transform.derivatives(x)
        return straight(y) / slope

    return field


def fit_radial(
    x: Tensor, velocity: Tensor, score: Score, bins: int = 16, weight: Tensor | float = 1.0
) -> Tensor:
    """The symbol c(|k|) a(k) J whose flow is nearest to an observed velocity, by least squares.

    `equal_rate_kernel` makes every wavelength turn at one rate; c(|k|) gives each ring of them its
    own.  It is skew whatever c is, so `flow(score, symbol)` keeps the distribution exactly.

    One image x (1, 2, H, W) will do.  c is constant on rings of |k| (of y = g(x) for a copula),
    finer where the pattern has its power.  `weight`, what a misfit counts, broadcasts with x.
    """
    x, velocity = as_images(x, "x", channels=2), as_images(velocity, "velocity", channels=2)
    gaussian = score.gaussian if isinstance(score, GaussianCopulaScore) else score
    k = frequencies(*gaussian.size).to(x)
    order = k.flatten().argsort()
    power = torch.linalg.inv(gaussian.precision).diagonal(dim1=-2, dim2=-1).sum(-1).sqrt()
    heap = power.flatten()[order].cumsum(0)
    ring = torch.empty_like(order)
    ring[order] = (heap / heap[-1] * count(bins, "bins")).long().clamp(max=bins - 1)
    ring = ring.reshape(k.shape)
    turn = equal_rate_kernel(gaussian).to(x)
    turns = ((ring == index)[..., None, None] * turn for index in range(bins))
    table = torch.stack([(weight * flow(score, k)(x)).flatten() for k in turns], dim=1).double()
    seen = (weight * velocity).double().flatten()[:, None]
    c = torch.linalg.lstsq(table, seen, driver="gelsd").solution[:, 0]
    return c.to(x)[ring][..., None, None] * turn


def exact_state(
    score: GaussianFieldScore, symbol: Tensor, x: Tensor, t: float, eta: float = 0.0, seed: int = 0
) -> Tensor:
    """The state at time t of dx = (K + eta) * s dt + sqrt(2 eta) dW, exact to rounding.

    The motion of a Gaussian field is linear: frequency by frequency, with S = C + sigma^2 I and
    E = exp(-t (K + eta I) S^-1), x(t) - mu = E (x(0) - mu) + L z with L L^H = S - E S E^H.  x is
    (B, C, H, W), K is (C, C) or (H, W//2+1, C, C).
    """
    mean, eta = score.mean.to(x)[:, None, None], between(eta, "eta", 0, math.inf)
    kind = torch.complex128 if symbol.is_complex() else torch.float64
    unit = torch.eye(len(score.mean), dtype=kind)
    rate = -(symbol.to(kind) + eta * unit) @ score.precision.to(kind)
    decay = torch.linalg.matrix_exp(t * rate)
    state = filtered(decay, x - mean) + mean
    if eta == 0 or t == 0:
        return state
    covariance = torch.linalg.inv(score.precision).to(kind)
    spread = covariance - decay @ covariance @ decay.mH
    noise = torch.randn(x.shape, generator=seeded(seed)).to(x)
    return state + filtered(root(spread), noise)
