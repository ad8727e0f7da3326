"""Laws of images on a periodic grid: their terms, their velocity, and following them.

A term is a monomial of the channels, by itself or times an operator on one of them, in one of the
equations: u^2 v, lap u, u lap v, |grad u|^2.  Lengths are in grid spacings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eqflow_nb.equations.moments import Exponents, exponents
from eqflow_nb.inputs import InputError, choice, count, positive

STENCILS = ("five", "nine", "spectral")
OPERATORS = ("lap", "grad2")
LIBRARIES = ("local", "gradients", "rich")
MOST = 100  # monomials


@dataclass(frozen=True)
class FieldTerm:
    """One term of a law of images.

    Attributes
    ----------
    equation : int
        Which channel's equation it stands in, from 0.
    powers : tuple of int (C,)
        The exponents of its monomial over the channels.
    operator : str or None
        What the monomial is multiplied with: "lap", the Laplacian, or "grad2", the squared
        gradient, of channel `channel`; None for nothing.
    channel : int or None
    """

    equation: int
    powers: Exponents
    operator: str | None = None
    channel: int | None = None

    @property
    def function(self) -> tuple[Exponents, str | None, int | None]:
        """The term without its equation."""
        return self.powers, self.operator, self.channel

    def text(self, names: Sequence[str]) -> str:
        """How a reader would write it, given the channels' names, such as "u^2*v" or "lap(u)"."""
        factors = [
            n if p == 1 else f"{n}^{p}" for n, p in zip(names, self.powers, strict=True) if p
        ]
        if self.operator is not None and self.channel is not None:
            name = names[self.channel]
            factors.append(f"lap({name})" if self.operator == "lap" else f"|grad({name})|^2")
        return "*".join(factors) or "1"


def library(
    channels: int, degree: int = 3, kind: str = "local", channel: int | None = None
) -> list[FieldTerm]:
    """All terms of a library, equation by equation, each with the same functions.

    Parameters
    ----------
    channels : int
    degree : int
        Of the monomials.
    kind : str
        "local": the monomials, and the Laplacian of each channel.  "gradients": also each channel's
        squared gradient.  "rich": also both of these times each channel.
    channel : int, optional
        The only equation that is wanted.
    """
    choice(kind, LIBRARIES, "library")
    channels, degree = count(channels, "channels"), count(degree, "degree", at_least=0)
    if math.comb(channels + degree, channels) > MOST:
        raise InputError(
            f"degree {degree} in {channels} channels means "
            f"{math.comb(channels + degree, channels):,} monomials; at most {MOST} can be told "
            "apart, so use a lower degree"
        )
    zero = (0,) * channels
    functions: list[tuple[Exponents, str | None, int | None]] = [
        (e, None, None) for e in exponents(channels, degree)
    ]
    operators = OPERATORS[: 1 if kind == "local" else 2]
    factors = [zero] if kind != "rich" else list(exponents(channels, 1))
    functions += [(e, o, c) for o in operators for e in factors for c in range(channels)]
    equations = range(channels) if channel is None else [channel]
    return [FieldTerm(i, *f) for i in equations for f in functions]


def laplacian(x: Tensor, stencil: str = "five") -> Tensor:
    """The Laplacian of images (..., C, H, W) or lines (..., C, L), periodic, grid spacing 1.

    Parameters
    ----------
    x : Tensor (B, C, H, W) or (B, C, L)
    stencil : str
        "five" points, as most simulations have it; "nine" points, alike in all directions up to
        fourth order; "spectral", exact for what the grid resolves.  On a line the first two are
        the same three points.
    """
    axes = tuple(range(2, x.ndim))
    if stencil == "spectral":
        square = sum(_wavenumbers(x, axis) ** 2 for axis in axes)
        return torch.fft.ifftn(torch.fft.fftn(x, dim=axes) * -square, dim=axes).real
    total = -2.0 * len(axes) * x
    for axis in axes:
        total = total + x.roll(1, axis) + x.roll(-1, axis)
    if stencil == "nine" and len(axes) == 2:
        corners = sum(x.roll((i, j), axes) for i in (1, -1) for j in (1, -1))
        near = total + 4.0 * x
        total = (4.0 * near + corners - 20.0 * x) / 6.0
    return total


def squared_gradient(x: Tensor, stencil: str = "five") -> Tensor:
    """|grad x|^2 of images or lines, channel by channel, by central differences or spectrally."""
    axes = range(2, x.ndim)
    if stencil == "spectral":
        hat = {a: torch.fft.fft(x, dim=a) * 1j * _wavenumbers(x, a, odd=True) for a in axes}
        return torch.stack([torch.fft.ifft(hat[a], dim=a).real ** 2 for a in axes]).sum(0)
    return torch.stack([((x.roll(-1, a) - x.roll(1, a)) / 2) ** 2 for a in axes]).sum(0)


def _wavenumbers(x: Tensor, axis: int, odd: bool = False) -> Tensor:
    """Radians per grid spacing along an axis, shaped to multiply with x's Fourier transform.

    An odd derivative of the highest wave of an even grid is 0, being both of its signs at once.
    """
    k = 2 * math.pi * torch.fft.fftfreq(x.shape[axis], dtype=x.dtype, device=x.device)
    if odd and len(k) % 2 == 0:
        k[len(k) // 2] = 0
    return k.reshape([-1 if a == axis else 1 for a in range(x.ndim)])


def powers(x: Tensor, degree: int) -> dict[Exponents, Tensor]:
    """All monomials up to a degree of the channels of x (B, C, ...), each (B, ...)."""
    known: dict[Exponents, Tensor] = {}
    for e in exponents(x.shape[1], degree):
        if not any(e):
            known[e] = torch.ones_like(x[:, 0])
            continue
        i = next(i for i, power in enumerate(e) if power)
        known[e] = known[(*e[:i], e[i] - 1, *e[i + 1 :])] * x[:, i]
    return known


def functions_of(
    x: Tensor,
    functions: Sequence[tuple[Exponents, str | None, int | None]],
    stencil: str = "five",
    operand: Tensor | None = None,
) -> Tensor:
    """The values (B, F, ...) at each pixel of the functions of terms, for images x (B, C, ...).

    The operators are taken of `operand`, of the shape of x, instead of x if it is given.
    """
    known = powers(x, max((sum(e) for e, _, _ in functions), default=0))
    needed = {operator for _, operator, _ in functions if operator}
    operated = {o: _operate(x if operand is None else operand, o, stencil) for o in needed}
    values = []
    for e, operator, channel in functions:
        value = known[e]
        values.append(value * operated[operator][:, channel] if operator else value)
    return torch.stack(values, 1)


def _operate(x: Tensor, operator: str, stencil: str) -> Tensor:
    return laplacian(x, stencil) if operator == "lap" else squared_gradient(x, stencil)


class FieldVelocity:
    """The velocity of a law of images, in their own units: a callable of tensors or arrays.

    Parameters
    ----------
    law : mapping of FieldTerm to float
        The coefficients, in the images' own units; terms left out are zero.
    stencil : str
        Of the Laplacian: one of `STENCILS`.

    Raises
    ------
    InputError
        If there is no term, or no such stencil.
    """

    def __init__(self, law: Mapping[FieldTerm, float], stencil: str = "five") -> None:
        self.law = {term: float(c) for term, c in law.items() if c}
        if not self.law:
            raise InputError("law has no terms; give at least one with a coefficient other than 0")
        self.stencil = choice(stencil, STENCILS, "stencil")
        self.channels = len(next(iter(self.law)).powers)
        self.functions = list(dict.fromkeys(term.function for term in self.law))
        self.table = np.zeros((self.channels, len(self.functions)))
        for term, c in self.law.items():
            self.table[term.equation, self.functions.index(term.function)] = c

    def __call__(self, x: Any) -> Any:
        """dx/dt (B, C, H, W) or (B, C, L) of images or lines x, of their own type."""
        known = isinstance(x, Tensor)
        state = x if known else torch.as_tensor(np.asarray(x))
        if state.ndim not in (3, 4) or state.shape[1] != self.channels:
            raise InputError(
                f"x has shape {tuple(state.shape)}; the law is of (B, {self.channels}, H, W) or "
                f"(B, {self.channels}, L)"
            )
        state = state if state.is_floating_point() else state.double()
        values = functions_of(state, self.functions, self.stencil)
        table = torch.as_tensor(self.table).to(values)
        change = torch.einsum("cf,bf...->bc...", table, values)
        return change if known else change.numpy()

    def diffusion(self) -> np.ndarray:
        """The matrix (C, C) of the coefficients of the plain Laplacians."""
        found = np.zeros((self.channels, self.channels))
        for term, c in self.law.items():
            if term.operator == "lap" and not any(term.powers):
                found[term.equation, term.channel] = c
        return found

    def arrow(self) -> int:
        """The sign of time in which no wavelength is amplified without bound: 1, -1, or 0 if none.

        Diffusion smooths: run backwards, the shortest waves grow fastest.  That decides the arrow
        where stationarity cannot.
        """
        rates = np.linalg.eigvals(self.diffusion()).real
        if np.all(rates >= 0) and np.any(rates > 0):
            return 1
        return -1 if np.all(rates <= 0) and np.any(rates < 0) else 0

    def longest_step(self, axes: int = 2) -> float:
        """The longest explicit step at which diffusion alone is stable; 0 if at none."""
        if self.arrow() < 0:
            return 0.0
        most = {"five": 4.0 * axes, "nine": 4.0 * axes, "spectral": math.pi**2 * axes}
        rates = np.linalg.eigvals(self.diffusion())
        steps = [2 * r.real / abs(r) ** 2 for r in rates if abs(r) > 0]
        return max(0.0, min(steps, default=math.inf) / most[self.stencil])


def simulate(
    law: FieldVelocity | Mapping[FieldTerm, float],
    x: Any,
    steps: int,
    dt: float = 1.0,
    every: int = 1,
) -> Iterator[Any]:
    """Follow a law from images x by explicit Euler steps, on a grid of any size.

    Parameters
    ----------
    law : FieldVelocity, or mapping of FieldTerm to float
    x : Tensor or array (B, C, H, W) or (B, C, L)
        The starting states, in the law's units, in floating point; they are not changed.
    steps : int
    dt : float
        The step, in the law's units of time.
    every : int
        How many steps lie between two states that are given out.

    Yields
    ------
    Tensor or array, shape of x
        The states, the start included, in the precision of x.

    Raises
    ------
    InputError
        At the first state, if a number is out of range or the step is too long for the law's
        diffusion; later, if the states run off to infinity.
    """
    field = law if isinstance(law, FieldVelocity) else FieldVelocity(law)
    steps, every, dt = count(steps, "steps", at_least=0), count(every, "every"), positive(dt, "dt")
    longest = field.longest_step(x.ndim - 2)
    if dt > longest:
        raise InputError(
            f"dt is {dt:g}, but this law's diffusion is stable in steps up to {longest:.3g}"
            + ("; turn the law's sign, since it runs backwards in time" if not longest else "")
        )
    yield x
    for step in range(1, steps + 1):
        x = x + dt * field(x)
        if step % every == 0 or step == steps:
            if not np.isfinite(float(x.sum())):
                raise InputError(f"the law runs off to infinity by t = {step * dt:g}; shorten dt")
            yield x
