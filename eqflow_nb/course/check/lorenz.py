"""Checks of the exercises on the Lorenz system: chapter 02."""

import math
from typing import Any

import torch
from torch import Tensor

from eqflow_nb import flows, measures
from eqflow_nb.course.check import base
from eqflow_nb.course.check.base import ask, expect, integer, normal, require, right, uniform


def fresh_rates() -> tuple[float, float, float]:
    """Fresh rates (s, r, b) of a Lorenz system."""
    return uniform(8, 12), uniform(24, 32), uniform(2, 3)


def sum_of_exponents(total: Any, rates: tuple[float, float, float]) -> None:
    """02: the sum of the Lyapunov exponents of a Lorenz system with fresh rates."""
    s, r, b = rates

    def field(x: Tensor) -> Tensor:
        x, y, z = x.unbind(1)
        return torch.stack([s * (y - x), x * (r - z) - y, x * y - b * z], 1)

    start = normal(2, 3) + torch.tensor([1.0, 1.0, 20.0])
    found = measures.lyapunov_spectrum(field, start, 0.002, 50).exponents.sum(1).mean()
    mistakes = {
        "the second equation's -y counts too.": found + 1,
        "the volume shrinks; your sum says that it grows.": -found,
        "r stands beside the diagonal of the Jacobian: it plays no part.": found + r,
    }
    base.close(base.numbers(total, "total", ()), found, "total", mistakes, 0.01)
    right("the exponents add up to the mean divergence, here a constant: all volumes shrink alike.")


def makes_symmetric(symmetric: Any) -> None:
    """02: `symmetric(v, signs, x)`, the part of a field that has a half turn's symmetry."""
    v = flows.exact.Waves(3, outputs=3, seed=integer(0, 10**6))
    x, signs = normal(8, 3), torch.tensor([-1.0, -1.0, 1.0]).double().roll(integer(0, 2))
    here, there = (ask(symmetric, "symmetric", v, signs, y, shape=(8, 3)) for y in (x, x * signs))
    gap = float((there - signs * here).abs().max())
    words = f"at a turned point your velocity isn't the turned velocity: {gap:.2g} off at most."
    require(gap < 1e-6, words)
    base.close(here, (v(x) + signs * v(x * signs)) / 2, "symmetric(...)")
    right("half of a field and half of its turned copy: so a network gets a symmetry for good.")


def compares(similarity: Any) -> None:
    """02: `similarity(u, v)` of two fields, |cosine| over all states at once."""
    u = normal(30, 3)
    v = -uniform(1, 3) * u + normal(30, 3)
    want, rows = measures.similarity(u, v), torch.cosine_similarity(u, v, dim=1)
    mistakes = {
        "the sign should not count: snapshots don't hold the direction of time.": -want,
        "you average single states' cosines; sum first: fast places count more.": rows.abs().mean(),
        "you average the cosines of single states; sum first, then divide.": rows.mean().abs(),
        "that grows with the speeds: divide by the sizes of both fields.": (u * v).sum().abs(),
    }
    expect(want, similarity, "similarity", u, v, mistakes=mistakes)
    right("1 for fields that are proportional, backwards or not; 0 for fields that share nothing.")


def growth_rate(growth: Any) -> None:
    """02: `growth(v, x, dt, steps)`, the largest Lyapunov exponent from two neighbours."""
    for sign in (1, -1):
        largest, angle = sign * uniform(0.5, 1.5), uniform(math.pi / 12, math.pi / 3)
        c, s = math.cos(angle), math.sin(angle)
        axes = torch.tensor([[c, -s], [s, c]]).double()
        A = axes * torch.tensor([largest, largest - 1]).double() @ axes.T
        start = torch.zeros(1, 2, dtype=torch.float64)
        got = float(ask(growth, "growth", lambda x, A=A: x @ A.T, start, 0.03, 1000))
        words = f"neighbours part at the rate {largest:.3g}; you say {got:.3g}. Is each stretching"
        good = abs(got - largest) < 0.15  # it takes time to turn to the fastest direction
        require(good, f"{words} counted once, and divided by the whole time?")
    right("above 0 neighbours part exponentially, which is chaos; below, they forget the gap.")


def best_constant_rule(best_rule: Any) -> None:
    """02: `best_rule(s, v)`, the skew K whose K s comes nearest to a known velocity."""
    s = normal(200, 3) @ base.covariance(3)
    basis = [flows.skew.from_entries(*row).double() for row in torch.eye(3).tolist()]
    fields = torch.stack([(s @ one.T).flatten() for one in basis], 1)
    v = (fields @ normal(3)).reshape(200, 3) + 0.7 * normal(200, 3)
    K = base.skew(ask(best_rule, "best_rule", s, v, shape=(3, 3)))
    base.moving(s @ K.T, "your flow")
    best = (fields @ torch.linalg.lstsq(fields, v.flatten()[:, None]).solution).reshape(200, 3)
    mine, most = measures.similarity(s @ K.T, v), measures.similarity(best, v)
    words = f"your rule reaches a similarity of {mine:.4f}; a skew one can reach {most:.4f}."
    require(mine >= most - 1e-4, words)
    right("three numbers, by least squares: no constant rule can be more like the truth.")
