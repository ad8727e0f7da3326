"""Creatures on canvases that swim along their own axes, by a local rule made of convolutions.

The flow of poses that swim, see `poses.swim`, with log p = sum_ij sum_k f_k(r_ij) cos k(t_i - t_j),
t the headings.  Vectors are complex here, right + i up.  With a sharp peak m on each creature of
what the denoiser D(x) shows, and z = exp(i t) read from its colours, a creature of heading z at r
feels log p = Re sum_k z^k (f_k * (m conj(z)^k))(r).  Velocities are read at the peaks and handed to
bodies as (G * (m v)) / (G * m), so that each moves rigidly: D(x) is moved, the noise stays.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import map_coordinates
from torch import Tensor

from eqflow_nb.inputs import InputError, as_images, between, positive

# In diameters of a creature:
SMOOTH = 0.3  # the blur that makes one hill of its ink
AROUND = 0.3  # how far from its peak it is the same hill
MIDDLE = 0.2  # within which a creature's velocity is read
BODY = 0.12  # how sharply one body's motion ends where another's begins
CORE = 0.5  # how near it feels nobody but itself, which is nothing
PALE = 0.01  # the share of the largest |D - paper|^2 that is half as much ink
POWER = 64  # of a hill, which makes a sharp peak
FAINT = 0.75  # the share of a creature's ink below which it is none
LONGEST = 0.5  # pixels in a step
TURN = 0.15  # radians in a part of a step


class Anatomy(NamedTuple):
    """How to read off clean canvases (B, C, H, W) where creatures are and which way they look.

    theta is the angle of sum_c w_c grad(G * D_c), w the complex `weights` (C,), G a Gaussian of .3
    diameters.  `contrast` is a creature's largest |D - paper|^2, `hill` its blurred ink in its
    middle, `spread` the variance of a peak, pixels^2, and `peak` what it would sum to.  `cosine` is
    the mean one between headings told and read.
    """

    paper: Tensor
    diameter: float
    weights: Tensor
    contrast: float
    hill: float
    cosine: float
    peak: float = 1.0
    spread: float = 0.0

    def peaks(self, clean: Tensor) -> Tensor:
        """A sharp peak (B, H, W), of sum 1, on each creature: S^64 of its hill S of blurred ink."""
        hill = _hills(clean, self.paper, self.diameter, self.contrast) / self.hill
        sharp = hill.clamp(min=0) ** POWER
        radius = AROUND * self.diameter
        near, _ = _gaussian(tuple(hill.shape[-2:]), radius)
        around = math.tau * radius**2 * _filtered(sharp, near).real
        whole = torch.sigmoid(40 * (hill - FAINT))
        return whole * sharp / (around.clamp(min=0) + 1e-12) / self.peak

    def headings(self, clean: Tensor) -> Tensor:
        """z = exp(i theta) (B, H, W), which holds in the middle of each creature."""
        weights = self.weights.to(clean.device)
        arrows = _arrows(torch.einsum("bchw,c->bhw", clean.to(weights), weights), self.diameter)
        return arrows / arrows.abs().clamp(min=1e-12)


def read_anatomy(
    clean: Tensor, centres: Tensor, headings: Tensor, paper: Tensor, diameter: float
) -> Anatomy:
    """Learn, by least squares, to read headings (B, n), radians anticlockwise, that are told."""
    # Canvases are (B, C, H, W) on `paper` (C,), centres (B, n, 2) in pixels down and right.
    clean, diameter = as_images(clean, "clean"), positive(diameter, "diameter")
    if diameter < 4 or diameter > min(clean.shape[2:]) / 3:
        limit = f"a third of the canvas, {min(clean.shape[2:]) / 3:g}"
        raise InputError(f"diameter is {diameter:g} pixels; it must be at least 4, at most {limit}")
    if centres.shape != (len(clean), *headings.shape[1:], 2) or len(headings) != len(clean):
        shapes, n = f"{tuple(centres.shape)} and {tuple(headings.shape)}", len(clean)
        needed = f"{n} canvases need ({n}, n, 2) and ({n}, n)"
        raise InputError(f"centres and headings have shapes {shapes}; {needed}")
    if (most := float(headings.abs().max())) > 2 * math.tau:
        hint = "these look like degrees, which torch.deg2rad turns into radians"
        raise InputError(f"headings go up to {most:.0f}: {hint}")
    sizes = torch.tensor(clean.shape[2:])
    down, right = (centres.round().long() % sizes).unbind(-1)
    sheet = torch.arange(len(clean))[:, None].expand_as(down)
    away = (clean - paper[:, None, None].to(clean)).square().sum(1)
    contrast = float(away.amax((1, 2)).mean())
    hill = float(_hills(clean, paper, diameter, contrast)[sheet, down, right].mean())
    seen = _arrows(clean.double(), diameter)[sheet, :, down, right].flatten(0, 1)
    told = torch.polar(torch.ones_like(headings.double()), headings.double()).flatten()
    ridge = 1e-6 * seen.abs().square().sum() / seen.shape[1] * torch.eye(seen.shape[1])
    weights = torch.linalg.solve(seen.mH @ seen + ridge, seen.mH @ told)
    read = seen @ weights
    cosine = float(((read / read.abs().clamp(min=1e-12)) * told.conj()).real.mean())
    if not cosine > 0.9:
        hint = "A disc has no front: give it one off its middle, such as an eye or a tail"
        fault = f"the mean cosine with those told is {cosine:.2f}"
        raise InputError(f"headings can't be read: {fault}.  {hint}")
    anatomy = Anatomy(paper, diameter, weights, contrast, hill, cosine)
    found = float(anatomy.peaks(clean).sum()) / (n := centres[..., 0].numel())
    if not 0.9 < found < 1.15:
        fault = f"they touch, or are in pieces; {n} were told and {found * n:.0f} are found"
        raise InputError(f"creatures can't be told apart: {fault}.  Give some that keep apart")
    # A hill exp(-r^2 / 2 w^2) to the power 64 has the variance w^2 / 64; its curvature tells w.
    size = tuple(clean.shape[2:])
    bent = _slope(size).abs() ** 2 * _gaussian(size, SMOOTH * diameter)[0]
    bend = _filtered(_ink(clean, paper, contrast), bent).real[sheet, down, right].mean()
    spread = 2 * hill / float(bend) / POWER
    return anatomy._replace(peak=found, spread=spread)


class Swimming:
    """Creatures that swim at u pixels per time, and turn as `terms` f_k(r) of log p say, if any."""

    def __init__(
        self, anatomy: Anatomy, terms: Sequence[Callable[[Tensor], Tensor]], u: float = 1.0
    ) -> None:
        self.anatomy, self.terms = anatomy, list(terms)
        self.u = between(u, "u", -math.inf, math.inf)
        core = CORE * anatomy.diameter

        def kernels(k: int, size: tuple[int, ...]) -> Tensor:
            """Coefficients of f_k, of its slope, and of the conjugate of the conjugate's slope."""
            kernel = torch.fft.fft2(terms[k](_gaps(size).abs().clamp(min=core)) + 0j)
            return torch.stack([kernel, _slope(size) * kernel, -_slope(size).conj() * kernel])

        self._kernels = cache(kernels)

    def motion(self, clean: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Velocities (B, 2, H, W), pixels down and right, turning rates, and peaks (B, H, W)."""
        size = tuple(clean.shape[-2:])
        m, z = self.anatomy.peaks(clean), self.anatomy.headings(clean)
        gradient, by_angle = torch.zeros_like(z), torch.zeros_like(m)
        for k in range(len(self.terms)):
            felt = _filtered((m * z.conj() ** k)[:, None], self._kernels(k, size))
            felt, slope, mirrored = felt.unbind(1)
            gradient = gradient + (z**k * slope + (z**k * mirrored).conj()) / 2
            by_angle = by_angle - k * (z**k * felt).imag
        turning = (z.conj() * gradient).imag
        forwards = z * (1 - 1j * by_angle)
        # One value for each creature, its peak's mean; then handed to all of its body.
        near, _ = _gaussian(size, MIDDLE * self.anatomy.diameter)
        both = _filtered(torch.complex(m, m * turning), near)  # as a blur is real, both stay apart
        shares = both.real.clamp(min=0) + 1e-10
        forwards, turning = _filtered(m * forwards, near) / shares, both.imag / shares
        radius = BODY * self.anatomy.diameter
        body, offsets = _gaussian(size, radius)
        lever = 1 + self.anatomy.spread / radius**2  # a peak is not quite sharp
        both = _filtered(torch.complex(m, m * turning), body)
        shares = both.real.clamp(min=0) + 1e-10
        turned = 1j * lever * _filtered(m * turning, offsets)
        velocity = self.u * (_filtered(m * forwards, body) + turned) / shares
        return torch.stack([-velocity.imag, velocity.real], 1), self.u * both.imag / shares, m

    def carried(self, clean: Tensor, dt: float) -> Tensor:
        """Clean canvases (B, C, H, W) after a time dt, in parts where a creature turns fast."""
        if abs(self.u * dt) > LONGEST:
            found = f"u is {self.u:g} pixels per time, over {LONGEST} pixels in a step of {dt:g}"
            raise InputError(f"{found}; with this step u may be {LONGEST / dt:.3g} at most")
        motion, turning, m = self.motion(clean)
        fastest = float((turning.abs() * (m > 0.01)).max()) * abs(dt)
        if fastest > TURN:
            return self.carried(self.carried(clean, dt / 2), dt / 2)
        # The midpoint rule: by Euler's, flocks of the poses' own flow lose their order.
        return moved(clean, dt * self.motion(moved(clean, dt / 2 * motion))[0])


def moved(x: Tensor, way: Tensor) -> Tensor:
    """Periodic images (B, C, H, W), cubic splines, moved by (B, 2, H, W), pixels down and right."""
    places = np.indices(x.shape[-2:]) - way.cpu().double().numpy()
    read = [
        [map_coordinates(colour, at, order=3, mode="grid-wrap") for colour in image]
        for image, at in zip(x.cpu().numpy(), places, strict=True)
    ]
    return torch.from_numpy(np.array(read)).to(x)


def _ink(clean: Tensor, paper: Tensor, contrast: float) -> Tensor:
    """Ink (B, H, W), from 0 to 1: pale and dark parts of a creature count about as much."""
    away = (clean.double() - paper.to(clean).double()[:, None, None]).square().sum(1)
    return away / (away + PALE * contrast)


def _hills(clean: Tensor, paper: Tensor, diameter: float, contrast: float) -> Tensor:
    bump, _ = _gaussian(tuple(clean.shape[-2:]), SMOOTH * diameter)
    return _filtered(_ink(clean, paper, contrast), bump).real


def _arrows(clean: Tensor, diameter: float) -> Tensor:
    """grad(G * D) (..., H, W), complex, of each colour."""
    size = tuple(clean.shape[-2:])
    return _filtered(clean, _slope(size) * _gaussian(size, SMOOTH * diameter)[0])


def _filtered(x: Tensor, symbol: Tensor) -> Tensor:
    return torch.fft.ifft2(symbol.to(x.device) * torch.fft.fft2(x))


@cache
def _gaps(size: tuple[int, ...]) -> Tensor:
    """The way (H, W), complex, to each pixel from the first one, on a periodic canvas."""
    down, right = ((torch.arange(n).double() + n // 2) % n - n // 2 for n in size)
    return torch.complex(right.expand(size), -down[:, None].expand(size))


@cache
def _gaussian(size: tuple[int, ...], radius: float) -> tuple[Tensor, Tensor]:
    """Coefficients of a Gaussian of sum 1, right in its tails, and of it times the way (H, W)."""
    bump = torch.exp(-((_gaps(size).abs() / radius) ** 2) / 2)
    return torch.fft.fft2(bump / bump.sum()), torch.fft.fft2(bump / bump.sum() * _gaps(size))


@cache
def _slope(size: tuple[int, ...]) -> Tensor:
    """What d/dright + i d/dup multiplies coefficients (H, W) by."""
    waves = [torch.fft.fftfreq(n, dtype=torch.float64) for n in size]
    # A wave of two pixels has no slope at its pixels.
    down, right = (math.tau * torch.where(k.abs() < 0.5, k, 0) for k in waves)
    return torch.complex(down[:, None].expand(size), right.expand(size))
