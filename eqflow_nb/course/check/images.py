"""Checks of the exercises on images and creatures: chapters 03 and 04."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from eqflow_nb import flows, measures
from eqflow_nb.course.check import words
from eqflow_nb.course.check.words import Wrong, ask, close, covariance, generator, normal, right
from eqflow_nb.measures import momentum

KINDS = ((True, True), (True, False), (False, True), (False, False))


def makes_skew_kernel(skew_kernel: Any) -> None:
    """03: `skew_kernel(weights)` of any convolution weights."""
    weights = normal(2, 2, 3, 5)
    K = ask(skew_kernel, "skew_kernel", weights, shape=tuple(weights.shape))
    _skew_kernel(K)
    turned = weights.transpose(0, 1).flip(2, 3)
    twice = "your kernel is skew, but twice too large: one that is skew already should stay as is."
    close(K, (weights - turned) / 2, "skew_kernel(weights)", mistakes={twice: weights - turned})
    right("what a channel gives at a distance it takes back: such a rule keeps any law of images.")


def tells_kernels(kind: Any) -> None:
    """03: `kind(K)`, whether filters given for every wave are real, and whether they are skew."""
    fresh = generator()
    for real, skew in [*KINDS, *KINDS]:
        K = _filter(real, skew, fresh)
        got = ask(kind, "kind", K, shape=(2,))
        for name, told, true in zip(("real", "skew"), got.tolist(), (real, skew)):
            if bool(told) != true:
                isnt = "is" if true else "isn't"
                rule = {"real": "K[-k] = conj(K[k])", "skew": "K[k]^H = -K[k]"}[name]
                raise Wrong(f"a filter that {isnt} {name}: you say the opposite. Look at {rule}.")
    right("real pairs k with -k, skew pairs channels at the same k: two tests, both needed.")


def turning_rate(rate: Any) -> None:
    """03: `rate(C, sigma)`, how fast J s turns a wave with covariance C."""
    C, sigma = covariance(), words.number(0.3, 1)
    blurred = C + sigma**2 * torch.eye(2).double()
    J = flows.skew.from_entries(1.0).double()
    want = torch.linalg.eigvals(J @ torch.linalg.inv(blurred)).imag.abs().max()
    got = ask(rate, "rate", C, sigma, shape=())
    mistakes = {
        "you left out the blur, sigma^2 I.": torch.det(C) ** -0.5,
        "the other way round: strong waves turn slowly, since their score is faint.": 1 / want,
        "the determinant is the product of two eigenvalues: take its root.": want**2,
    }
    close(got, want, "rate(C, sigma)", mistakes=mistakes)
    right("faint waves would race; multiply by the root of det, and all turn at one rate.")


def spectral_score(score: Any) -> None:
    """03: `score(x, power, sigma)` of a periodic Gaussian sheet."""
    fresh = generator()
    power = torch.fft.fft2(normal(6, 6, fresh=fresh), norm="ortho").abs().square()
    x, sigma = normal(6, 6, fresh=fresh), words.number(0.5, 1, fresh)
    # The same, with the covariance of every two pixels written out.
    waves = torch.fft.fft2(torch.eye(36).reshape(36, 6, 6).double(), norm="ortho").reshape(36, 36)
    C = (waves.conj() @ torch.diag(power.flatten()).to(waves) @ waves.T).real
    blurred = C + sigma**2 * torch.eye(36).double()
    want = -torch.linalg.solve(blurred, x.flatten()).reshape(6, 6)
    got = ask(score, "score", x, power, sigma, shape=(6, 6))
    scaled = torch.fft.fft2(x)
    mistakes = {
        "you left out the blur: sigma^2 should be added to the power.": (
            -torch.fft.ifft2(scaled / power).real
        ),
        "sigma should be squared.": -torch.fft.ifft2(scaled / (power + sigma)).real,
        "you multiply by power + sigma^2; a strong wave pulls back weakly: divide.": (
            -torch.fft.ifft2(scaled * (power + sigma**2)).real
        ),
    }
    close(got, want, "score(...)", mistakes=mistakes)
    right("wave by wave the covariance is a number: a 36 by 36 system solved by two transforms.")


def drifts(kernel: Any) -> None:
    """03: `kernel(direction)`, a skew kernel under which a sheet drifts that way."""
    angle = words.number(0, 2 * math.pi)
    direction = torch.tensor([math.sin(angle), math.cos(angle)]).double()
    K = ask(kernel, "kernel", direction, shape=(1, 1, 3, 3))
    _skew_kernel(K)
    if not K.any():
        raise Wrong("your kernel is zero: nothing drifts.")
    x = _smooth(48)
    v = flows.kernels.convolution(K, lambda image: -image, (48, 48))(x)
    slopes = torch.stack([(x.roll(-1, a) - x.roll(1, a)).flatten() / 2 for a in (2, 3)], 1)
    down, across = (-torch.linalg.lstsq(slopes, v.flatten()[:, None]).solution[:, 0]).tolist()
    off = math.degrees(math.atan2(down, across) - angle + math.pi) % 360 - 180
    if abs(off) > 5:
        raise Wrong(
            f"your sheet drifts {abs(off):.0f} degrees away from the direction asked for, "
            f"{direction.tolist()} (down, right)."
        )
    ideal = -(slopes @ direction).reshape(v.shape)
    if (alike := measures.similarity(v, ideal)) < 0.98:
        raise Wrong(f"the sheet drifts, but is torn: similarity to a pure drift {alike:.3f}.")
    right("a derivative is a skew kernel: drifting is the motion that a sheet without marks hides.")


def spares_a_colour(rule: Any) -> None:
    """04: `rule(axis)`, the skew matrix that turns colours about an axis."""
    axis = normal(3)
    axis = axis / axis.norm()
    K = ask(rule, "rule", axis, shape=(3, 3))
    words.skew(K, "K")
    if (turned := float((K @ axis).norm())) > 1e-6:
        raise Wrong(f"the colour of the axis should not be turned: |K a| = {turned:.3g}, not 0.")
    close(K, momentum.about_axis(axis), "rule(axis)")
    right("in three colours every skew rule is a turn about one colour, which it spares.")


def keeps_unit_law(noise: Any) -> None:
    """04: `noise(E)`, the covariance that makes x -> E x + noise keep unit Gaussians."""
    E = normal(4, 4)
    E = E * words.number(0.5, 0.95) / torch.linalg.matrix_norm(E, 2)
    unit = torch.eye(4).double()
    N = ask(noise, "noise", E, shape=(4, 4))
    mistakes = {
        "the order matters: the cloud E x has the covariance E E^T.": unit - E.T @ E,
        "E E is not E E^T: transpose the second.": unit - E @ E,
        "that adds what E takes from x itself; covariances are of second order in E.": unit - E,
        "with unit noise the cloud grows: E x still has a variance of its own.": unit,
    }
    close(N, unit - E @ E.T, "noise(E)", mistakes=mistakes)
    right("noise gives back what the step takes, at any step: no small time step is needed.")


def long_run(diffusion: Any) -> None:
    """04: `diffusion(square, eta, omega)` of a velocity that fades and turns."""
    square, eta, omega = (words.number(0.5, 2) for _ in range(3))
    A = torch.tensor([[eta, -omega], [omega, eta]]).double()
    want = square * torch.linalg.inv(A)[0, 0]  # the integral of the velocity's correlation
    got = ask(diffusion, "diffusion", square, eta, omega, shape=())
    mistakes = {
        "that is right without turning; at omega > 0 paths curl up, and go less far.": (
            torch.tensor(square / eta).double()
        ),
        "2 D t is the mean square: yours is twice too large.": 2 * want,
    }
    close(got, want, "diffusion(...)", mistakes=mistakes)
    right(
        "little friction carries far, turning back doesn't: so a creature needs an unturned edge."
    )


def reads_exponent(exponent: Any) -> None:
    """04: `exponent(lags, squares)` of mean squared displacements that follow a power law."""
    lags = torch.logspace(0, 2, 12).double()
    for _ in range(2):
        alpha, factor = words.number(0.4, 2), words.number(2, 9)
        squares = factor * lags**alpha
        got = ask(exponent, "exponent", lags, squares, shape=())
        first = (squares.log()[1:] / lags.log()[1:]).mean()
        mistakes = {
            "the line in the log-log plot need not pass the origin: fit a slope.": first,
            "that is the slope of roots, half of what is asked.": torch.tensor(alpha / 2).double(),
        }
        close(got, torch.tensor(alpha).double(), "exponent(...)", 1e-4, mistakes)
    right("1 is diffusion, 2 a straight flight; between them something remembers for a while.")


def moves_one(rule: Any) -> None:
    """04: `rule(moved, still)`, which carries creatures of one edge colour and not the other."""
    fresh = generator()
    still, moved = normal(3, fresh=fresh), normal(3, fresh=fresh)
    still = still / still.norm()
    moved = moved - 0.7 * (moved @ still) * still  # never too near to the other
    moved = moved / moved.norm()
    K = ask(rule, "rule", moved, still, shape=(3, 3))
    words.skew(K, "K")
    if abs((size := float(torch.linalg.matrix_norm(K, 2))) - 1) > 1e-6:
        raise Wrong(f"the largest eigenvalue of your rule has size {size:.3g}; make it 1.")
    gains = {}
    for name, colour in (("moved", moved), ("still", still)):
        edges = _smooth(16)[0, 0]
        slopes = torch.stack([edges.roll(-1, axis) - edges for axis in (0, 1)])
        tangents = colour[None, :, None, None] * slopes[:, None]
        gains[name] = momentum.mobility_gain(tangents, K)
    told = f"it carries one {gains['moved']:.2f} and the other {gains['still']:.2f} times as far"
    if gains["still"] > 1.1 or gains["moved"] < 1.1:
        raise Wrong(f"{told} as no rule. Which colour should the turn spare?")
    right(f"{told} as no rule does: the turn spares the edges of the one that stays.")


def _skew_kernel(K: Tensor) -> None:
    """`Wrong` if a kernel (C, C, h, w) isn't skew, with the worst pair of entries."""
    excess = K + K.transpose(0, 1).flip(2, 3)
    if float(excess.abs().max()) > words.DIGITS * max(1.0, float(K.abs().max())):
        o, i, y, x = (
            int(n[0]) for n in torch.nonzero(excess.abs() == excess.abs().max(), as_tuple=True)
        )
        dy, dx = y - K.shape[2] // 2, x - K.shape[3] // 2
        raise Wrong(
            f"your kernel isn't skew: K[{o},{i}] at ({dy},{dx}) plus K[{i},{o}] at ({-dy},{-dx}) "
            f"is {float(excess[o, i, y, x]):.3g}, and should be 0."
        )


def _filter(real: bool, skew: bool, fresh: torch.Generator) -> Tensor:
    """A random filter (8, 2, 2) of waves on a ring of 8 pixels, real or not, skew or not."""
    kernel = torch.complex(normal(8, 2, 2, fresh=fresh), normal(8, 2, 2, fresh=fresh))
    K = torch.fft.fft(kernel.real if real else kernel, dim=0)
    return (K - K.mH) / 2 if skew else K


def _smooth(size: int) -> Tensor:
    """A smooth random periodic image (1, 1, size, size)."""
    waves = torch.fft.fft2(normal(1, 1, size, size))
    rate = torch.fft.fftfreq(size).double() * size
    return torch.fft.ifft2(waves * torch.exp(-(rate[:, None] ** 2 + rate**2) / 8)).real
