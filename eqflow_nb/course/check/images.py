"""Checks of the exercises on images and creatures: chapters 03 and 04."""

import math
from typing import Any

import torch
from torch import Tensor

from eqflow_nb import flows, measures
from eqflow_nb.course.check import base
from eqflow_nb.course.check.base import ask, expect, normal, require, right, uniform


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
    rate = torch.fft.fftfreq(48).double() * 48
    damping = torch.exp(-(rate[:, None] ** 2 + rate**2) / 8)
    x = torch.fft.ifft2(torch.fft.fft2(normal(1, 1, 48, 48)) * damping).real  # a smooth sheet
    v = flows.kernels.convolution(flows.kernels.symbol(K, (48, 48)), torch.neg)(x)
    slopes = torch.stack([(x.roll(-1, a) - x.roll(1, a)).flatten() / 2 for a in (2, 3)], 1)
    down, across = (-torch.linalg.lstsq(slopes, v.flatten()[:, None]).solution[:, 0]).tolist()
    off = math.degrees(math.atan2(down, across) - angle + math.pi) % 360 - 180
    words = f"your sheet drifts {abs(off):.0f} degrees away from the direction asked for."
    require(abs(off) < 5, words)
    alike = measures.similarity(v, -(slopes @ direction).reshape(v.shape))
    require(alike > 0.98, f"the sheet drifts, but is torn: similarity to a pure drift {alike:.3f}.")
    right("a derivative is a skew kernel: drifting is the motion that a sheet without marks hides.")


def turns_away(turning: Any) -> None:
    """04: `turning(theta, bearing, u, slope)`, of a creature beside one neighbour, by rule (1)."""
    theta, bearing, u, slope = uniform(0, 6), uniform(0, 6), uniform(0.5, 2), uniform(0.1, 1)
    want = -u * slope * math.sin(bearing - theta)
    ahead = "that is how fast it would be pushed ahead; only what lies across the heading turns it."
    mistakes = {
        "you turn it towards the neighbour: log p rises *away* from it.": -want,
        ahead: -u * slope * math.cos(bearing - theta),
        "angles count from the heading: bearing minus theta.": -u * slope * math.sin(bearing),
        "a wish of twice the speed turns twice as fast: u is missing.": want / u,
    }
    expect(want, turning, "turning", theta, bearing, u, slope, mistakes=mistakes)
    right("one on the left makes it turn right. One dead ahead or behind makes it turn not at all.")


def steers_a_pair(velocity: Any) -> None:
    """04: `velocity(q, other, u)` of q = (x, y, theta), for the log p of the exercise."""
    q, other, u = 1.2 * normal(3), 1.2 * normal(3), uniform(0.5, 2)
    q.requires_grad_(True)
    gap = other - q
    log_p = torch.exp(-gap[:2].square().sum() / 2) * gap[2].cos()
    (s,) = torch.autograd.grad(log_p, q)
    theta = q.detach()[2]
    e, a = u * torch.stack([theta.cos(), theta.sin()]), u * torch.stack([theta.sin(), -theta.cos()])
    want = torch.cat([e + a * s[2], -(a @ s[:2])[None]])
    straight, unaligned = torch.cat([e, torch.zeros(1).double()]), torch.cat([e, want[2:]])
    mistakes = {
        "it swims without steering: the terms with the score are missing.": straight,
        "its place also feels the alignment: a d log p / d theta is missing.": unaligned,
        "the turn has the wrong sign: A is skew.": torch.cat([want[:2], -want[2:]]),
    }
    expect(want, velocity, "velocity", q.detach(), other, u, mistakes=mistakes)
    right("the same three lines serve any log p; nothing in them was fitted but u.")


def makes_a_mill(sheet: Any) -> None:
    """04: `sheet(n, rate, omega)`, places (n, 2) that turn rigidly under the wish to circle."""
    n, rate, omega = 20_000, uniform(0.2, 2), -uniform(1, 9)
    x = ask(sheet, "sheet", n, rate, omega, shape=(n, 2))
    x = x - x.mean(0)
    require(bool((x.std(0) > 1e-6).all()), "your creatures all stand in one place, or in a line.")
    spread = x.T @ x / n
    found = -omega * float(torch.linalg.inv(spread).diagonal().mean())
    off = float((spread / spread.diagonal().mean() - torch.eye(2).double()).abs().max())
    require(off < 0.06, "your cloud is longer one way than the other: its orbits are ellipses.")
    tails = float((x.square().sum(1) ** 2).mean() / spread.trace() ** 2)  # 2 for a Gaussian
    words = f"it turns {found:.2f} rad per time, and should turn {rate:.2f}. What is its score?"
    require(abs(tails - 2) < 0.12, "outer and inner ones turn at different rates: no wheel.")
    require(abs(found / rate - 1) < 0.06, words)
    right("a score in proportion to the place turns all at one rate: the Gaussian is the wheel.")


def mean_push(push: Any) -> None:
    """04: `push(K, H)`, the mean of grad q . K s for a q with the Hessian H, and any matrix K."""
    K, H = normal(4, 4), normal(4, 4)
    H = (H + H.T) / 2
    want = -(K * H).sum()
    lost = "without the product by parts nothing is left: s has mean 0, s times grad q hasn't."
    mistakes = {
        "the sign: integrating by parts costs a minus.": -want,
        lost: torch.zeros(()).double(),
    }
    expect(want, push, "push", K, H, mistakes=mistakes)
    right("zero for a skew K, as a Hessian is symmetric: on average a constant rule moves nothing.")


def pursues(wish: Any) -> None:
    """04, open: `wish(q, s)` (B, 2, 2) of a pursuer and its prey on a plane, which keeps any p."""
    weights, centres = normal(6), 1.5 * normal(6, 4)

    def score(q: Tensor) -> Tensor:
        x = q.detach().flatten(1).requires_grad_(True)
        waves = (weights * (x @ centres.T).sin()).sum() - x.square().sum() / 2
        return torch.autograd.grad(waves, x)[0].view(q.shape)

    q = normal(200, 2, 2)
    s = score(q)
    v = ask(wish, "wish", q, s, shape=(200, 2, 2))
    base.moving(v.flatten(1), "your wish")
    leak, h = (v * s).sum((1, 2)), 1e-5
    for i in range(4):
        e = torch.zeros(4).double()
        e[i] = h
        e = e.view(2, 2)
        ahead, behind = (base.call(wish, "wish", at, score(at)) for at in (q + e, q - e))
        leak = leak + ((ahead - behind) / (2 * h)).flatten(1)[:, i]
    share = float(leak.square().mean().sqrt() / v.square().sum((1, 2)).mean().sqrt())
    require(share < 1e-3, f"it leaks {share:.2g} of its speed. Is A skew, and where is div A?")
    gap = q[:, 1] - q[:, 0]
    free = base.call(wish, "wish", q, torch.zeros_like(q)).double()
    towards, away = (float((free[:, k] * gap).sum(1).mean()) for k in (0, 1))
    require(towards > 0, "with no distribution to keep, your pursuer doesn't go for its prey.")
    require(away > 0, "with no distribution to keep, your prey doesn't flee.")
    right("whatever the two do on the sheets, they will go on doing it while one hunts the other.")
