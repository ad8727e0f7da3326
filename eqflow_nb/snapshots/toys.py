"""Two-dimensional toys: a sampler each and, for all but the pinwheel, the exact blurred density.

Raw coordinates have no units and the toys have no time.  Each is centred and scaled by its exact
mean and standard deviation, given beside it.  Blur acts on the scaled coordinates, so round
Gaussian noise in raw coordinates is elliptic, sd w / scale per axis, in these.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from eqflow_nb.inputs import between, count, positive, seeded
from eqflow_nb.snapshots.base import Mixture, World

PEAK_SD, RING_SD, MOON_SD, MOON_NODES = 0.4, 0.1, 0.1, 64
SQUARES = [(i, j) for i in range(4) for j in range(4) if (i + j) % 2 == 0]
ARMS, ARM_LENGTH_SD, ARM_WIDTH_SD, ARM_TWIST = 5, 0.3, 0.1, 0.25

Draw = Callable[[int, torch.Generator], Tensor]
Pair = tuple[float, float]


def two_peaks() -> World:
    """Make two Gaussian peaks at (-1, 0) and (1, 0), sd .4: variances 1 + .4^2 and .4^2."""
    peaks = torch.tensor([[-1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    weights, scale = torch.full((2,), 0.5).double(), (math.sqrt(1 + PEAK_SD**2), PEAK_SD)

    def draw(n: int, rng: torch.Generator) -> Tensor:
        return peaks[torch.randint(2, (n,), generator=rng)] + PEAK_SD * _normal(n, rng)

    return _mixture_world("two_peaks", draw, weights, peaks, PEAK_SD, (0.0, 0.0), scale)


def ring() -> World:
    """Make a circle of radius 1 with round Gaussian noise, sd .1."""
    # Variance per raw axis: 1/2 + .1^2.  With R the scaled radius, w the scaled noise, r = |x| and
    # s^2 = w^2 + sigma^2, log p = -log(2 pi s^2) - (r - R)^2 / (2 s^2) + log I0e(r R / s^2).
    scale = math.sqrt(0.5 + RING_SD**2)
    radius, width = 1 / scale, RING_SD / scale

    def draw(n: int, rng: torch.Generator) -> Tensor:
        turn = torch.rand(n, generator=rng, dtype=torch.float64)
        return _on_circle(2 * torch.pi * turn) + RING_SD * _normal(n, rng)

    def log_density(x: Tensor, sigma: float) -> Tensor:
        s2 = width**2 + between(sigma, "sigma", 0, math.inf) ** 2
        r = torch.linalg.vector_norm(x, dim=-1)
        bessel = torch.special.i0e(r * radius / s2).log()
        return bessel - (r - radius) ** 2 / (2 * s2) - math.log(2 * math.pi * s2)

    return _toy("ring", draw, (0.0, 0.0), (scale, scale), log_density)


def two_moons() -> World:
    """Make two interleaved half circles with round Gaussian noise, sd .1."""
    # One is (cos t, sin t), the other (1 - cos t, 1/2 - sin t), t uniform on [0, pi].  Raw mean
    # (1/2, 1/4), variance 3/4 + .1^2 along x and 9/16 - 1/pi + .1^2 along y.  The density,
    # integrated along the arcs by Gauss-Legendre quadrature, is a mixture of 64 Gaussians an arc.
    scale = (math.sqrt(0.75 + MOON_SD**2), math.sqrt(0.5625 - 1 / math.pi + MOON_SD**2))

    def draw(n: int, rng: torch.Generator) -> Tensor:
        arcs = _moons(torch.pi * torch.rand(n, generator=rng, dtype=torch.float64))
        side = torch.randint(2, (n,), generator=rng)
        return arcs[side, torch.arange(n)] + MOON_SD * _normal(n, rng)

    nodes, weights = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(MOON_NODES))
    means = _moons(torch.pi * (nodes + 1) / 2).flatten(0, 1)
    weights = torch.cat([weights, weights]) / 4
    return _mixture_world("two_moons", draw, weights, means, MOON_SD, (0.5, 0.25), scale)


def checkerboard() -> World:
    """Make the eight dark squares of a 4 x 4 board on [-2, 2]^2, filled evenly."""
    # Variance per raw axis: 4^2 / 12.  Without blur the log density is not differentiable, so
    # sigma = 0 is refused.
    scale = math.sqrt(4 / 3)
    corners = torch.tensor(SQUARES, dtype=torch.float64) - 2
    edges = torch.arange(-2, 3, dtype=torch.float64) / scale

    def draw(n: int, rng: torch.Generator) -> Tensor:
        square = torch.randint(len(SQUARES), (n,), generator=rng)
        return corners[square] + torch.rand(n, 2, generator=rng, dtype=torch.float64)

    def log_density(x: Tensor, sigma: float) -> Tensor:
        z = (edges.to(x) - x[..., None]) / positive(sigma, "sigma")
        low, high = z[..., :-1], z[..., 1:]
        # log(Phi(high) - Phi(low)), reflected to where Phi is small, so that it does not cancel.
        away = low + high > 0
        low, high = torch.where(away, -high, low), torch.where(away, -low, high)
        top = torch.special.log_ndtr(high)
        strips = top + torch.log1p(-torch.exp(torch.special.log_ndtr(low) - top))
        i, j = torch.tensor(SQUARES, device=x.device).T
        squares = strips[..., 0, i] + strips[..., 1, j]
        return squares.logsumexp(dim=-1) - math.log(len(SQUARES) / scale**2)

    return _toy("checkerboard", draw, (0.0, 0.0), (scale, scale), log_density)


def pinwheel() -> World:
    """Make five twisted Gaussian arms; no closed form for the density."""
    # Before the twist an arm is a Gaussian at (1, 0) with sds .3 and .1.  By five-fold symmetry
    # the mean is 0 and the variance per raw axis (1 + .3^2 + .1^2) / 2.
    scale = math.sqrt((1 + ARM_LENGTH_SD**2 + ARM_WIDTH_SD**2) / 2)
    sds = torch.tensor([ARM_LENGTH_SD, ARM_WIDTH_SD], dtype=torch.float64)

    def draw(n: int, rng: torch.Generator) -> Tensor:
        arm = torch.randint(ARMS, (n,), generator=rng)
        x, y = (_normal(n, rng) * sds + torch.tensor([1.0, 0.0])).T
        cos, sin = _on_circle(2 * torch.pi * arm / ARMS + ARM_TWIST * x.exp()).T
        return torch.stack([cos * x - sin * y, sin * x + cos * y], dim=1)

    return _toy("pinwheel", draw, (0.0, 0.0), (scale, scale))


TOYS = {make.__name__: make for make in (two_peaks, ring, two_moons, checkerboard, pinwheel)}


def _toy(
    name: str, draw: Draw, centre: Pair, scale: Pair,
    log_density: Callable[[Tensor, float], Tensor] | None = None,
    mixture: Callable[[float], Mixture] | None = None,
) -> World:  # fmt: skip
    """A world in scaled coordinates from a sampler of raw points (n, 2), float64."""

    def sample(n: int, seed: int) -> Tensor:
        return world.scaled(draw(count(n, "n"), seeded(seed))).float()

    middle, unit = (torch.tensor(each, dtype=torch.float64) for each in (centre, scale))
    world = World(name, ("x", "y"), sample, middle, unit, None, log_density, mixture)
    return world


def _mixture_world(
    name: str, draw: Draw, weights: Tensor, raw_means: Tensor, raw_sd: float,
    centre: Pair, scale: Pair,
) -> World:  # fmt: skip
    """A toy whose raw density is a mixture of equally wide round Gaussians."""
    middle, unit = (torch.tensor(each, dtype=torch.float64) for each in (centre, scale))
    means = (raw_means - middle) / unit

    def variances(sigma: float) -> Tensor:
        return (raw_sd / unit) ** 2 + between(sigma, "sigma", 0, math.inf) ** 2

    def mixture(sigma: float) -> Mixture:
        return weights, means, variances(sigma).diag().expand(len(means), 2, 2)

    def log_density(x: Tensor, sigma: float) -> Tensor:
        v = variances(sigma).to(x)
        # One axis at a time: a (B, M, 2) array would fill the memory of a small machine.
        axes = zip(x.unbind(dim=-1), means.to(x).unbind(dim=-1), v, strict=True)
        distance = sum((x_i[..., None] - mean_i) ** 2 / v_i for x_i, mean_i, v_i in axes)
        log_norm = (2 * math.pi * v).log().sum() / 2
        return (weights.to(x).log() - distance / 2).logsumexp(dim=-1) - log_norm

    return _toy(name, draw, centre, scale, log_density, mixture)


def _moons(t: Tensor) -> Tensor:
    """Both arcs at parameters t (n,): shape (2, n, 2)."""
    upper = _on_circle(t)
    return torch.stack([upper, torch.tensor([1.0, 0.5]) - upper])


def _on_circle(angle: Tensor) -> Tensor:
    return torch.stack([angle.cos(), angle.sin()], dim=-1)


def _normal(n: int, rng: torch.Generator) -> Tensor:
    return torch.randn(n, 2, generator=rng, dtype=torch.float64)
