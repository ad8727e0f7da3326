"""Checks of the exercises on points in the plane: chapters 00 and 01."""

import math
from typing import Any

import torch
from torch import Tensor

from eqflow_nb import flows, measures, scores
from eqflow_nb.course.check import base
from eqflow_nb.course.check.base import ask, covariance, expect, integer, normal, require, right

J = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)
SIGMA = 0.15  # the blur of the chapters' toys


def fresh_strength() -> float:
    """A fresh strength of a skew rule, below 0."""
    return base.uniform(-3, -0.5)


def same_place(when: Any, strength: float) -> None:
    """00: `when` a flow of another strength is where that of strength 1 is at time 1."""
    times = float(base.numbers(when, "when", ())) * strength
    words = "that is opposite in sign to the strength, so points go the other way: run time back."
    require(times > 0, words)
    words = f"until then the flow covers {times:.3g} times the old path; once would be right."
    require(abs(times - 1) < 1e-3, words)
    right("strength and time enter only as a product: snapshots hold neither clock nor direction.")


def makes_skew(skew_part: Any) -> None:
    """00: `skew_part(W)` of any square matrix."""
    W = normal(*[integer(2, 5)] * 2)
    base.skew(ask(skew_part, "skew_part", W, shape=tuple(W.shape)))
    expect((W - W.T) / 2, skew_part, "skew_part", W)
    right("a matrix is a skew plus a symmetric one; the skew part keeps a distribution.")


def turns_rigidly(covariance_for: Any) -> None:
    """00: `covariance_for(T)` of a Gaussian cloud that v = J s turns rigidly, once in a time T."""
    T = base.uniform(1, 9)
    C = ask(covariance_for, "covariance_for", T, shape=(2, 2))
    low, high = torch.linalg.eigvalsh((C + C.T) / 2).tolist()
    words = "no covariance: make it symmetric, with eigenvalues above 0, not"
    require(torch.allclose(C, C.T) and low > 0, f"{words} {low:.3g}, {high:.3g}.")
    stretch, turns = math.sqrt(high / low), T / (2 * math.pi * math.sqrt(low * high))
    words = f"points go round ellipses: distances change by a factor of up to {stretch:.3g}."
    require(stretch < 1.0001, words)
    words = f"in a time T = {T:.3g} your cloud makes {turns:.3g} turns; one would be right."
    require(abs(turns - 1) < 1e-4, words)
    right("a round cloud turns as a wheel; the wider it is, the fainter its score and the slower.")


def measures_in_floors(in_floors: Any) -> None:
    """00: `in_floors(x, draw)`, the distance of a cloud to a fresh one over the noise floor."""
    spread, seed = torch.linalg.cholesky(covariance()), integer(0, 10**6)

    def draw(n: int, number: int) -> Tensor:
        own = torch.Generator().manual_seed(seed + number)
        return torch.randn(n, 2, generator=own, dtype=torch.float64) @ spread.T

    fresh = sum(float(ask(in_floors, "in_floors", draw(200, 900 + k), draw)) for k in range(4)) / 4
    words = f"four fresh clouds are {fresh:.2g} floors off, not 1. Is it the floor of"
    require(0.5 < fresh < 2, f"{words} fresh samples?")
    moved = draw(200, 999) + (shift := base.uniform(1, 2))
    got, want = float(ask(in_floors, "in_floors", moved, draw)), measures.preservation(moved, draw)
    words = f"a cloud shifted by {shift:.2f} is about {want:.2g} floors off, not {got:.2g}."
    require(0.5 < got / want < 2, words)
    right("1 is what chance alone gives; only a cloud much farther than that has changed.")


def one_turn(period: Any) -> None:
    """01: `period(C, strength)` of the constant skew flow on a Gaussian."""
    C, strength = covariance(), base.uniform(0.5, 3)
    det = torch.det(C)
    turns = ask(period, "period", C, strength) * strength / (2 * math.pi * det.sqrt())
    words = f"until then points make {turns:.3g} turns; one would be right. Here det C = {det:.3g}."
    require(abs(float(turns) - 1) < 1e-4, words)
    right("all points of a Gaussian take the same time; it grows with the area of the cloud.")


def gaussian_score(score: Any) -> None:
    """01: `score(x, mean, C)` of a Gaussian."""
    d = integer(2, 4)
    x, mean, C = normal(7, d), normal(d), covariance(d)
    want, steep = (mean - x) @ torch.linalg.inv(C), (mean - x) @ C
    mistakes = {
        "your score doesn't vanish at the mean: measure x from there.": -x @ torch.linalg.inv(C),
        "that multiplies by C; where the cloud is narrow the score is steep: use C^-1.": steep,
        "that treats the cloud as round: C is missing.": mean - x,
        "your score points away from the mean, where points get rarer: its sign is wrong.": -want,
    }
    expect(want, score, "score", x, mean, C, mistakes=mistakes)
    right("the score points to where points get denser, most steeply where the cloud is narrow.")


def residual_of(residual: Any) -> None:
    """01: `residual(v, s, x)`, div v + v . s at each point."""
    A, x = normal(2, 2), normal(9, 2)
    s = scores.gaussian(torch.zeros(2).double(), covariance(2))

    def v(y: Tensor) -> Tensor:
        return torch.sin(y @ A.T) + y

    spread, along = flows.continuity.divergence(v, x), (v(x) * s(x)).sum(1)
    mistakes = {
        "that is div v alone: it lacks v . s, by which points move to denser places.": spread,
        "that is v . s alone: it lacks div v, by which points spread.": along,
        "the two terms should be added.": spread - along,
    }
    expect(spread + along, residual, "residual", v, s, x, mistakes=mistakes)
    right("where it is positive the cloud thins, where it is negative it fills; 0 keeps it.")


def stream_flow(flow: Any) -> None:
    """01: `flow(psi, s, x)`, J (grad psi + psi s)."""
    psi = flows.exact.Waves(2, seed=integer(0, 10**6))
    x, s = normal(20, 2), scores.gaussian(torch.zeros(2), covariance(2))
    slope, pull = psi.with_gradient(x)[1][:, 0], psi(x)[:, None] * s(x)
    mistakes = {
        "J psi s alone leaks: where psi changes, grad psi must be added.": pull @ J.T,
        "J grad psi alone keeps an even cloud, not this one: psi s is missing.": slope @ J.T,
        "that is grad psi + psi s, not yet turned by J.": slope + pull,
    }
    expect((slope + pull) @ J.T, flow, "flow", psi, s, x, mistakes=mistakes)
    right("every smooth psi gives a flow that keeps the cloud, and in the plane these are all.")


def crosses_faster(psi: Any) -> None:
    """01: a `psi(x, one, other)` whose flow crosses the saddle faster than the skew flow."""
    # The peaks are drawn afresh, so that a formula for peaks in known places won't do.
    axis, middle = base.unit(2), 0.5 * normal(2)
    one, other = middle - axis, middle + axis
    spread = 0.15 * torch.eye(2).double().expand(2, 2, 2)
    score = scores.MixtureScore(torch.ones(2).double(), torch.stack([one, other]), spread)
    x = torch.cat([one, other]).view(2, 1, 2) + spread[0, 0, 0] ** 0.5 * normal(2, 2000, 2)
    x = x.flatten(0, 1)
    of_peaks = base.field(lambda y: psi(y, one.clone(), other.clone()), "psi", x, (len(x),))
    v = flows.exact.StreamFunction(of_peaks, score)
    base.moving(v(x), "your flow")
    leak = flows.continuity.residual(v, score, x).relative
    require(leak < 1e-6, f"your psi isn't smooth: the residual is {leak:.2g} of the speed, not 0.")
    fields = [flows.at_common_speed(field, x) for field in (v, flows.skew.constant(J, score))]
    over = ((x - middle) @ axis).abs() < 0.1
    mine, skew = (float((each(x)[over] @ axis).abs().mean()) for each in fields)
    told = f"{mine / skew:.2f} times as fast"
    words = f"your flow crosses the saddle {told} as the skew flow, which is less than"
    require(mine >= 2.5 * skew, f"{words} 2.5 times. Where should psi change most?")
    right(f"{told} over the saddle, and the cloud can't tell.")
