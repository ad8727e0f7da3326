"""Checks of the exercises on points in the plane: chapters 00 and 01."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from eqflow_nb import flows, measures, rollout, scores, snapshots
from eqflow_nb.course.check import words
from eqflow_nb.course.check.words import (
    Wrong,
    as_numbers,
    ask,
    called,
    close,
    covariance,
    generator,
    normal,
    right,
)

J = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)
SIGMA = 0.15  # the blur of the chapters' toys


def same_place(when: Any, strength: float) -> None:
    """00: `when` a flow of another strength is where that of strength 1 is at time 1."""
    when = float(as_numbers(when, "when", ()))
    turned = when * strength
    if turned < 0:
        raise Wrong(
            f"strength {strength:.2f} and time {when:.3g} have opposite signs, so the points go "
            "the other way. A negative strength runs the film backwards: where is the old place?"
        )
    score, draw = _toy("two_moons")
    start = draw(50, words.whole(0, 10**6)).double()

    def follow(factor: float) -> Tensor:
        field = flows.Scaled(flows.skew.constant(factor * J, score), 1.0)
        return list(rollout.rk4(field, start, 1 / 200, 200))[-1][1]

    # Following c K s for a time t is following c t K s for a time 1.
    gap = float((follow(turned) - follow(1.0)).norm(dim=1).mean()) if turned < 5 else math.inf
    if not gap < 1e-3:
        raise Wrong(
            f"in time {when:.3g} the flow of strength {strength:.2f} covers {turned:.3g} times the "
            "old path; once would be right."
        )
    right("strength and time enter only as a product, so stills can't hold a clock or an arrow.")


def makes_skew(skew_part: Any) -> None:
    """00: `skew_part(W)` of any square matrix."""
    W = normal(*[words.whole(2, 5)] * 2)
    K = ask(skew_part, "skew_part", W, shape=tuple(W.shape))
    words.skew(K, "K")
    twice = "your matrix is skew, but twice too large: one that is skew already should stay as is."
    close(K, (W - W.T) / 2, "skew_part(W)", mistakes={twice: W - W.T})
    right("any matrix is a skew one plus a symmetric one, and this is the part that keeps a law.")


def turns_rigidly(covariance_for: Any) -> None:
    """00: `covariance_for(T)` of a Gaussian cloud that v = J s turns rigidly, once in a time T."""
    T = words.number(1, 9)
    C = ask(covariance_for, "covariance_for", T, shape=(2, 2))
    spread = torch.linalg.eigvalsh((C + C.T) / 2)
    if not torch.allclose(C, C.T) or not spread[0] > 0:
        raise Wrong(
            "that is no covariance: it must be symmetric with eigenvalues above 0; yours are "
            f"{spread[0]:.3g} and {spread[1]:.3g}."
        )
    stretch = float((spread[1] / spread[0]).sqrt())
    if stretch > 1.0001:
        raise Wrong(
            "the cloud is kept, but not turned rigidly: points go round ellipses, and distances "
            f"change by a factor of up to {stretch:.3g} on the way."
        )
    turns = T / (2 * math.pi * float(spread.prod().sqrt()))
    if abs(turns - 1) > 1e-4:
        raise Wrong(
            f"in a time T = {T:.3g} your cloud makes {turns:.3g} turns; one would be right."
        )
    right("a round cloud turns as a wheel; the wider it is, the fainter its score and the slower.")


def measures_in_floors(in_floors: Any) -> None:
    """00: `in_floors(x, draw)`, the distance of a cloud to a fresh one over the noise floor."""
    spread = torch.linalg.cholesky(covariance())
    seed = words.whole(0, 10**6)

    def draw(n: int, number: int) -> Tensor:
        return normal(n, 2, fresh=torch.Generator().manual_seed(seed + number)) @ spread.T

    def answer(number: int, shift: float = 0.0) -> float:
        return float(ask(in_floors, "in_floors", draw(200, number) + shift, draw, shape=()))

    fresh = sum(answer(900 + k) for k in range(4)) / 4
    if not 0.5 < fresh < 2:
        raise Wrong(
            f"four fresh clouds are {fresh:.2g} floors from the law on average; it should be about "
            "1. Is the distance divided by that of two fresh samples of the same size?"
        )
    shift = words.number(1, 2)
    got, want = answer(999, shift), measures.preservation(draw(200, 999) + shift, draw)
    if not 0.5 < got / want < 2:
        raise Wrong(
            f"a cloud shifted by {shift:.2f} is about {want:.2g} floors off, not {got:.2g}."
        )
    right("1 is what chance alone gives; only a cloud much farther than that has changed.")


def one_turn(period: Any) -> None:
    """01: `period(C, strength)` of the constant skew flow on a Gaussian."""
    for _ in range(3):
        C, strength = covariance(), words.number(0.5, 3)
        got = float(ask(period, "period", C, strength, shape=()))
        rate = torch.linalg.eigvals(strength * J @ torch.linalg.inv(C)).imag.abs().max()
        turns = got * float(rate) / (2 * math.pi)
        if abs(turns - 1) > 1e-4:
            raise Wrong(
                f"after your time of {got:.3g} the points have made {turns:.3g} turns; one would "
                f"be right. Here det C is {float(torch.det(C)):.3g}, the strength {strength:.3g}."
            )
    right("all points of a Gaussian take the same time; it grows with the area of the cloud.")


def gaussian_score(score: Any) -> None:
    """01: `score(x, mean, C)` of a Gaussian."""
    fresh = generator()
    d = words.whole(2, 4, fresh)
    x, mean, C = normal(7, d, fresh=fresh), normal(d, fresh=fresh), covariance(d, fresh)
    law = torch.distributions.MultivariateNormal(mean, C)
    want = scores.of_density(law.log_prob)(x)
    got = ask(score, "score", x, mean, C, shape=(7, d))
    mistakes = {
        "your score doesn't vanish at the mean: measure x from there.": -x @ torch.linalg.inv(C),
        "that multiplies by C; where the cloud is narrow the score is steep: use C^-1.": -(x - mean)
        @ C,
        "that treats the cloud as round: C is missing.": mean - x,
        "your score points away from the mean, where points get rarer: its sign is wrong.": -want,
    }
    close(got, want, "score(...)", mistakes=mistakes)
    right("the score points to where points get denser, most steeply where the cloud is narrow.")


def residual_of(residual: Any) -> None:
    """01: `residual(v, s, x)`, div v + v . s at each point."""
    fresh = generator()
    A, x = normal(2, 2, fresh=fresh), normal(9, 2, fresh=fresh)
    s = scores.gaussian(torch.zeros(2).double(), covariance(2, fresh))

    def v(y: Tensor) -> Tensor:
        return torch.sin(y @ A.T) + y

    spread, along = flows.continuity.divergence(v, x), (v(x) * s(x)).sum(1)
    got = ask(residual, "residual", v, s, x, shape=(9,))
    mistakes = {
        "that is div v alone: it lacks v . s, by which points move to denser places.": spread,
        "that is v . s alone: it lacks div v, by which points spread.": along,
        "the two terms should be added.": spread - along,
    }
    close(got, spread + along, "residual(...)", mistakes=mistakes)
    right("where it is positive the cloud thins, where it is negative it fills; 0 keeps it.")


def stream_flow(flow: Any) -> None:
    """01: `flow(psi, s, x)`, J (grad psi + psi s)."""
    fresh = generator()
    psi = flows.exact.Waves(2, seed=words.whole(0, 10**6, fresh))
    x, s = normal(20, 2, fresh=fresh), scores.gaussian(torch.zeros(2), covariance(2, fresh))
    _, slope = psi.both(x)
    got = ask(flow, "flow", psi, s, x, shape=(20, 2))
    mistakes = {
        "J psi s alone leaks: where psi changes from place to place, grad psi must be added.": (
            psi(x)[:, None] * s(x)
        )
        @ J.T,
        "J grad psi alone keeps an even cloud, not this one: psi s is missing.": slope[:, 0] @ J.T,
        "that is grad psi + psi s, not yet turned by J.": slope[:, 0] + psi(x)[:, None] * s(x),
    }
    want = flows.exact.StreamFunction(psi, s)(x)
    close(got, want, "flow(...)", mistakes=mistakes)
    right("every smooth psi gives a flow that keeps the cloud, and in the plane these are all.")


def crosses_faster(psi: Any, least: float = 2.0) -> None:
    """01: a `psi(x)` whose flow crosses the saddle faster than the constant skew flow."""
    score, draw = _toy("two_peaks")
    x = draw(4000, words.whole(0, 10**6)).double()
    ask(psi, "psi", x, shape=(len(x),))
    v = flows.exact.StreamFunction(lambda y: called(psi, "psi", y), score)
    words.moves(v(x), "your flow")
    skew = flows.skew.constant(J, score)
    if not (residual := flows.continuity.residual(v, score, x).relative) < 1e-6:
        raise Wrong(f"your psi isn't smooth: the residual is {residual:.2g} of the speed, not 0.")
    saddle = x[:, 0].abs() < 0.1
    mine, other = (
        float(flows.at_common_speed(field, x)(x[saddle])[:, 0].abs().mean()) for field in (v, skew)
    )
    if not mine / other >= least:
        raise Wrong(
            f"at the same rms speed your flow crosses the saddle {mine / other:.2f} times as fast "
            f"as the constant skew flow; {least:g} times is asked. Where should psi change most?"
        )
    right(f"{mine / other:.2f} times as fast over the saddle, and the cloud can't tell.")


def _toy(name: str) -> tuple[scores.MixtureScore, Any]:
    """A toy's exact blurred score, float64, and a sampler of its blurred points."""
    world = snapshots.world(name)
    mixture = [torch.as_tensor(part).double() for part in world.mixture(SIGMA)]  # type: ignore[misc]
    return scores.MixtureScore(*mixture), world.blurred(SIGMA)
