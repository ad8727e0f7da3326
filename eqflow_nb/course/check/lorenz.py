"""Checks of the exercises on the Lorenz system: chapter 02."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from eqflow_nb import flows, measures
from eqflow_nb.course.check import words
from eqflow_nb.course.check.words import (
    Wrong,
    as_numbers,
    ask,
    close,
    covariance,
    generator,
    normal,
    right,
)


def sum_of_exponents(total: Any, rates: tuple[float, float, float]) -> None:
    """02: the sum of the Lyapunov exponents of a Lorenz system with fresh rates."""
    s, r, b = rates

    def field(x: Tensor) -> Tensor:
        x, y, z = x.unbind(1)
        return torch.stack([s * (y - x), x * (r - z) - y, x * y - b * z], 1)

    got = as_numbers(total, "total", ())
    start = normal(2, 3) + torch.tensor([1.0, 1.0, 20.0])
    found = measures.lyapunov_spectrum(field, start, 0.002, 50).exponents.sum(1).mean()
    mistakes = {
        "the second equation's -y counts too.": found + 1,
        "the volume shrinks; your sum says that it grows.": -found,
        "the growth rate r stands beside the diagonal of the Jacobian: it plays no part.": found
        + r,
    }
    close(got, found, "total", 0.01, mistakes)
    right("the exponents add up to the mean divergence, here a constant: all volumes shrink alike.")


def makes_symmetric(symmetric: Any) -> None:
    """02: `symmetric(v, signs, x)`, the part of a field that has a half turn's symmetry."""
    fresh = generator()
    v = flows.exact.Waves(3, outputs=3, seed=words.whole(0, 10**6, fresh))
    x, signs = normal(8, 3, fresh=fresh), torch.tensor([-1.0, -1.0, 1.0]).double()
    signs = signs.roll(words.whole(0, 2, fresh))

    def answer(field: Any, y: Tensor) -> Tensor:
        return ask(symmetric, "symmetric", field, signs, y, shape=tuple(y.shape))

    here, there = answer(v, x), answer(v, x * signs)
    if float((gap := there - signs * here).abs().max()) > 1e-6:
        raise Wrong(
            "not symmetric yet: at a turned point your velocity should be the turned velocity, "
            f"and is off by up to {float(gap.abs().max()):.2g}."
        )
    want = (v(x) + signs * v(x * signs)) / 2
    twice = "symmetric, but twice too large: a field that has the symmetry should stay as it is."
    close(here, want, "symmetric(...)", mistakes={twice: 2 * want})
    right("half of a field and half of its turned copy: so a network gets a symmetry for good.")


def compares(similarity: Any) -> None:
    """02: `similarity(u, v)` of two fields, |cosine| over all states at once."""
    u, noise = normal(30, 3), normal(30, 3)
    v = -words.number(1, 3) * u + noise
    got = ask(similarity, "similarity", u, v, shape=())
    want = torch.tensor(measures.similarity(u, v), dtype=torch.float64)
    rows = torch.nn.functional.cosine_similarity(u, v, dim=1)
    mistakes = {
        "the sign should not count: stills don't hold the arrow of time.": -want,
        "you average the cosines of single states; sum first, so that fast places count more.": (
            rows.abs().mean()
        ),
        "you average the cosines of single states; sum first, then divide.": rows.mean().abs(),
        "that grows with the speeds: divide by the sizes of both fields.": (u * v).sum().abs(),
    }
    close(got, want, "similarity(u, v)", mistakes=mistakes)
    right("1 for fields that are proportional, backwards or not; 0 for fields that share nothing.")


def growth_rate(growth: Any) -> None:
    """02: `growth(v, x, dt, steps)`, the largest Lyapunov exponent from two neighbours."""
    fresh = generator()
    for sign in (1, -1):
        largest = sign * words.number(0.5, 1.5, fresh)
        angle = words.number(math.pi / 12, math.pi / 3, fresh)
        turn = torch.tensor(
            [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
        ).double()
        A = turn @ torch.diag(torch.tensor([largest, largest - 1]).double()) @ turn.T
        start = torch.zeros(1, 2, dtype=torch.float64)
        got = float(ask(growth, "growth", lambda x, A=A: x @ A.T, start, 0.03, 1000, shape=()))
        if abs(got - largest) > 0.15:  # some of it is the time to turn to the fastest direction
            way = "small" if got < largest else "large"
            raise Wrong(
                f"neighbours part at the rate {largest:.3g}; you say {got:.3g}, too {way}. "
                "Is each stretching counted once, and divided by the whole time?"
            )
    right(
        "above 0 neighbours part exponentially, which is chaos; below, they forget they differed."
    )


def best_constant_rule(best_rule: Any) -> None:
    """02: `best_rule(s, v)`, the skew K whose K s comes nearest to a known velocity."""
    fresh = generator()
    s = normal(200, 3, fresh=fresh) @ covariance(3, fresh)
    planted = flows.skew.from_entries(*normal(3, fresh=fresh).tolist()).double()
    v = s @ planted.T + 0.7 * normal(200, 3, fresh=fresh)
    K = ask(best_rule, "best_rule", s, v, shape=(3, 3))
    words.skew(K, "K")
    words.moves(s @ K.T, "your flow")
    basis = [flows.skew.from_entries(*row).double() for row in torch.eye(3).tolist()]
    columns = torch.stack([(s @ one.T).flatten() for one in basis], 1)
    best = columns @ torch.linalg.lstsq(columns, v.flatten()[:, None]).solution[:, 0]
    mine, most = (measures.similarity(w.reshape(200, 3), v) for w in (s @ K.T, best))
    if mine < most - 1e-4:
        raise Wrong(
            f"your rule reaches a similarity of {mine:.4f}; a skew one can reach {most:.4f}."
        )
    right("three numbers, by least squares: no constant rule can be more like the truth.")


def lorenz_rates() -> tuple[float, float, float]:
    """Fresh rates (s, r, b) of a Lorenz system."""
    fresh = generator()
    return words.number(8, 12, fresh), words.number(24, 32, fresh), words.number(2, 3, fresh)
