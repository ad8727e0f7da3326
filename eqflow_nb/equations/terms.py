"""Terms of equations: monomials, alone or times an operator on one channel, and a reader's own.

States are points (B, d), or periodic images (B, C, H, W) or lines (B, C, L): points are images
without axes, and their coordinates are the channels.  Lengths are in grid spacings.
"""

import functools
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eqflow_nb.inputs import InputError, choice

Exponents = tuple[int, ...]
OPERATORS = ("lap", "grad2")
LIBRARIES = ("local", "gradients", "rich")
MOST = 100  # monomials of a library for images


@functools.cache
def exponents(dim: int, degree: int) -> tuple[Exponents, ...]:
    """The exponents of all monomials in `dim` variables up to `degree`, lowest degree first."""
    factors = (itertools.combinations_with_replacement(range(dim), n) for n in range(degree + 1))
    return tuple(tuple(each.count(i) for i in range(dim)) for n in factors for each in n)


def lower(e: Exponents, i: int) -> Exponents:
    """The exponents of the monomial divided by its i-th variable."""
    return (*e[:i], e[i] - 1, *e[i + 1 :])


def monomials(x: np.ndarray, degree: int) -> np.ndarray:
    """The values (B, M, ...) of the M monomials of `exponents` at states (B, C, ...)."""
    known = exponents(x.shape[1], degree)
    at = {e: k for k, e in enumerate(known)}
    values = np.ones((len(known), len(x), *x.shape[2:]), x.dtype)
    columns = np.ascontiguousarray(np.moveaxis(x, 1, 0))
    for k, e in enumerate(known[1:], 1):
        i = next(i for i, power in enumerate(e) if power)
        np.multiply(values[at[lower(e, i)]], columns[i], out=values[k])
    return np.moveaxis(values, 0, 1)


@dataclass(frozen=True)
class Term:
    """One term of an equation, which is -1 for the diffusion D of noise in the dynamics.

    It is a monomial by its exponents, times "lap", the Laplacian, or "grad2", the squared gradient,
    of a channel or not; or it is an extra function, by what the reader calls it, such as "sin(x)".
    """

    equation: int
    powers: Exponents
    operator: str | None = None
    channel: int | None = None
    extra: str | None = None

    def text(self, names: Sequence[str]) -> str:
        """The term as a reader writes it, such as "x*y^2" or "u*lap(v)"; "1" for the constant."""
        if self.equation < 0 or self.extra is not None:
            return self.extra or "D"
        powers = zip(names, self.powers, strict=True)
        factors = [name if power == 1 else f"{name}^{power}" for name, power in powers if power]
        if self.operator is not None and self.channel is not None:
            name = names[self.channel]
            factors.append(f"lap({name})" if self.operator == "lap" else f"|grad({name})|^2")
        return "*".join(factors) or "1"


def library(
    channels: int, degree: int, kind: str | None = None, extras: Sequence[str] = ()
) -> list[Term]:
    """All monomials up to a degree and a reader's own functions, the same in each equation.

    For images there is also a `kind`.  "local": with the Laplacian of each channel.  "gradients":
    also each channel's squared gradient.  "rich": also both of these times each channel.
    """
    functions = [Term(0, e) for e in exponents(channels, degree)]
    if kind is not None:
        choice(kind, LIBRARIES, "library")
        if len(functions) > MOST:
            raise InputError(
                f"degree {degree} in {channels} channels means {len(functions):,} monomials; at "
                f"most {MOST} can be told apart, so use a lower degree"
            )
        operators = OPERATORS[: 1 if kind == "local" else 2]
        factors = exponents(channels, 1 if kind == "rich" else 0)
        functions += [Term(0, e, o, c) for o in operators for e in factors for c in range(channels)]
    functions += [Term(0, (0,) * channels, extra=name) for name in extras]
    return [replace(each, equation=i) for i in range(channels) for each in functions]


def units_of(terms: Sequence[Term], scale: np.ndarray, rms: np.ndarray) -> np.ndarray:
    """Factors (K,) from coefficients of functions of x / scale, over rms (F,), to the reader's."""
    units = np.ones(len(terms))
    for k, term in enumerate(terms):
        if term.equation >= 0:
            units[k] = scale[term.equation] / rms[k % len(rms)] / np.prod(scale**term.powers)
        if term.operator is not None:
            units[k] /= scale[term.channel] ** {"lap": 1, "grad2": 2}[term.operator]
    return units


def slopes_of(terms: Sequence[Term]) -> np.ndarray:
    """Matrices (d, K, K) from the coefficients of v to those of its derivative along each axis."""
    at = {term: k for k, term in enumerate(terms)}
    slopes = np.zeros((len(terms[0].powers), len(terms), len(terms)))
    for (k, term), i in itertools.product(enumerate(terms), range(len(slopes))):
        if term.extra is None and term.powers[i]:
            slopes[i, at[replace(term, powers=lower(term.powers, i))], k] = term.powers[i]
    return slopes


def shift(slopes: np.ndarray, by: np.ndarray) -> np.ndarray:
    """The matrix (K, K) from the coefficients of v(x) to those of v(x + by), by (d,).

    v(x + by) = exp(by . d/dx) v(x), a finite sum for polynomials.
    """
    step = np.tensordot(by, slopes, 1)
    total, power, n = np.eye(len(step)), step, 1
    while power.any():
        total, n = total + power, n + 1
        power = power @ step / n
    return total


def find(asked: str, terms: Sequence[Term], names: Sequence[str]) -> int | None:
    """The number of the term a reader means by "y*x", or by "1:y*x" in equation 1."""

    def factors(text: str) -> list[str]:
        return sorted(re.sub(r"\s|\*\*", lambda m: "^" if m[0] == "**" else "", text).split("*"))

    where, _, text = asked.rpartition(":")
    there = (k for k, term in enumerate(terms) if where in ("", str(term.equation)))
    return next((k for k in there if factors(text) == factors(terms[k].text(names))), None)


def evaluate(
    terms: Sequence[Term], x: np.ndarray, extras: Mapping[str, np.ndarray] | None = None,
    operand: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """Values (B, F, ...) of terms at x (B, C, ...), with operators of `operand`, if it is given."""
    degree = max((sum(t.powers) for t in terms), default=0)
    known = dict(zip(exponents(x.shape[1], degree), np.moveaxis(monomials(x, degree), 1, 0)))
    operand = x if operand is None else operand
    operations = {"lap": laplacian, "grad2": squared_gradient}
    operated = {o: operations[o](operand) for o in {t.operator for t in terms if t.operator}}
    values = []
    for term in terms:
        value = known[term.powers] if term.extra is None else (extras or {})[term.extra]
        if term.operator is not None:
            value = value * operated[term.operator][:, term.channel]
        values.append(value)
    return np.stack(values, 1)


def velocity(
    coefficients: Mapping[Term, float], x: np.ndarray,
    extras: Mapping[str, np.ndarray] | None = None,
) -> np.ndarray:  # fmt: skip
    """dx/dt (B, C, ...) at states x (B, C, ...), in their precision; D is left out."""
    functions: dict[Term, int] = {}
    table = np.zeros((x.shape[1], len(coefficients)), x.dtype)
    for term, c in coefficients.items():
        if term.equation >= 0:
            at = functions.setdefault(replace(term, equation=0), len(functions))
            table[term.equation, at] = c
    if not functions:
        return np.zeros_like(x)
    values = evaluate(list(functions), x, extras)
    return np.moveaxis(np.tensordot(table[:, : len(functions)], values, (1, 1)), 0, 1)


def laplacian(x: np.ndarray) -> np.ndarray:
    """The Laplacian of periodic images (B, C, H, W) or lines (B, C, L), by nearest neighbours."""
    total = -2.0 * (x.ndim - 2) * x
    for axis in range(2, x.ndim):
        total = total + np.roll(x, 1, axis) + np.roll(x, -1, axis)
    return total


def squared_gradient(x: np.ndarray) -> np.ndarray:
    """|grad x|^2 of images or lines, channel by channel, by central differences."""
    axes = range(2, x.ndim)
    return np.sum([((np.roll(x, -1, a) - np.roll(x, 1, a)) / 2) ** 2 for a in axes], axis=0)
