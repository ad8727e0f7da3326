"""A zoo of chaotic systems with polynomial equations, from each of which snapshots can be drawn.

The systems themselves are data, in eqflow_nb/data/chaotic_systems.toml.  Everything here is in the
raw coordinates and the time unit of their sources.
"""

import math
import re
import tomllib
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eqflow_nb.inputs import as_samples, choice, count
from eqflow_nb.snapshots.base import compiled

Exponents = tuple[int, ...]
Polynomial = dict[Exponents, float]
Array = np.ndarray

TABLE = Path(__file__).parents[1] / "data" / "chaotic_systems.toml"
LETTERS = "xyzwvu"  # the coordinates, in order
BATCH = 500  # trajectories of one sample
BLOCK = 100  # trajectories advanced together: their states and monomials fit the nearest cache
SPREAD = 0.001  # of the starts, relative
REACH, WEIGHT = (0.0, 0.5, 0.5, 1.0), (1.0, 2.0, 2.0, 1.0)  # of the stages of RK4


@dataclass(frozen=True, eq=False)  # hashed by identity: terms are dicts
class System:
    """A chaotic system dx/dt = v(x) with polynomial v; a field of raw states.

    For each equation `terms` has the coefficient of every monomial, by its exponents: x y of three
    coordinates is (1, 1, 0).  What the other attributes are is said in chaotic_systems.toml.
    """

    name: str
    terms: tuple[Polynomial, ...]
    start: tuple[float, ...]
    period: float
    step: float
    spacing: float
    lyapunov: float
    source: str
    fast_slow: bool = False
    published: tuple[float, ...] = ()

    @property
    def dim(self) -> int:
        """The dimension d."""
        return len(self.terms)

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of the coordinates."""
        return tuple(LETTERS[: self.dim])

    @property
    def degree(self) -> int:
        """The largest degree of a term."""
        return max(sum(exponents) for equation in self.terms for exponents in equation)

    @property
    def transient(self) -> float:
        """Time in which starts that are close part by a factor e^20, at least."""
        return max(50 * self.period, 10 * self.spacing, 20 / self.lyapunov)

    def velocity(self, x: Any) -> Any:
        """Velocity (n, d) at states (n, d), a Tensor for a Tensor and else an array, float64."""
        return evaluate(self.terms, x)

    def jacobian(self, x: Any) -> Any:
        """Jacobian (n, d, d) of the velocity at states (n, d); entry (i, j) is dv_i/dx_j."""

        def along(terms: Polynomial, j: int) -> Polynomial:
            return {(*e[:j], e[j] - 1, *e[j + 1 :]): c * e[j] for e, c in terms.items() if e[j]}

        rows = [tuple(along(terms, j) for j in range(self.dim)) for terms in self.terms]
        return _stack([evaluate(row, x) for row in rows])

    __call__ = velocity  # a system is itself a field

    def sample(self, n: int, seed: int) -> np.ndarray:
        """Draw n decorrelated snapshots (n, d) on the attractor, float64."""
        # Up to `BATCH` trajectories become independent in a transient, then each is read every
        # `spacing` on average. Both times differ among them: many systems keep their phase for
        # long.
        n, rng = count(n, "n"), np.random.default_rng(count(seed, "seed", at_least=0))
        batch = min(n, BATCH)
        state = np.array(self.start) * (1 + SPREAD * rng.standard_normal((batch, self.dim)))
        snapshots = [self.advance(state, self.transient * rng.uniform(1, 2, batch))]
        for _ in range(math.ceil(n / batch) - 1):
            wait = self.spacing * rng.uniform(0.5, 1.5, batch)
            snapshots.append(self.advance(snapshots[-1], wait))
        return np.concatenate(snapshots)[:n]

    def advance(self, state: np.ndarray, time: float | np.ndarray) -> np.ndarray:
        """Follow states (n, d) for a time, or a time each (n,), by RK4: the states (n, d) there."""
        as_samples(state, "state", dim=self.dim, at_least=1)
        times = np.broadcast_to(np.asarray(time, dtype=float), len(state))
        steps = max(1, math.ceil(np.abs(times).max() / self.step - 1e-9))
        ends = []
        for first in range(0, len(state), BLOCK):
            rows = slice(first, first + BLOCK)
            x = np.array(state[rows].T, order="C", dtype=float)
            self.rk4(x, times[rows] / steps, steps)
            ends.append(x.T)
        end = np.concatenate(ends)
        if not np.isfinite(end).all():
            raise RuntimeError(f"{self.name}: a trajectory left; start nearer the attractor")
        return end

    def rk4(self, x: np.ndarray, dt: np.ndarray, steps: int) -> None:
        """Take RK4 steps of lengths dt (b,) from states x (d, b), in place, float64."""
        # Not with fastmath: it would take a state that is infinite for a number.
        compiled(_loop, error_model="numpy")(x, dt, steps, *self._program)

    @cached_property
    def _program(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The equations as products (P, 2), terms (T, 2) and coefficients (T,), for `_loop`."""
        # Row d + 1 + p of the loop's table is the product of two rows above it; a term names a row
        # of the velocity and one of the table.
        d = self.dim
        unit = [tuple(int(i == j) for j in range(d)) for i in range(d)]
        rows = {e: i for i, e in enumerate([*unit, (0,) * d])}
        products: list[tuple[int, int]] = []

        def row(e: Exponents) -> int:
            if e not in rows:
                j = next(i for i, power in enumerate(e) if power)
                products.append((row((*e[:j], e[j] - 1, *e[j + 1 :])), j))
                rows[e] = d + len(products)
            return rows[e]

        terms = [(i, row(e)) for i, equation in enumerate(self.terms) for e in equation]
        coefficients = [c for equation in self.terms for c in equation.values()]
        pairs = np.array(products, dtype=np.int64).reshape(-1, 2)
        return pairs, np.array(terms), np.array(coefficients)


def system(name: str) -> System:
    """Return the system called `name`, one of `SYSTEMS`."""
    return SYSTEMS[choice(name, SYSTEMS, "system")]


def parse(equation: str, d: int) -> Polynomial:
    """Read a polynomial of d coordinates such as "28 x - x z - 8/3 y^2": its `terms`."""
    found: Polynomial = {}
    for sign, term in re.findall(r"([+-]?)\s*([^+-]+)", equation):
        coefficient, exponents = float(sign + "1"), [0] * d
        for factor in term.split():
            letter, _, power = factor.partition("^")
            if letter in LETTERS:
                exponents[LETTERS.index(letter)] += int(power or 1)
            else:
                coefficient *= float(Fraction(factor))
        key = tuple(exponents)
        found[key] = found.get(key, 0.0) + coefficient
    return found


def evaluate(terms: tuple[Polynomial, ...], x: Any) -> Any:
    """Polynomials (n, len(terms)) at states (n, d), a Tensor for a Tensor, else an array."""
    x = x.double() if isinstance(x, Tensor) else np.asarray(x, dtype=float)
    columns = []
    for polynomial in terms:
        total = 0 * x[:, 0]
        for exponents, coefficient in polynomial.items():
            powers = [x[:, j] ** power for j, power in enumerate(exponents) if power]
            total = total + math.prod(powers, start=coefficient)
        columns.append(total)
    return _stack(columns)


def _stack(columns: list[Any]) -> Any:
    """Stack arrays or tensors along a new axis 1."""
    return torch.stack(columns, 1) if isinstance(columns[0], Tensor) else np.stack(columns, 1)


def _loop(
    x: Array, dt: Array, steps: int, products: Array, terms: Array, coefficients: Array
) -> None:
    """Do what `base.rk4_step` does, five times as fast: steps from states x (d, b), in place."""
    d, b = x.shape
    table = np.ones((d + 1 + len(products), b))  # coordinates, a row of ones, products
    k, total = np.zeros_like(x), np.zeros_like(x)
    for _ in range(steps):
        for stage in range(4):
            for i in range(d):
                for s in range(b):
                    table[i, s] = x[i, s] + REACH[stage] * dt[s] * k[i, s]
                    k[i, s] = 0.0
            for p in range(len(products)):
                left, right = products[p, 0], products[p, 1]
                for s in range(b):
                    table[d + 1 + p, s] = table[left, s] * table[right, s]
            for t in range(len(terms)):
                i, row = terms[t, 0], terms[t, 1]
                for s in range(b):
                    k[i, s] += coefficients[t] * table[row, s]
            for i in range(d):
                for s in range(b):
                    total[i, s] += WEIGHT[stage] * k[i, s]
        for i in range(d):
            for s in range(b):
                x[i, s] += dt[s] / 6 * total[i, s]
                total[i, s] = 0.0


def _system(name: str, equations: list[str], **entry: Any) -> System:
    terms = tuple(parse(equation, len(equations)) for equation in equations)
    lists = {key: tuple(value) for key, value in entry.items() if isinstance(value, list)}
    return System(name, terms, **(entry | lists))


def read(table: Path) -> dict[str, System]:
    """Read the systems of a table such as chaotic_systems.toml."""
    entries = tomllib.loads(table.read_text("utf-8"))
    return {name: _system(name, **entry) for name, entry in entries.items()}


SYSTEMS = read(TABLE)
