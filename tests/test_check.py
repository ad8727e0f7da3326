"""Checks of exercises say what is off, and in which direction, in words."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from eqflow_nb.course.check import base, equations, images, lorenz, plane


def flipped(weights: torch.Tensor) -> torch.Tensor:
    return weights - weights.transpose(0, 1)


MISTAKES: list[tuple[Callable[..., None], Any, str]] = [
    (plane.makes_skew, lambda W: W, r"isn't skew: K\[\d,\d\] plus K\[\d,\d\] is -?[\d.]+"),
    (plane.makes_skew, lambda W: W - W.T, "2 times what it should be"),
    (plane.makes_skew, lambda W: (W.T - W) / 2, "opposite sign"),
    (plane.makes_skew, lambda W: W @ W.T[:, :1], r"has shape \(\d, 1\), and should have"),
    (plane.makes_skew, lambda W: W.undefined, "breaks when called with .*AttributeError"),
    (plane.makes_skew, lambda W: W + 1j, "complex"),
    (plane.turns_rigidly, lambda T: torch.diag(torch.tensor([1.0, 4.0])), "factor of up to 2"),
    (plane.turns_rigidly, lambda T: T / torch.pi * torch.eye(2), "0.5 turns; one"),
    (plane.gaussian_score, lambda x, m, C: -(x - m) @ C, r"use C\^-1"),
    (plane.gaussian_score, lambda x, m, C: (x - m) @ torch.linalg.inv(C), "away from the mean"),
    (plane.residual_of, lambda v, s, x: (v(x) * s(x)).sum(1), "lacks div v"),
    (plane.crosses_faster, lambda x, a, b: 1 + 0.01 * x[:, 0], r"[\d.]+ times as fast .*2.5 times"),
    (plane.crosses_faster, lambda x, a, b: (x @ (b - a) > 0).to(x), "isn't smooth|crosses"),
    (lorenz.compares, lambda u, v: (u * v).sum().abs(), "divide by the sizes"),
    (lorenz.makes_symmetric, lambda v, S, x: (v(x) + v(x * S)) / 2, "turned velocity"),
    (lorenz.best_constant_rule, lambda s, v: torch.eye(3), "isn't skew"),
    (images.makes_skew_kernel, flipped, r"K\[\d,\d\] at \(-?\d,-?\d\) plus"),
    (images.gains_by_projection, lambda c, f: c / (1 - f), "take the root"),
    (images.drifts, lambda d: torch.zeros(1, 1, 3, 3), "nothing drifts"),
    (images.turns_away, lambda t, b, u, slope: u * slope * math.sin(b - t), "towards the neigh"),
    (
        images.steers_a_pair,
        lambda q, o, u: torch.stack([u * q[2].cos(), u * q[2].sin(), 0 * u * q[0]]),
        "without steering",
    ),
    (
        images.makes_a_mill,
        lambda n, rate, w: (-4 * w / rate) ** 0.5 * torch.randn(n, 2),
        "should turn",
    ),
    (images.makes_a_mill, lambda n, rate, w: torch.rand(n, 2), "no wheel"),
    (images.mean_push, lambda K, H: (K * H).sum(), "costs a minus"),
    (images.pursues, lambda q, s: s, "it leaks"),
    (images.pursues, lambda q, s: torch.stack([s[:, 1], -s[:, 0]], 1), "doesn't go for its prey"),
    (equations.counts_terms, lambda d, g: 10**6, "too large"),
    (
        equations.removes_noise,
        lambda y, s: (y.square().mean() - s**2, y.pow(4).mean()),
        "has the noise",
    ),
    (equations.keeps_the_round_cloud, lambda x: x.flip(1) * torch.tensor([1, -1]), "is linear"),
    (equations.keeps_the_round_cloud, lambda x: x.square(), "its residual is"),
    (
        equations.follows,
        lambda v, x: ((v[1:] + v[:-1]) * x.diff(dim=0)).sum(1).gt(0).double().mean(),
        "the other way",
    ),
    (equations.shuffles, lambda x, g: x[torch.randperm(len(x))], "whole rows"),
    (equations.no_orbit, lambda x: torch.cat([x[:, 3:], x[:, :3]], 1), "energies change"),
]


@pytest.mark.parametrize(("asks", "answer", "words"), MISTAKES)
def test_feedback_names_the_mistake(asks, answer, words):
    with pytest.raises(base.Wrong, match=words):
        asks(answer)


def test_predictions_say_in_which_direction_they_are_off():
    with pytest.raises(base.Wrong, match="opposite in sign"):
        plane.same_place(1.0, -2.0)
    with pytest.raises(base.Wrong, match="covers 2 times the old path"):
        plane.same_place(-1.0, -2.0)
    rates = lorenz.fresh_rates()
    with pytest.raises(base.Wrong, match="-y counts too"):
        lorenz.sum_of_exponents(-rates[0] - rates[2], rates)
    with pytest.raises(base.Wrong, match="volume shrinks"):
        lorenz.sum_of_exponents(rates[0] + 1 + rates[2], rates)


def test_a_notebook_shows_the_words_without_the_frames_of_the_check():
    with pytest.raises(base.Wrong) as raised:
        plane.makes_skew(lambda W: W)
    (line,) = raised.value._render_traceback_()
    assert line.startswith("Wrong: your matrix isn't skew")

    def broken(W):
        return W.undefined

    with pytest.raises(base.Wrong) as raised:
        plane.makes_skew(broken)
    said = "\n".join(raised.value._render_traceback_())
    assert "return W.undefined" in said, "the reader's own line"
    assert "base.py" not in said


def test_a_notebook_says_what_is_not_answered_yet():
    def stub(W):
        raise NotImplementedError("your answer goes here")

    with pytest.raises(NotImplementedError) as raised:
        plane.makes_skew(stub)
    assert raised.value._render_traceback_() == ["Not answered yet: your answer goes here."]
