"""A relaxed star cluster: positions and velocities in the field of a Plummer sphere.

Units: the gravitational constant, the cluster's mass and its Plummer length are 1, so that one unit
of time is about a tenth of an orbit at the half-mass radius of 1.3.  Plummer, MNRAS 71, 460 (1911).
"""

import math

import numpy as np
import torch
from scipy.integrate import quad_vec
from scipy.special import betainc
from torch import Tensor

from eqflow_nb.inputs import InputError, between, count, positive
from eqflow_nb.snapshots.base import World

AXES = ("x", "y", "z", "vx", "vy", "vz")
NORM = 24 * math.sqrt(2) / (7 * math.pi**3)


def plummer(reach: float = 10.0) -> World:
    """Make a cluster of stars in equilibrium, each seen once: (x, y, z, vx, vy, vz).

    A star has the binding energy e = 1 / sqrt(1 + r^2) - v^2 / 2 and the density
    p(x, v) = 24 sqrt(2) / (7 pi^3) e^(7/2).  Any density in e alone is stationary (Jeans), so the
    most loosely bound stars can be left out, with whom the variance is infinite: none gets farther
    than `reach` from the centre, e > 1 / sqrt(1 + reach^2).
    """
    reach = positive(reach, "reach")
    least = 1 / math.sqrt(1 + reach**2)
    kept, place, speed = _moments(least, reach)
    scale = torch.tensor([place] * 3 + [speed] * 3, dtype=torch.float64)

    def velocity(x: Tensor) -> Tensor:
        position, motion = (x * scale.to(x)).split(3, dim=-1)
        pull = -position * (1 + position.square().sum(-1, keepdim=True)) ** -1.5
        return torch.cat([motion, pull], -1) / scale.to(x)

    def log_density(x: Tensor, sigma: float) -> Tensor:
        if between(sigma, "sigma", 0, math.inf) > 0:
            raise InputError(f"sigma is {sigma:g}; the cluster's density is known at 0 only")
        e = binding(x * scale.to(x))
        inside = torch.where(e > least, e, torch.full_like(e, math.nan)).log()
        log = math.log(NORM / kept) + 3.5 * inside + float(scale.log().sum())
        return torch.where(e > least, log, torch.full_like(log, -math.inf))

    def sample(n: int, seed: int) -> Tensor:
        return torch.from_numpy(_sample(n, seed, least) / scale.numpy()).float()

    return World("plummer", AXES, sample, 0 * scale, scale, velocity, log_density)


def binding(raw: Tensor) -> Tensor:
    """Binding energy e (B,) of stars (B, 6) in natural units; a star that escapes has e < 0."""
    position, motion = raw.split(3, dim=-1)
    return (1 + position.square().sum(-1)).rsqrt() - motion.square().sum(-1) / 2


def _sample(n: int, seed: int, least: float) -> np.ndarray:
    """Stars (n, 6) in natural units, by inverting the distributions of radius and speed."""
    # A fraction m of the mass lies within r = (m^(-2/3) - 1)^(-1/2), and the speed over that of
    # escape, q, has the density q^2 (1 - q^2)^(7/2), so q^2 the beta distribution (3/2, 9/2)
    # (Aarseth, Hénon & Wielen, Astron. Astrophys. 37, 183, 1974, appendix).
    n, rng = count(n, "n"), np.random.default_rng(count(seed, "seed", at_least=0))

    def pointing_anywhere(length: np.ndarray) -> np.ndarray:
        direction = rng.normal(size=(n, 3))
        return direction * (length / np.linalg.norm(direction, axis=1))[:, None]

    stars = np.empty((0, 6))
    while len(stars) < n:
        radius = (rng.uniform(size=n) ** (-2 / 3) - 1) ** -0.5
        escape = math.sqrt(2) * (1 + radius**2) ** -0.25
        speed = escape * np.sqrt(rng.beta(1.5, 4.5, n))
        bound = (1 + radius**2) ** -0.5 - speed**2 / 2 > least
        drawn = np.hstack([pointing_anywhere(radius), pointing_anywhere(speed)])
        stars = np.concatenate([stars, drawn[bound]])
    return stars[:n]


def _moments(least: float, reach: float) -> tuple[float, float, float]:
    """Fraction of stars kept, and standard deviations of a coordinate and of a velocity."""
    # At radius r, psi = -Phi(r), those kept have q^2 < 1 - least / psi: incomplete beta functions.

    def shell(r: float) -> np.ndarray:
        psi = (1 + r * r) ** -0.5
        kept, faster = betainc((1.5, 2.5), 4.5, max(0.0, 1 - least / psi))
        return 3 * r * r * psi**5 * np.array([kept, kept * r * r, faster * psi / 2])

    kept, place, speed = quad_vec(shell, 0, reach, epsrel=1e-12)[0]
    return kept, math.sqrt(place / kept / 3), math.sqrt(speed / kept / 3)
