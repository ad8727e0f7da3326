"""Checks of the exercises on images and creatures: chapters 03 and 04."""

import math
from typing import Any

import torch
from torch import Tensor

from eqflow_nb import flows, measures
from eqflow_nb.course.check import base
from eqflow_nb.course.check.base import ask, expect, normal, require, right, uniform
from eqflow_nb.measures import momentum


def makes_skew_kernel(skew_kernel: Any) -> None:
    """03: `skew_kernel(weights)` of any convolution weights."""
    weights = normal(2, 2, 3, 5)
    turned = weights.transpose(0, 1).flip(2, 3)
    base.skew(ask(skew_kernel, "skew_kernel", weights, shape=(2, 2, 3, 5)))
    expect((weights - turned) / 2, skew_kernel, "skew_kernel", weights)
    right("what a channel gives at a distance it takes back: it keeps any distribution of images.")


def tells_kernels(kind: Any) -> None:
    """03: `kind(K)`, whether filters given for every wave are real, and whether they are skew."""
    tests = ("real", "Look at K[-k] = conj(K[k])."), ("skew", "Look at K[k]^H = -K[k].")
    for truth in [(True, True), (True, False), (False, True), (False, False)] * 2:
        kernel = torch.complex(normal(8, 2, 2), normal(8, 2, 2))  # on a ring of 8 pixels
        K = torch.fft.fft(kernel.real if truth[0] else kernel, dim=0)
        K = (K - K.mH) / 2 if truth[1] else K
        for (name, look), told, true in zip(tests, ask(kind, "kind", K, shape=(2,)), truth):
            words = f"a filter that {'is' if true else 'is not'} {name}: you say the opposite."
            require(bool(told) == true, f"{words} {look}")
    right("real pairs k with -k, skew pairs channels at the same k: two tests, both needed.")


def gains_by_projection(similarity_after: Any) -> None:
    """03: `similarity_after(before, fraction)`, once the gradient part is taken out."""
    before, fraction = uniform(0.2, 0.6), uniform(0.1, 0.6)
    mistakes = {
        "the fraction is one of squared lengths: take the root.": before / (1 - fraction),
        "a shorter field with the same product is more alike.": before * (1 - fraction) ** 0.5,
    }
    want = before / (1 - fraction) ** 0.5
    expect(want, similarity_after, "similarity_after", before, fraction, mistakes=mistakes)
    right("whatever the truth is, taking the gradient part out can only bring a field nearer.")


def spectral_score(score: Any) -> None:
    """03: `score(x, power, sigma)` of a periodic Gaussian sheet."""
    power = torch.fft.fft2(normal(6, 6), norm="ortho").abs().square()
    x, sigma = normal(6, 6), uniform(0.5, 1)

    def score_by(divisor: Tensor) -> Tensor:
        return -torch.fft.ifft2(torch.fft.fft2(x) / divisor).real

    mistakes = {
        "you left out the blur: sigma^2 should be added to the power.": score_by(power),
        "sigma should be squared.": score_by(power + sigma),
        "a strong wave pulls back weakly: divide.": score_by(1 / (power + sigma**2)),
    }
    expect(score_by(power + sigma**2), score, "score", x, power, sigma, mistakes=mistakes)
    right("wave by wave the covariance is a number: a 36 by 36 system solved by two transforms.")


def drifts(kernel: Any) -> None:
    """03: `kernel(direction)`, a skew kernel under which a sheet drifts that way."""
    angle = uniform(0, 2 * math.pi)
    direction = torch.tensor([math.sin(angle), math.cos(angle)]).double()
    K = base.skew(ask(kernel, "kernel", direction, shape=(1, 1, 3, 3)))
    require(bool(K.any()), "your kernel is zero: nothing drifts.")
    x = _smooth(48)
    v = flows.kernels.convolution(K, lambda image: -image, (48, 48))(x)
    slopes = torch.stack([(x.roll(-1, a) - x.roll(1, a)).flatten() / 2 for a in (2, 3)], 1)
    down, across = (-torch.linalg.lstsq(slopes, v.flatten()[:, None]).solution[:, 0]).tolist()
    off = math.degrees(math.atan2(down, across) - angle + math.pi) % 360 - 180
    words = f"your sheet drifts {abs(off):.0f} degrees away from the direction asked for."
    require(abs(off) < 5, words)
    alike = measures.similarity(v, -(slopes @ direction).reshape(v.shape))
    require(alike > 0.98, f"the sheet drifts, but is torn: similarity to a pure drift {alike:.3f}.")
    right("a derivative is a skew kernel: drifting is the motion that a sheet without marks hides.")


def spares_a_colour(rule: Any) -> None:
    """04: `rule(axis)`, the skew matrix that turns colours about an axis."""
    axis = base.unit(3)
    K = base.skew(ask(rule, "rule", axis, shape=(3, 3)))
    turned = float((K @ axis).norm())
    require(turned < 1e-6, f"the colour of the axis is turned: |K a| = {turned:.3g}, not 0.")
    base.close(K, momentum.about_axis(axis), "rule(...)")
    right("in three colours every skew rule is a turn about one colour, which it spares.")


def keeps_unit_covariance(noise: Any) -> None:
    """04: `noise(E)`, the covariance that makes x -> E x + noise keep unit Gaussians."""
    E = normal(4, 4)
    E = E * uniform(0.5, 0.95) / torch.linalg.matrix_norm(E, 2)
    one = torch.eye(4).double()
    mistakes = {
        "the order matters: the cloud E x has the covariance E E^T.": one - E.T @ E,
        "E E is not E E^T: transpose the second.": one - E @ E,
        "that adds what E takes from x itself; covariances are of second order in E.": one - E,
        "with unit noise the cloud grows: E x still has a variance of its own.": one,
    }
    expect(one - E @ E.T, noise, "noise", E, mistakes=mistakes)
    right("noise gives back what the step takes, at any step: no small time step is needed.")


def diffusion_coefficient(diffusion: Any) -> None:
    """04: `diffusion(square, eta, omega)` of a velocity that fades and turns."""
    square, eta, omega = (uniform(0.5, 2) for _ in range(3))
    want = square * eta / (eta**2 + omega**2)  # the integral of the velocity's correlation
    mistakes = {
        "that is right without turning; a path that curls up goes less far.": square / eta,
        "2 D t is the mean square: yours is twice too large.": 2 * want,
    }
    expect(want, diffusion, "diffusion", square, eta, omega, mistakes=mistakes)
    right("little friction carries far, turning doesn't: an edge that isn't turned is needed.")


def reads_exponent(exponent: Any) -> None:
    """04: `exponent(lags, squares)` of mean squared displacements that follow a power law."""
    lags, alpha = torch.logspace(0, 2, 12).double(), uniform(0.4, 2)
    squares = uniform(2, 9) * lags**alpha
    origin = (squares.log()[1:] / lags.log()[1:]).mean()
    mistakes = {
        "the line in the log-log plot need not pass the origin: fit a slope.": origin,
        "that is the slope of roots, half of what is asked.": alpha / 2,
    }
    expect(alpha, exponent, "exponent", lags, squares, mistakes=mistakes)
    right("1 is diffusion, 2 a straight flight; between them something remembers for a while.")


def moves_one(rule: Any) -> None:
    """04: `rule(moved, still)`, which carries creatures of one edge colour and not the other."""
    still, moved = base.unit(3), base.unit(3)
    moved = moved - 0.7 * (moved @ still) * still  # never too near to the other
    moved = moved / moved.norm()
    K = base.skew(ask(rule, "rule", moved, still, shape=(3, 3)))
    size = float(torch.linalg.matrix_norm(K, 2))
    require(abs(size - 1) < 1e-6, f"the largest eigenvalue has size {size:.3g}; make it 1.")
    edges = _smooth(16)[0, 0]
    slopes = torch.stack([edges.roll(-1, axis) - edges for axis in (0, 1)])[:, None]
    carried, stays = (
        momentum.mobility_gain(colour[None, :, None, None] * slopes, K) for colour in (moved, still)
    )
    told = f"it carries one {carried:.2f} and the other {stays:.2f} times as far"
    require(stays <= 1.1 <= carried, f"{told} as no rule. Which colour should the turn spare?")
    right(f"{told} as no rule does: the turn spares the edges of the one that stays.")


def _smooth(size: int) -> Tensor:
    """A smooth random periodic image (1, 1, size, size)."""
    rate = torch.fft.fftfreq(size).double() * size
    damping = torch.exp(-(rate[:, None] ** 2 + rate**2) / 8)
    return torch.fft.ifft2(torch.fft.fft2(normal(1, 1, size, size)) * damping).real
